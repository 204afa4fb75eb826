"""The digest of a run does not depend on ranks, threads, batch size or kernel; a lossless crossbar run equals the integer network on every image."""
import os
import pathlib
import unittest

from harness import digests, folder, h5py, job_text, numpy, run, text

DESIGNS = [
    "design: isaac, name: isaac",
    "design: isaac, name: isaac-4b, adc_bits: 4",
    "design: isaac, name: isaac-full, adc_bits: 5, adc_range: full",
    "design: sme, name: sme-x2, squeeze: 2",
    "design: sme, name: sme-cal, squeeze: 1, policy: round, adc_bits: 4, adc_range: calibrated",
]
# ranks, threads, batch, kernel; more ranks than images included below
RUNS = [(1, 1, 16, ""), (2, 1, 7, ""), (3, 2, 1, ""), (5, 1, 64, ""), (1, 2, 64, ""), (2, 2, 16, "portable")]


class Invariance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder()
        cls.results = []
        for k, (ranks, threads, batch, kernel) in enumerate(RUNS):
            job, output = os.path.join(cls.folder.name, "job.yml"), os.path.join(cls.folder.name, "%d.h5" % k)
            pathlib.Path(job).write_text(job_text(DESIGNS, output, count=33))
            done = run(["run", job, "--set", "run.batch=%d" % batch], ranks, threads, {"OHM_KERNEL": kernel} if kernel else {})
            assert done.code == 0, done.err
            cls.results.append(output)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_digests_are_equal(self):
        first = digests(self.results[0])
        self.assertEqual(len(first), len(DESIGNS) + 2)
        self.assertEqual(len(set(first.values())), len(first))  # points differ from each other: a constant would not
        for other in self.results[1:]:
            self.assertEqual(digests(other), first)

    def test_data_sets_are_equal(self):
        with h5py.File(self.results[0], "r") as a, h5py.File(self.results[3], "r") as b:
            names = []
            a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            self.assertGreater(len(names), 100)
            for name in names:
                if name.startswith("run/"):
                    continue
                numpy.testing.assert_array_equal(a[name][...], b[name][...], err_msg=name)

    def test_lossless_equals_integer(self):
        with h5py.File(self.results[0], "r") as f:
            numpy.testing.assert_array_equal(f["isaac/images/outputs_digest"][...], f["integer/images/outputs_digest"][...])
            self.assertEqual(f["isaac/layers/clipped"][...].sum(), 0)
            self.assertGreater(f["isaac-4b/layers/clipped"][...].sum(), 0)
            self.assertTrue((f["isaac-4b/images/outputs_digest"][...] != f["integer/images/outputs_digest"][...]).any())
            self.assertIn("\noutputs_digest (hash) = XXH3\n", text(f["run"].attrs["identity"]))  # results of another hash are of another job

    def test_more_ranks_than_images(self):
        job, output = os.path.join(self.folder.name, "few.yml"), os.path.join(self.folder.name, "few.h5")
        pathlib.Path(job).write_text(job_text(DESIGNS[:1], output, count=2))
        self.assertEqual(run(["run", job], ranks=5).code, 0)
        with h5py.File(output, "r") as f:
            self.assertEqual(list(f["isaac/images/index"][...]), [0, 1])

    def test_every_data_set_is_described(self):
        with h5py.File(self.results[0], "r") as f:
            missing = []
            f.visititems(lambda name, item: missing.append(name) if isinstance(item, h5py.Dataset) and not ("unit" in item.attrs and "about" in item.attrs) else None)
            self.assertEqual(missing, [])


class Evaluation(unittest.TestCase):
    """What is left out because it is proved changes nothing but the time: every column of images and layers, but for those that say what was done."""

    DESIGNS = DESIGNS[:3] + [
        "design: isaac, name: isaac-4b-1c, adc_bits: 4, cell_bits: 1, flip: off",
        "design: isaac, name: isaac-cal, adc_bits: 5, adc_range: calibrated",
        "design: sme, name: sme-x0-4b, squeeze: 0, adc_bits: 4",
        "design: sme, name: sme-x2-3b, squeeze: 2, adc_bits: 3",
        "design: sme, name: sme-x1-full, squeeze: 1, policy: lossless, adc_bits: 4, adc_range: full",
        "design: sme, name: sme-x1-4c, squeeze: 1, cell_bits: 4, adc_bits: 6",
    ]
    TOLD_APART = {"evaluated", "evaluation"}

    @classmethod
    def setUpClass(cls):
        cls.folder = folder()
        cls.outputs = {}
        for value in ("needed", "all"):
            job, cls.outputs[value] = os.path.join(cls.folder.name, "job.yml"), os.path.join(cls.folder.name, value + ".h5")
            pathlib.Path(job).write_text(job_text(cls.DESIGNS, cls.outputs[value], count=20))
            done = run(["run", job, "--set", "run.evaluate=%s" % value], ranks=2)
            assert done.code == 0, done.err
        cls.needed, cls.all = (h5py.File(cls.outputs[value], "r") for value in ("needed", "all"))

    @classmethod
    def tearDownClass(cls):
        cls.needed.close()
        cls.all.close()
        cls.folder.cleanup()

    def names(self):
        return [design.split("name: ")[1].split(",")[0] for design in self.DESIGNS]

    def test_images_are_equal(self):
        for name in self.names() + ["integer", "float"]:
            for column in self.needed[name + "/images"]:
                numpy.testing.assert_array_equal(self.needed[name]["images"][column][...], self.all[name]["images"][column][...], err_msg=name + " " + column)
        lossy = [name for name in self.names() if self.needed[name + "/layers/clipped"][...].sum() > 0]
        self.assertGreaterEqual(len(lossy), 6)  # otherwise this would say little

    def test_layers_are_equal(self):
        for name in self.names():
            self.assertIn("clipped", self.needed[name + "/layers"])
            for column in set(self.needed[name + "/layers"]) - self.TOLD_APART:
                numpy.testing.assert_array_equal(self.needed[name]["layers"][column][...], self.all[name]["layers"][column][...], err_msg=name + " " + column)

    def test_how_much_was_evaluated(self):
        ways = set()
        for name in self.names():
            layers, every = self.needed[name + "/layers"], self.all[name + "/layers"]
            numpy.testing.assert_array_equal(every["evaluated"][...], every["conversions"][...])
            self.assertEqual({text(way) for way in every["evaluation"][...]}, {"counters"})
            self.assertTrue((layers["evaluated"][...] <= layers["conversions"][...]).all())
            self.assertTrue((layers["evaluated"][...] >= layers["clipped"][...]).all())  # what clips has been looked at
            for way, evaluated, conversions in zip(layers["evaluation"][...], layers["evaluated"][...], layers["conversions"][...]):
                way = text(way)
                ways.add(way)
                self.assertTrue(evaluated == 0 if way == "product" else evaluated == conversions if way == "counters" else evaluated < conversions, way)
        self.assertEqual(self.needed["isaac/layers/evaluated"][...].sum(), 0)  # lossless: nothing is
        self.assertLess(self.needed["isaac-4b/layers/evaluated"][...].sum(), self.needed["isaac-4b/layers/conversions"][...].sum())
        self.assertTrue({"product", "product, corrections", "counters"} <= ways, ways)

    def test_digests_are_equal(self):
        self.assertEqual(digests(self.outputs["needed"]), digests(self.outputs["all"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
