"""Grids of image groups and layer stages: every data set as with all layers on every rank, whatever is drawn, cut off or wrong."""
import os
import pathlib
import random
import signal
import time
import unittest

from harness import InFolder, folder, job_text, run
from resuming import CutOff, Running, contents, journal_bytes
from test_bad_input import make_pngs

GRIDS = ["1x1", "2x1", "1x2", "2x2", "1x3", "3x2"]
DESIGNS = [
    "design: isaac, name: isaac-reads, adc_bits: 7, read_noise: 0.05",
    "design: sme, name: sme-cal, squeeze: 1, policy: round, adc_bits: 4, adc_range: calibrated",
]


def ranks_of(grid):
    groups, stages = grid.split("x")
    return int(groups) * int(stages)


def in_grid(job, grid, *more):
    return ["run", job, "--set", "run.grid=" + grid] + [word for value in more for word in ("--set", value)]


class Grids(InFolder):
    def points_equal(self, job, grids, *more):
        reference = None
        for grid in grids:
            output = self.path(grid + ".h5")
            done = run(in_grid(job, grid, "run.output=" + output, *more), ranks=ranks_of(grid), timeout=120)
            self.assertEqual(done.code, 0, done.err)
            said = [line for line in done.err.splitlines() if "stages of layers" in line]
            self.assertEqual(len(said), 0 if grid.endswith("x1") else len(DESIGNS) + 1, done.err)  # and the integer network
            self.assertEqual(done.err.count("first group's stages worked"), len(said))
            found = contents(output)
            reference = reference or found
            self.assertEqual(sorted(found), sorted(reference))
            self.assertEqual([key for key in reference if found[key] != reference[key]], [], grid)
        return reference

    def test_every_data_set_is_equal(self):
        job = self.path("job.yml")
        pathlib.Path(job).write_text(job_text(DESIGNS, self.path("out.h5"), count=26))
        found = self.points_equal(job, GRIDS, "run.why=true", "run.batch=4")
        self.assertGreater(len(found), 200)
        self.assertNotEqual(found["isaac-reads", "images/outputs_digest"], found["integer", "images/outputs_digest"])
        self.assertNotIn("nan", found["sme-cal", "layers/sqnr_isolated_db"])  # measured on every stage

    def test_corrupt_image(self):
        """An image that the first stage cannot read is left out by all, and its neighbours keep their numbers."""
        make_pngs(self.path("pngs"), 9)
        path = pathlib.Path(self.path("pngs"), "3.png")
        path.write_bytes(path.read_bytes()[:40])
        job = self.path("corrupt.yml")
        pathlib.Path(job).write_text(job_text(DESIGNS, self.path("out.h5")))
        found = self.points_equal(job, ["1x1", "2x2"], "images={folder: %s, crop: 28}" % self.path("pngs"), "run.batch=5")
        self.assertEqual(found["isaac-reads", "", "images_corrupt"], "1")

    def test_auto_is_one_stage_where_memory_suffices(self):
        job = self.path("auto.yml")
        pathlib.Path(job).write_text(job_text(DESIGNS[:1], self.path("auto.h5"), count=4))
        done = run(["run", job], ranks=2)
        self.assertEqual(done.code, 0, done.err)
        said = [line for line in done.err.splitlines() if "run.grid" in line]
        self.assertEqual(len(said), 1, done.err)
        self.assertIn("run.grid is 2x1, by itself: all layers take at most ", said[0])

    def test_auto_is_stages_where_it_does_not(self):
        """Three ranks: one stage or three. Conductances of all layers take more than 2 MiB, a third of them does not."""
        job, whole = self.path("scarce.yml"), self.path("whole.h5")
        pathlib.Path(job).write_text(job_text(DESIGNS[:1], self.path("scarce.h5"), count=8))
        done = run(["run", job, "--set", "run.memory_mb=2"], ranks=3)
        self.assertEqual(done.code, 0, done.err)
        said = [line for line in done.err.splitlines() if line.startswith("isaac-reads: ") and "run.grid" in line]
        self.assertIn("run.grid is 1x3, by itself: all layers take about ", "".join(said))
        self.assertIn("a rank may use 2 (run.memory_mb)", said[0])
        self.assertEqual(run(["run", job, "--set", "run.output=" + whole]).code, 0)
        self.assertEqual(contents(self.path("scarce.h5")), contents(whole))


