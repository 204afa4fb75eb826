"""Two hosts that share files and a network, and no memory, hostname or process numbers (tests/support/two_hosts.sh): the digests of a run on one, also
when a host vanishes on the way. And containers: ranks of one host that do not see each other's processes."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import BINARY, SKIPPED, SOURCE, digests, h5py, settings, text
from resuming import CutOff, contents, journal_bytes

TWO_HOSTS = os.path.join(SOURCE, "tests", "support", "two_hosts.sh")
UNITS = os.path.join(os.path.dirname(BINARY), "..", "..", "tests", "unit")
# One-sided messages of UCX do not start over TCP (Open MPI 4.1), so that claims would go by turns.
OVER_TCP = {"OMPI_MCA_pml": "ob1", "OMPI_MCA_osc": "^ucx"}

tried = subprocess.run([TWO_HOSTS, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
if tried.returncode == SKIPPED:
    print(tried.stdout.strip())
    sys.exit(SKIPPED)


def start(program, env=None):
    """A program on two ranks of each host."""
    script = 'exec mpirun --host one:2,$HOST_TWO:2 -n 4 "$@"'
    return subprocess.Popen([TWO_HOSTS, "sh", "-c", script, "sh"] + program, env=settings(env=env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ranks_of(output):
    """{host: {process}} of the ranks that write this output; a host is named by its namespace."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            words = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0") if entry.isdigit() else [b""]
            if words[0] == BINARY.encode() and ("run.output=" + output).encode() in words:
                found.setdefault(os.readlink("/proc/%s/ns/uts" % entry), set()).add(int(entry))
        except OSError:
            pass  # it has just ended
    return found


class Hosts(CutOff):
    def output_of(self, name):
        return ["--set", "run.output=" + self.path(name)], self.path(name)

    def test_digests(self):
        chosen, output = self.output_of("two.h5")
        running = start([BINARY, "run", self.job] + chosen, OVER_TCP)
        _, err = running.communicate()
        self.assertEqual(running.returncode, 0, err)
        self.assertIn("on 2 nodes", err)
        self.assertNotIn("warning", err)
        self.assertEqual(digests(output), self.digests)
        self.assertEqual(contents(output), contents(self.reference))
        with h5py.File(output, "r") as f:
            self.assertEqual(text(f["run"].attrs["hosts"]), "one two")

    def test_without_one_sided_messages(self):
        """What the MPI chooses by itself; where its one-sided messages do not start, ranks take turns."""
        chosen, output = self.output_of("turns.h5")
        running = start([BINARY, "run", self.job] + chosen)
        _, err = running.communicate()
        self.assertEqual(running.returncode, 0, err)
        self.assertEqual(digests(output), self.digests)

    def test_a_host_vanishes(self):
        for _ in range(10):
            shutil.rmtree(self.journal, ignore_errors=True)
            chosen, output = self.output_of("out.h5")
            running = start([BINARY, "run", self.job] + chosen, OVER_TCP)
            while running.poll() is None and journal_bytes(self.journal) < 6000:
                time.sleep(0.01)
            hosts = ranks_of(output)
            for process in hosts[max(hosts)] if len(hosts) == 2 else []:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            _, err = running.communicate(timeout=60)
            if not os.path.exists(output):
                break
            os.remove(output)  # it was through before
        self.assertNotEqual(running.returncode, 0, err)
        self.assertIn("going on from", self.go_on("--resume").err)

    def test_units(self):
        for name in ("unit_par_world", "unit_par_claims", "unit_par_node"):
            running = start([os.path.join(UNITS, name)], OVER_TCP)
            out, err = running.communicate()
            self.assertEqual(running.returncode, 0, out + err)
            self.assertEqual(out.count("n/a      0        0"), 4, out)

    def test_containers(self):
        """Ranks of one host with process numbers of their own: under the one that offers its copy stands another process, or the rank itself."""
        wrapper = self.path("container.sh")
        user = "" if os.geteuid() == 0 else "--user --map-root-user "
        pathlib.Path(wrapper).write_text('#!/bin/sh\nexec unshare %s--pid --fork --mount-proc "$@"\n' % user)
        os.chmod(wrapper, 0o700)
        env = settings(env=dict(OVER_TCP, OMPI_MCA_btl="self,tcp", OMPI_MCA_osc="^ucx,sm"))  # Open MPI's own shared memory is named by process numbers
        done = subprocess.run(["mpirun", "-n", "2", wrapper, os.path.join(UNITS, "unit_par_node")], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
