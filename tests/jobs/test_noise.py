"""Devices that are not ideal: off is ideal to the last bit, the same job gives the same result for any ranks, threads, batch, kernel and way of evaluation, another
seed or chip gives another."""
import pathlib
import unittest

from harness import InFolder, digests, h5py, job_text, numpy, run

IDEAL = ["design: isaac, name: isaac, cell_bits: 2", "design: sme, name: sme, squeeze: 1, adc_bits: 5"]
STUCK = [d + ", stuck_on: 0.002, stuck_off: 0.01" for d in IDEAL]


class Noise(InFolder):
    def result(self, name, designs, extra=(), count=12, **how):
        job, output = self.path(name + ".yml"), self.path(name + ".h5")
        pathlib.Path(job).write_text(job_text(designs, output, count=count))
        done = run(["run", job] + [word for value in extra for word in ("--set", value)], **how)
        self.assertEqual(done.code, 0, done.err)
        return output

    def outputs(self, path, point):
        with h5py.File(path, "r") as f:
            return f[point + "/images/outputs_digest"][...]


class StuckCells(Noise):
    def test_off_is_ideal(self):
        ideal = self.result("ideal", IDEAL)
        zero = self.result("zero", [d + ", stuck_on: 0, stuck_off: 0" for d in IDEAL], ["run.seed=5"])
        self.assertEqual(digests(zero), digests(ideal))

    def test_section_and_design_say_the_same(self):
        named = self.result("named", STUCK)
        section = self.result("section", IDEAL, ["device.stuck_on=0.002", "device.stuck_off=0.01"])
        self.assertEqual(digests(named), digests(section))

    def test_invariance(self):
        first = self.result("first", STUCK)
        same = [
            self.result("ranks", STUCK, ["run.batch=5"], ranks=3),
            self.result("threads", STUCK, ["run.batch=1"], threads=2),
            self.result("kernel", STUCK, env={"OHM_KERNEL": "portable"}),
            self.result("all", STUCK, ["run.evaluate=all"]),
        ]
        for other in same:
            self.assertEqual(digests(other), digests(first))

    def test_seeds_differ(self):
        one, two, ideal = self.result("one", STUCK), self.result("two", STUCK, ["run.seed=2"]), self.result("none", IDEAL)
        for point in ("isaac", "sme"):
            self.assertTrue((self.outputs(one, point) != self.outputs(two, point)).any())
            self.assertTrue((self.outputs(one, point) != self.outputs(ideal, point)).any())
        numpy.testing.assert_array_equal(self.outputs(one, "integer"), self.outputs(two, "integer"))

    def test_held_weights_show_it(self):
        with h5py.File(self.result("held", STUCK), "r") as noisy, h5py.File(self.result("wanted", IDEAL), "r") as ideal:
            self.assertTrue((noisy["isaac/layers/weight_error"][...] > ideal["isaac/layers/weight_error"][...]).all())
            for column in ("crossbars", "conversions", "steps"):
                numpy.testing.assert_array_equal(noisy["isaac/layers"][column][...], ideal["isaac/layers"][column][...], err_msg=column)
            for column in ("row_drives", "cells_driven"):  # these follow the inputs, which are the same in the first layer only
                self.assertEqual(noisy["isaac/layers"][column][0], ideal["isaac/layers"][column][0])

    def test_bad_values(self):
        for option, says in (("stuck_on: 2", "0 to 1"), ("stuck_off: -1", "0 to 1"), ("stuck_on: many", "0 to 1"), ("stuck_on: 0.6, stuck_off: 0.6", "more than all")):
            job = self.path("bad.yml")
            pathlib.Path(job).write_text(job_text(["design: isaac, " + option], self.path("bad.h5")))
            done = run(["run", job])
            self.assertEqual(done.code, 2)
            self.assertIn(says, done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
