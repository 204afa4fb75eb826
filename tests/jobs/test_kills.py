"""kill -9 at random moments, again and again: what comes out in the end is what comes out undisturbed."""
import os
import random
import signal
import time
import unittest

from harness import digests
from resuming import CutOff, Running, contents

KILLS = 20


class Kills(CutOff):
    def test_killed_at_random_moments(self):
        """kill -9 of a lone process, of mpirun, of one rank; every time it goes on from what is there."""
        moments = random.Random(20261121)
        kills, finished, longest = 0, 0, 1.0
        while kills < KILLS:
            ranks = 1 if kills % 4 else 2
            began = time.monotonic()
            running = Running(["run", self.job, "--resume"], ranks)
            time.sleep(moments.uniform(0.1, longest))
            victims = running.ranks() if kills % 8 == 4 else []
            try:
                os.kill(moments.choice(victims) if victims else running.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            code, err = running.end()
            if os.path.exists(self.output):  # it was quicker than the kill
                self.assertEqual(digests(self.output), self.digests)
                os.remove(self.output)
                finished += 1
                longest = max(0.3, 0.8 * (time.monotonic() - began))
                continue
            self.assertNotEqual(code, 0, err)
            kills += 1
        print("%d kills, %d runs finished between them" % (kills, finished))
        self.go_on("--resume")
        self.assertEqual(contents(self.output), contents(self.reference))


if __name__ == "__main__":
    unittest.main(verbosity=2)