class Refused(unittest.TestCase):
    def test_wrong_grids(self):
        with folder() as where:
            job = os.path.join(where, "job.yml")
            pathlib.Path(job).write_text(job_text(DESIGNS[:1], os.path.join(where, "out.h5"), count=4))
            for grid, ranks, *fragments in (("2x2", 3, "2x2", "4 ranks", "there are 3"), ("1x2", 1, "2 ranks", "there are 1"), ("2", 1, "groups x stages", "'2'"),
                                            ("0x2", 2, "1..1000000"), ("2x", 1, "'2x'"), ("x", 1, "'x'"), ("2x1x1", 1, "'2x1x1'"), ("autp", 1, "did you mean 'auto'"),
                                            ("[1, 2]", 1, "not a list"), ("1x9999999999999999999", 1, "1..1000000"), ("1x9", 9, "9 stages", "8 layers")):
                done = run(in_grid(job, grid), ranks=ranks, timeout=60)
                self.assertEqual(done.code, 2, done.err)
                lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ") and "warning" not in line]
                self.assertEqual(len(lines), 1, done.err)
                for fragment in fragments:
                    self.assertIn(fragment, lines[0])
                self.assertEqual(os.listdir(where), ["job.yml"])


class CutOffInAGrid(CutOff):
    def test_killed_at_random_moments(self):
        """kill -9 of mpirun or of one rank, then on in another grid: nothing of a batch counts twice, nothing is lost."""
        moments, kills = random.Random(20261122), 0
        for grid in ("1x2", "2x2", "1x3", "2x1", "3x2", "1x2"):
            running = Running(in_grid(self.job, grid) + ["--resume"], ranks_of(grid))
            before, began = journal_bytes(self.journal), time.monotonic()
            while running.process.poll() is None and journal_bytes(self.journal) < before + 3000 and time.monotonic() - began < 20:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.3))
            victims = running.ranks() if kills % 2 else []
            try:
                os.kill(moments.choice(victims) if victims else running.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            code, err = running.end()
            if os.path.exists(self.output):  # it was quicker than the kill
                os.remove(self.output)
                continue
            self.assertNotEqual(code, 0, err)
            kills += 1
        self.assertGreaterEqual(kills, 3)
        self.go_on("--resume", "--set", "run.grid=2x2", ranks=4)
        self.assertEqual(contents(self.output), contents(self.reference))

    def stopped(self, grid, victim, sent, code, fragment):
        """Ends a run by a signal to one of its ranks, by number; then goes on with all layers on every rank."""
        self.setUp()
        running = Running(in_grid(self.job, grid), ranks_of(grid))
        running.wait_for_batches(self.journal, 2000)
        try:
            os.kill(sorted(running.ranks())[victim], sent)
        except (IndexError, ProcessLookupError):
            pass
        found, err = running.end()
        if not os.path.exists(self.output):
            self.assertEqual(found, code, err)
            self.assertIn(fragment, err)
            self.assertIn("going on from", self.go_on("--resume", ranks=1).err)
            self.assertEqual(contents(self.output), contents(self.reference))
            return 1
        os.remove(self.output)
        return 0

    def test_a_signal_to_any_stage_stops_all(self):
        stops = sum(self.stopped("1x3", victim, signal.SIGUSR1, 85, "stopped by SIGUSR1") for victim in range(3))
        self.assertGreaterEqual(stops, 2)

    def test_a_stage_that_fails_holds_nobody(self):
        """The last stage cannot write its journal any more."""
        import resource
        running = Running(in_grid(self.job, "2x2"), 4)
        running.wait_for_batches(self.journal, 2000)
        for rank in running.ranks():
            resource.prlimit(rank, resource.RLIMIT_FSIZE, (4000, 4000))
        code, err = running.end()
        self.assertEqual(code, 4, err)
        self.assertEqual(len([line for line in err.splitlines() if line.startswith("ohmtally: ") and "cannot" in line]), 1, err)
        self.assertFalse(os.path.exists(self.output))
        self.go_on("--resume", "--set", "run.grid=1x2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
