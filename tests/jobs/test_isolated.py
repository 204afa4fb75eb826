"""run.mode isolated: layers of designs on the exact integer network's inputs, each on its own. What a lossless design does there it does in the chain;
results do not depend on ranks, threads, batches, kernels, or on a run that was cut off; there is no top-1, and the report says so."""
import pathlib
import signal
import unittest

from harness import InFolder, digests, h5py, job_text, numpy, run
from resuming import CutOff

LOSSLESS = ["design: isaac, name: isaac", "design: isaac, name: isaac-1c, cell_bits: 1"]
LOSSY = [
    "design: isaac, name: isaac-4b, adc_bits: 4",
    "design: sme, name: sme-cal, squeeze: 1, policy: round, adc_bits: 4, adc_range: calibrated",
    "design: isaac, name: isaac-noisy, adc_bits: 6, read_noise: 0.05, variation: 0.05",
]
# ranks, threads, batch, kernel
RUNS = [(1, 1, 16, ""), (2, 1, 7, ""), (3, 2, 1, ""), (5, 1, 64, ""), (2, 2, 16, "portable")]


def contents(path):
    """Every data set of every design, but for what says how the work was done."""
    found = {}
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, item: found.update({name: repr(item[...].tolist())}) if isinstance(item, h5py.Dataset) and not name.startswith("run/") else None)
    return found


