"""The scripts of jobs/slurm on a real SLURM of the test's own, two nodes on this host: whatever happens to a job, its digests are those of a plain run.
OHM_FULL=1 adds a time limit that runs out, which takes minutes (the test labelled slow)."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "jobs"))
from harness import BINARY, SKIPPED, SOURCE, digests, folder, job_text, run  # noqa: E402
from resuming import journal_bytes  # noqa: E402

CLUSTER = os.path.join(SOURCE, "tests", "slurm", "cluster.sh")
SCRIPTS = os.path.join(SOURCE, "jobs", "slurm")
DESIGNS = ["design: sme, name: sme-cal, squeeze: 1, policy: round, adc_bits: 4, adc_range: calibrated", "design: isaac, name: isaac-4b, adc_bits: 4"]
SWEEP = "sweep: {adc.bits: [4, 6], designs.isaac-4b.cell_bits: [1, 2]}\n"
LONG = "sweep: {designs.sme-cal.adc_bits: [3, 4, 5, 6, 7], designs.sme-cal.policy: [truncate, round], designs.sme-cal.squeeze: [0, 1, 2]}\n"  # minutes
FULL = os.environ.get("OHM_FULL") == "1"


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


if os.geteuid() != 0 or not all(shutil.which(name) for name in ("slurmctld", "slurmd", "munged", "sbatch")):
    skip("needs root, and SLURM with munge (jobs/setup.sh slurm)")


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder()
        cls.state = os.path.join(cls.folder.name, "slurm")
        up = subprocess.run([CLUSTER, "up", cls.state, "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if up.returncode:
            cls.tearDownClass()
            skip("SLURM does not start here: " + up.stdout.strip())
        cls.env = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "OMPI_", "OMP_"))}
        # Both nodes are this host, so that messages must not go through memory as between ranks of one; ranks that wait leave the core to others.
        cls.env.update(SLURM_CONF=cls.state + "/slurm.conf", OHMTALLY=BINARY, OHMTALLY_HOME=SOURCE, OMPI_MCA_btl="self,tcp", OMPI_MCA_mpi_yield_when_idle="1")
        cls.reference = cls.path("reference.h5")
        cls.job = cls.path("job.yml")
        pathlib.Path(cls.job).write_text(job_text(DESIGNS, cls.reference, count=400))
        assert run(["run", cls.job], ranks=2).code == 0
        cls.digests = digests(cls.reference)

    @classmethod
    def tearDownClass(cls):
        subprocess.run([CLUSTER, "down", cls.state], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(cls.folder.name, ignore_errors=True)  # daemons may still write

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def slurm(self, *command):
        done = subprocess.run(command, env=self.env, cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def submit(self, script, name, *options, arguments=()):
        """A job whose result is name.h5; returns its id."""
        self.output = self.path(name + ".h5")
        return self.slurm("sbatch", "--parsable", "--job-name=" + name, "--ntasks=2", "--time=5", *options, os.path.join(SCRIPTS, script), self.job,
                          "--set", "run.output=" + self.output, *arguments)

    def state_of(self, job):
        fields = dict(word.split("=", 1) for word in self.slurm("scontrol", "--oneliner", "show", "job", job).split() if "=" in word)
        return fields["JobState"], int(fields["ExitCode"].split(":")[0])

    def logs(self, job="*"):
        return "\n".join(pathlib.Path(log).read_text() for log in glob.glob(self.path("*-%s.log" % job)))

    def wait(self, job, *states, seconds=60):
        """Until the job is in one of these states; returns its exit code."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state, code = self.state_of(job)
            if state in states:
                return code
            self.assertNotIn(state, {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"} - set(states), self.logs())
            time.sleep(0.1)
        self.fail("job %s is %s: %s" % (job, state, self.logs()))

    def wait_for_batches(self):
        end = time.monotonic() + 40
        while journal_bytes(self.output + ".journal") < 15000:
            self.assertLess(time.monotonic(), end, self.logs())
            time.sleep(0.02)

    def finish(self, job, seconds=90):
        """A job that stops, goes back into the queue, where SLURM would let it wait two minutes, and ends well."""
        end = time.monotonic() + seconds
        while self.state_of(job)[0] != "COMPLETED":
            self.assertIn(self.state_of(job)[0], ("PENDING", "RUNNING", "COMPLETING", "REQUEUED", "PREEMPTED", "COMPLETED"), self.logs(job))
            self.assertLess(time.monotonic(), end, self.logs(job))
            time.sleep(2)  # a start in the second in which the one before was revoked would count as revoked
            if self.state_of(job)[0] == "PENDING":
                subprocess.run(["scontrol", "update", "JobId=" + job, "StartTime=now"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertIn("going on from", self.logs(job))
        self.assertFalse(os.path.exists(self.output + ".journal"))

    def test_one_node(self):
        for launch in ("srun", "mpirun"):
            job = self.submit("one_node.sh", "one-" + launch, "--export=ALL,OHM_LAUNCH=" + launch)
            self.assertEqual(self.wait(job, "COMPLETED"), 0)
            self.assertEqual(digests(self.output), self.digests)
            self.assertIn("on 1 node", self.logs(job))

    def test_two_nodes(self):
        job = self.submit("many_nodes.sh", "two", "--nodes=2", "--ntasks-per-node=1")
        self.wait(job, "COMPLETED")
        self.assertEqual(digests(self.output), self.digests)

    def test_a_signal_before_the_limit(self):
        for launch in ("srun", "mpirun"):
            job = self.submit("one_node.sh", "signal-" + launch, "--export=ALL,OHM_LAUNCH=" + launch)
            self.wait_for_batches()
            self.slurm("scancel", "--signal=USR1", *(["--batch"] if launch == "mpirun" else []), job)
            self.finish(job)
            self.assertEqual(digests(self.output), self.digests)

    def test_preemption(self):
        job = self.submit("one_node.sh", "preempted", "--nodelist=n1")
        self.wait_for_batches()
        urgent = self.slurm("sbatch", "--parsable", "--partition=urgent", "--nodelist=n1", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
        self.wait(urgent, "COMPLETED")
        self.finish(job)
        self.assertEqual(digests(self.output), self.digests)

    def test_a_rank_is_killed(self):
        job = self.submit("one_node.sh", "killed")
        self.wait_for_batches()
        ranks = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and self.output.encode() in command_line(entry) and BINARY.encode() == command_line(entry).split(b"\0")[0]]
        os.kill(max(ranks), signal.SIGKILL)
        self.wait(job, "FAILED")
        self.assertFalse(os.path.exists(self.output))
        job = self.submit("one_node.sh", "killed", arguments=["--resume"])
        self.finish(job)
        self.assertEqual(digests(self.output), self.digests)

    def test_a_sweep_as_an_array(self):
        swept, whole, output = self.path("sweep.yml"), self.path("whole.h5"), self.path("shares.h5")
        pathlib.Path(swept).write_text(job_text(DESIGNS, whole, count=30) + SWEEP)
        self.assertEqual(run(["run", swept]).code, 0)
        env = dict(self.env, SBATCH_OPTIONS="--ntasks=1 --time=5")
        done = subprocess.run([os.path.join(SCRIPTS, "sweep.sh"), "3", output, swept], env=env, cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.wait(done.stdout.split()[1], "COMPLETED"), 0)
        self.assertEqual(digests(output), digests(whole))
        self.assertEqual(len(glob.glob(self.path("shares.*-of-3.h5"))), 3)

    @unittest.skipUnless(FULL, "takes minutes")
    def test_the_limit_itself(self):
        """--time=1 with the signal 50 s before: SLURM looks at limits every half minute."""
        slow = self.path("slow.yml")
        pathlib.Path(slow).write_text(job_text(DESIGNS[:1], self.path("slow-reference.h5"), count=0) + LONG)
        self.output = self.path("limit.h5")
        job = self.slurm("sbatch", "--parsable", "--ntasks=1", "--time=1", "--signal=USR1@50", os.path.join(SCRIPTS, "one_node.sh"), slow, "--set", "run.output=" + self.output,
                         "--set", "run.evaluate=all")
        self.finish(job, 900)
        self.assertEqual(run(["run", slow, "--set", "run.evaluate=needed"], ranks=2).code, 0)
        self.assertEqual(digests(self.output), digests(self.path("slow-reference.h5")))


def command_line(process):
    try:
        return pathlib.Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    unittest.main(verbosity=2)
