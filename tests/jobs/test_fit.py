"""Fits: what a run makes of their files, that ranks, threads and interruptions change no byte, and what is refused."""
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from harness import BINARY, SOURCE, InFolder, h5py, job_text, numpy, run

DESIGN = "design: sme, name: fitted, window: 2, squeeze: 2, weights: %s"


class Fitting(InFolder):
    @classmethod
    def write_job(cls, name, fit="", design=DESIGN % "first.h5", others=(), count=300):
        job = cls.path(name)
        designs = [design, "design: sme, name: plain, window: 2, squeeze: 2", *others]
        text = job_text(designs, cls.path("run.h5"), count=count)
        pathlib.Path(job).write_text(text + "fit: {images: 60, positions: 20, iterations: 5, output: %s%s}\n" % (cls.path("first.h5"), fit))
        return job

    @classmethod
    def fit(cls, job, *sets, **how):
        done = run(["fit", job] + [word for value in sets for word in ("--set", value)], **how)
        assert done.code == 0, done.err
        return done

    def arrays(self, name):
        """Everything that a network is made of."""
        with h5py.File(self.path(name), "r") as f:
            return {group + "/" + key: f[group][key][...] for group in ("weights", "scales", "biases") for key in f[group]}

    def assert_same(self, left, right):
        left, right = self.arrays(left), self.arrays(right)
        self.assertEqual(left.keys(), right.keys())
        for key in left:
            self.assertTrue(numpy.array_equal(left[key], right[key]), key)