class Isolated(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.path("job.yml")
        pathlib.Path(cls.job).write_text(job_text(LOSSLESS + LOSSY, cls.path("unused.h5"), count=33))
        cls.chained, cls.outputs = cls.path("chained.h5"), []
        assert run(["run", cls.job, "--set", "run.output=" + cls.chained]).code == 0
        for k, (ranks, threads, batch, kernel) in enumerate(RUNS):
            output = cls.path("%d.h5" % k)
            done = run(["run", cls.job, "--set", "run.mode=isolated", "--set", "run.batch=%d" % batch, "--set", "run.output=" + output], ranks, threads,
                       {"OHM_KERNEL": kernel} if kernel else {})
            assert done.code == 0, done.err
            cls.outputs.append(output)
        cls.table = done.out

    def columns(self, path, point, *names):
        with h5py.File(path, "r") as f:
            return [f[point][name][...] for name in names]

    def test_the_same_however_it_is_run(self):
        first = contents(self.outputs[0])
        for other in self.outputs[1:-1]:
            self.assertEqual(contents(other), first)
        self.assertEqual(digests(self.outputs[-1]), digests(self.outputs[0]))  # another kernel says that it was used
        self.assertEqual(len(set(digests(self.outputs[0]).values())), 2 + len(LOSSY) + len(LOSSLESS))  # points differ, in tallies at least

    def test_lossless_is_as_in_the_chain(self):
        names = ["layers/" + name for name in ("positions", "conversions", "clipped", "row_drives", "cells_driven", "cell_levels", "steps", "energy_pj")]
        for point in ("isaac", "isaac-1c"):
            for name, alone, chain in zip(names, self.columns(self.outputs[0], point, *names), self.columns(self.chained, point, *names)):
                numpy.testing.assert_array_equal(alone, chain, err_msg=point + " " + name)
            sqnr, differing = self.columns(self.outputs[0], point, "layers/sqnr_isolated_db", "isolated/differing")
            self.assertTrue(numpy.isposinf(sqnr).all() and not differing.any())
        numpy.testing.assert_array_equal(*(self.columns(self.outputs[0], point, "isolated/digest")[0] for point in ("isaac", "isaac-1c")))

    def test_inputs_are_exact(self):
        """Word lines are driven by a layer's input alone: those of a design that clips are those of the one that does not."""
        lossless, lossy = (self.columns(self.outputs[0], point, "layers/row_drives")[0] for point in ("isaac", "isaac-4b"))
        numpy.testing.assert_array_equal(lossless, lossy)
        self.assertTrue((self.columns(self.chained, "isaac-4b", "layers/row_drives")[0] != lossless).any())  # in the chain they are not

    def test_what_is_lost(self):
        for point in ("isaac-4b", "sme-cal", "isaac-noisy"):
            outputs, differing, digest, sqnr, chain = self.columns(self.outputs[0], point, "isolated/outputs", "isolated/differing", "isolated/digest",
                                                                   "layers/sqnr_isolated_db", "layers/sqnr_chained_db")
            self.assertTrue((0 < differing).all() and (differing <= outputs).all())
            self.assertTrue(numpy.isfinite(sqnr).all() and numpy.isnan(chain).all())
            self.assertTrue((digest != self.columns(self.outputs[0], "isaac", "isolated/digest")[0]).all())
        first_layer = [self.columns(path, "isaac-4b", "layers/clipped")[0][0] for path in (self.outputs[0], self.chained)]
        self.assertEqual(*first_layer)  # the first layer's inputs are exact in the chain, too
        self.assertGreater(first_layer[0], 0)

    def test_sqnr_is_that_of_the_chain_where_inputs_are_the_same(self):
        """The first layer, measured over the same images by both."""
        job, found = self.path("why.yml"), []
        text = job_text(LOSSY[:1], self.path("unused.h5"), count=8).replace("fashion_test1000", "fashion_calibration200")
        pathlib.Path(job).write_text(text)
        for name, setting in (("why", "run.why=true"), ("alone", "run.mode=isolated")):
            done = run(["run", job, "--set", setting, "--set", "run.output=" + self.path(name + ".h5")])
            self.assertEqual(done.code, 0, done.err)
            found.append(self.columns(self.path(name + ".h5"), "isaac-4b", "layers/sqnr_isolated_db")[0][0])
        self.assertAlmostEqual(*found, delta=1e-3)

    def test_no_top1(self):
        with h5py.File(self.outputs[0], "r") as f, h5py.File(self.chained, "r") as chained:
            self.assertEqual(f["isaac"].attrs["images_labelled"], 0)
            self.assertEqual(set(f["isaac/images/correct"][...]), {-1})
            self.assertEqual(f["integer"].attrs["digest"], chained["integer"].attrs["digest"])  # float and integer stay chains
            self.assertNotIn("isolated", chained["isaac"])
        row = [line.split() for line in self.table.splitlines() if line.startswith("isaac-4b ")][0]
        self.assertEqual(row[1:4], ["-", "-", "-"])
        self.assertIn("no top-1", self.table)
        why = run(["report", "--why", self.outputs[0]])
        self.assertEqual(why.code, 0, why.err)
        self.assertIn("isaac-4b: layers on exact inputs, no top-1", why.out)
        refused = run(["run", self.job, "--set", "run.mode=isolated", "--set", "run.why=true"])
        self.assertEqual(refused.code, 2)
        self.assertIn("run.mode", refused.err)
        refused = run(["run", self.job, "--set", "run.mode=isolated", "--set", "run.grid=1x2"], ranks=2)
        self.assertIn("give run.grid one stage, such as 2x1", refused.err)
        self.assertNotEqual(refused.code, 0)


class GoneOnWith(CutOff):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = pathlib.Path(cls.job).read_text().replace("run: {", "run: {mode: isolated, evaluate: all, ")
        pathlib.Path(cls.job).write_text(text)
        done = run(["run", cls.job, "--set", "run.output=" + cls.reference], ranks=2)
        assert done.code == 0, done.err
        cls.digests = digests(cls.reference)

    def test_killed(self):
        self.cut_off(ranks=2)
        self.go_on("--resume", ranks=3)

    def test_stopped(self):
        code, err = self.cut_off(sent=signal.SIGTERM)
        self.assertEqual(code, 85, err)
        chained = run(["run", self.job, "--resume", "--set", "run.mode=chained"])
        self.assertEqual(chained.code, 2)
        self.assertIn("run.mode was isolated and is now chained", chained.err)
        self.go_on("--resume")


if __name__ == "__main__":
    unittest.main(verbosity=2)
