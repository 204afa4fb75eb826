"""What tests of runs that are cut off share: a job that takes a second or two, its undisturbed result, and ways to end a run early."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from harness import BINARY, InFolder, digests, h5py, job_text, numpy, point_names, run, settings

DESIGNS = ["design: isaac, name: isaac-4b, adc_bits: 4", "design: sme, name: sme-cal, squeeze: 1, policy: round, adc_bits: 4, adc_range: calibrated"]
OF_THE_RUN = {"seconds"}  # attributes that say how the run was, not what came out


def contents(path):
    """Every data set and attribute of every point, as text: NaN stands for what was not measured, and is the same as NaN."""
    found = {}
    with h5py.File(path, "r") as f:
        for point in point_names(f):
            def see(name, item):
                for key, value in item.attrs.items():
                    if key not in OF_THE_RUN:
                        found[point, name, key] = repr(numpy.asarray(value).tolist())
                if isinstance(item, h5py.Dataset):
                    found[point, name] = repr(item[...].tolist())
            see("", f[point])
            f[point].visititems(see)
    return found


def journal_bytes(journal):
    try:
        return sum(os.path.getsize(os.path.join(journal, name)) for name in os.listdir(journal) if name.startswith("rank-"))
    except OSError:
        return 0


class Running:
    """ohmtally under way, alone or under mpirun."""

    def __init__(self, arguments, ranks=1):
        command = ["mpirun", "-n", str(ranks), BINARY] + arguments if ranks > 1 else [BINARY] + arguments
        self.process = subprocess.Popen(command, env=settings(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def ranks(self):
        """Process ids of the ranks under mpirun."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and pathlib.Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()[1] == str(self.process.pid):
                    found.append(int(entry))
            except OSError:
                pass
        return found

    def wait_for_batches(self, journal, bytes_wanted=6000):
        """Until the journal has grown that much, or the run is over."""
        before = journal_bytes(journal)
        while self.process.poll() is None and journal_bytes(journal) < before + bytes_wanted:
            time.sleep(0.01)

    def end(self, timeout=60):
        """Exit code and messages. mpirun may hang by itself when a rank is killed while it starts (Open MPI 4.1); then it is killed, too."""
        try:
            err = self.process.communicate(timeout=timeout if self.process.args[0] != "mpirun" else 20)[1]
        except subprocess.TimeoutExpired:
            alive = [rank for rank in self.ranks() if "Z" not in pathlib.Path("/proc", str(rank), "stat").read_text().rsplit(")", 1)[1].split()[0]]
            self.process.kill()
            err = self.process.communicate()[1]
            assert not alive, "ranks %s hang: %s" % (alive, err)
        return self.process.returncode, err


class CutOff(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job, cls.reference = cls.path("job.yml"), cls.path("reference.h5")
        pathlib.Path(cls.job).write_text(job_text(DESIGNS, cls.path("out.h5"), count=200))
        done = run(["run", cls.job, "--set", "run.output=" + cls.reference], ranks=2)
        assert done.code == 0, done.err
        cls.digests = digests(cls.reference)

    def setUp(self):
        self.output, self.journal = self.path("out.h5"), self.path("out.h5.journal")
        shutil.rmtree(self.journal, ignore_errors=True)
        if os.path.exists(self.output):
            os.remove(self.output)

    def go_on(self, *arguments, ranks=2, env=None):
        """The rest of the run: undisturbed, with the reference's digests, nothing left over."""
        done = run(["run", self.job] + list(arguments), ranks=ranks, env=env)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(digests(self.output), self.digests)
        self.assertEqual([name for name in os.listdir(self.folder.name) if name.startswith("out.h5")], ["out.h5"])
        return done

    def cut_off(self, ranks=1, sent=signal.SIGKILL, arguments=()):
        """A run that is stopped when it has finished something; one that was through before the signal took effect is begun again."""
        for _ in range(10):
            if os.path.exists(self.output):
                os.remove(self.output)
            running = Running(["run", self.job] + list(arguments), ranks)
            running.wait_for_batches(self.journal)
            running.process.send_signal(sent)
            code, err = running.end()
            if not os.path.exists(self.output):
                break
        self.assertNotEqual(code, 0, err)
        self.assertFalse(os.path.exists(self.output))
        return code, err