class Fit(Fitting):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.write_job("job.yml", ", check: 100")
        cls.done = cls.fit(cls.job)

    def test_weights_are_in_the_set(self):
        """Ones within two bits; a row of a tile and sign moves down by s when its longest magnitude has 6 + s bits, and loses nothing."""
        with h5py.File(self.path("first.h5"), "r") as f:
            for i in f["weights"]:
                w = f["weights"][i][...]
                m = numpy.abs(w).astype(int)
                low = m & -m
                self.assertTrue((m < 4 * numpy.maximum(low, 1)).all())
                self.assertLess(m.max(), 256)
                for group in w:
                    for first in range(0, group.shape[1], 128):
                        for sign in (1, -1):
                            part = numpy.where(sign * group[:, first:first + 128] > 0, sign * group[:, first:first + 128], 0)
                            together = numpy.bitwise_or.reduce(part, axis=1)
                            for value in together[together > 0]:
                                shift = max(0, int(value).bit_length() - 6)
                                self.assertEqual(int(value) % (1 << shift), 0)

    def test_errors(self):
        with h5py.File(self.path("first.h5"), "r") as f:
            before, after = f["layers/error_before"][...], f["layers/error_after"][...]
            self.assertTrue((f["layers/done"][...] == 1).all())
            self.assertTrue((after < before).all())
            self.assertTrue((f["layers/positions"][...] <= 60 * 20).all())

    def test_a_run_holds_the_fit_and_is_better(self):
        done = run(["run", self.job])
        self.assertEqual(done.code, 0, done.err)
        with h5py.File(self.path("run.h5"), "r") as f:
            right = {name: int((f[name + "/images/correct"][...] == 1).sum()) for name in ("float", "integer", "fitted", "plain")}
            self.assertIn("off the fitted ones 0,", done.out)
            self.assertTrue((f["fitted/layers/held_error"][...] == 0).all())  # lossless ADC: the crossbars compute the fitted weights
        self.assertGreaterEqual(right["fitted"], right["float"] - 9)  # 3 points of 300
        self.assertGreaterEqual(right["fitted"], right["plain"])

    def test_check(self):
        lines = [line for line in self.done.err.splitlines() if "agrees with float" in line]
        self.assertEqual([line.split()[0] for line in lines], ["float", "reference", "fitted"])
        self.assertIn("100.00 %", lines[0])
        images = "images={packed: %s, first: 60, count: 100}" % os.path.join(SOURCE, "datasets", "fashion_calibration200.h5")
        done = run(["run", self.job, "--set", images, "--set", "run.output=" + self.path("checked.h5")])
        self.assertEqual(done.code, 0, done.err)
        with h5py.File(self.path("checked.h5"), "r") as f:  # the crossbars are the network that the fit ended with
            right = [int((f[name + "/images/correct"][...] == 1).sum()) for name in ("float", "fitted")]
            agree = int((f["fitted/images/best"][:, 0] == f["float/images/best"][:, 0]).sum())
        self.assertEqual([float(lines[i].split()[2]) for i in (0, 2)], right)
        self.assertEqual(float(lines[2].split("agrees with float")[1].split()[0]), agree)

    def test_neither_ranks_nor_threads_nor_memory_change_a_byte(self):
        self.fit(self.job, "fit.output=" + self.path("ranks.h5"), ranks=3)
        self.fit(self.job, "fit.output=" + self.path("threads.h5"), "fit.memory_mb=1", threads=2)
        self.assert_same("first.h5", "ranks.h5")
        self.assert_same("first.h5", "threads.h5")

    def test_stages_can_be_switched_off(self):
        off = ["fit.scales=false", "fit.admm=false", "fit.refine=false", "fit.sweeps=0", "fit.bias=false", "fit.correct=0"]
        self.fit(self.job, "fit.output=" + self.path("off.h5"), *off)
        with h5py.File(self.path("off.h5"), "r") as f:
            numpy.testing.assert_allclose(f["layers/error_before"][...], f["layers/error_after"][...], rtol=1e-9)

    def test_an_unfinished_fit_is_taken_up(self):
        """The first layers' file stands in for a fit that was killed; with other settings it is not used."""
        shutil.copy(self.path("first.h5"), self.path("again.h5.partial"))
        with h5py.File(self.path("again.h5.partial"), "r+") as f:
            layers = len(f["weights"])
            f["layers/done"][layers // 2:] = 0
            for i in range(layers // 2, layers):
                for group in ("weights", "scales", "biases"):
                    del f[group][str(i)]
        other = self.path("other.h5")
        shutil.copy(self.path("again.h5.partial"), other + ".partial")
        done = self.fit(self.job, "fit.output=" + self.path("again.h5"))
        self.assertIn("%d of %d layers taken" % (layers // 2, layers), done.err)
        self.assert_same("first.h5", "again.h5")
        self.assertFalse(os.path.exists(self.path("again.h5.partial")))
        done = self.fit(self.job, "fit.output=" + other, "fit.damping=0.02")
        self.assertIn("beginning anew", done.err)

    def test_killed(self):
        """Killed outright: what it leaves is no finished file, and does no harm."""
        output = self.path("killed.h5")
        process = subprocess.Popen([BINARY, "fit", self.job, "--set", "fit.output=" + output], stderr=subprocess.DEVNULL)
        while process.poll() is None and not os.path.exists(output + ".partial"):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertFalse(os.path.exists(output))
        self.fit(self.job, "fit.output=" + output)
        self.assert_same("first.h5", "killed.h5")

    def test_chips_are_of_one_design(self):
        """Weights are fitted to the design, however many of its chips a run draws."""
        self.fit(self.job, "fit.output=" + self.path("chips.h5"), "fit.design=fitted", "run.trials=1000", "designs.0.variation=0.1")
        self.assert_same("first.h5", "chips.h5")

    def test_other_sets(self):
        """Constraints beside the design's: the isaac design's two's complement with fragments of one sign, two of four weights."""
        job = self.write_job("isaac.yml", ', design: plain8, constraint: "polarity size=8, nm n=2 m=4"', others=["design: isaac, name: plain8"])
        self.fit(job, "fit.output=" + self.path("isaac.h5"))
        for key, w in self.arrays("isaac.h5").items():
            if not key.startswith("weights"):
                continue
            self.assertLessEqual(numpy.abs(w).max(), 127)
            for first in range(0, w.shape[1], 8):
                part = w[:, first:first + 8]
                self.assertFalse(((part > 0).any(axis=1) & (part < 0).any(axis=1)).any())
            for first in range(0, w.shape[1] - 3, 4):
                self.assertLessEqual((w[:, first:first + 4] != 0).sum(axis=1).max(), 2)


class Refused(Fitting):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.write_job("job.yml")
        cls.fit(cls.job, "fit.images=10", "fit.positions=4", "fit.iterations=1")

    def refuse(self, command, expected, *sets, ranks=1):
        done = run([command, self.job] + [word for value in sets for word in ("--set", value)], ranks=ranks, timeout=120)
        self.assertNotEqual(done.code, 0)
        lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ")]
        self.assertEqual(len(lines), 1, done.err)
        for text in expected:
            self.assertIn(text, lines[0])

    def test_jobs(self):
        self.refuse("fit", ["fit.design", "did you mean 'plain'"], "fit.design=plane")
        self.refuse("fit", ["fit.design", "did you mean 'plain'"], "fit.design=plane", "run.trials=1000", "designs.1.variation=0.1")
        self.refuse("fit", ["fit.constraint", "polarity"], "fit.constraint=polarty size=8")
        self.refuse("fit", ["fit.constraint", "size"], "fit.constraint=polarity sice=8")
        self.refuse("fit", ["quantize.scale"], "quantize.scale=layer")
        self.refuse("fit", ["calibration"], "quantize.calibration=none")
        self.refuse("fit", ["fit.images", "scored"], "images={packed: %s}" % os.path.join(SOURCE, "datasets", "fashion_calibration200.h5"))
        self.refuse("fit", ["images 199 to 200 are wanted"], "fit.images=199", "fit.check=2")
        self.refuse("fit", ["no section fit"], "fit=none")
        self.refuse("fit", ["/nowhere/"], "fit.output=/nowhere/fitted.h5", ranks=2)

    def test_files(self):
        self.refuse("run", ["first.h5", "other ranges of activations"], "quantize.calibration.count=11", ranks=2)
        self.refuse("run", ["first.h5", "magnitudes up to"], "designs.0.weight_bits=4")
        pathlib.Path(self.path("text.h5")).write_text("no weights")
        self.refuse("run", ["text.h5"], "designs.0.weights=text.h5", ranks=2)
        shutil.copy(self.path("first.h5"), self.path("part.h5"))
        with h5py.File(self.path("part.h5"), "r+") as f:
            f["layers/done"][2] = 0
        self.refuse("run", ["part.h5", "has not been fitted"], "designs.0.weights=part.h5")
        shutil.copy(self.path("first.h5"), self.path("foreign.h5"))
        with h5py.File(self.path("foreign.h5"), "r+") as f:
            f.attrs["network"] = "0123456789abcdef"
        self.refuse("run", ["foreign.h5", "another network"], "designs.0.weights=foreign.h5")

    def test_equalised(self):
        """Equalisation by powers of two leaves the float network's answers as they are; weights fitted without it are of another network."""
        found = []
        for equalise in ("false", "true"):
            output = self.path("equalise-%s.h5" % equalise)
            sets = ["designs=[{design: isaac, name: isaac}]", "quantize.equalise=" + equalise, "run.output=" + output]
            done = run(["run", self.job] + [word for value in sets for word in ("--set", value)])
            self.assertEqual(done.code, 0, done.err)
            with h5py.File(output, "r") as f:
                found.append((f["float/images/best"][...].tolist(), f["isaac/images/outputs_digest"][...].tolist()))
        self.assertEqual(found[0][0], found[1][0])
        self.assertNotEqual(found[0][1], found[1][1])
        self.refuse("run", ["first.h5", "another network"], "quantize.equalise=true")
        saved = self.path("saved.h5")
        done = run(["run", self.job, "--set", "network.save=" + saved, "--set", "designs=[{design: isaac}]"])
        self.assertEqual(done.code, 0, done.err)
        self.refuse("run", ["saved.h5", "quantised already"], "network.file=" + saved, "quantize.equalise=true", ranks=2)

    def test_a_design_that_cannot_hold_them_says_so(self):
        done = run(["plan", self.job, "--set", "designs.0.squeeze=6"])
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("does not hold the weights", done.err)

    def test_plan_needs_no_images(self):
        done = run(["plan", self.job])
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("warning", done.err)


if __name__ == "__main__":
    unittest.main()
