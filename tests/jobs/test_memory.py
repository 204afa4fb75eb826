"""What a run takes from the system: a long batch is cut to what serves a rank's threads, and changes nothing."""
import os
import pathlib
import subprocess
import unittest

from harness import BINARY, InFolder, digests, job_text, wait_measured

DESIGNS = ["design: isaac, name: isaac", "design: sme, name: sme-x2, squeeze: 2"]


def largest_resident(job, batch, output):
    """Of a run on one rank, in MiB; its output goes to a file."""
    env = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    command = [BINARY, "run", job, "--set", "run.batch=%d" % batch, "--set", "run.output=%s" % output]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    code, largest = wait_measured(process)
    assert code == 0, code
    return largest


class Memory(InFolder):
    def test_long_batch(self):
        job = self.path("job.yml")
        pathlib.Path(job).write_text(job_text(DESIGNS, self.path("unused.h5"), count=1000))
        short = largest_resident(job, 4, self.path("short.h5"))
        long = largest_resident(job, 1000, self.path("long.h5"))
        self.assertLess(long - short, 18)  # 27 where all 1000 images are held at once
        self.assertEqual(digests(self.path("long.h5")), digests(self.path("short.h5")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
