"""Sweeps: every point is what a job of its own gives, whether evaluated at once, in shares, or after having been cut off; a point that fails harms no other."""
import os
import pathlib
import shutil
import signal
import unittest

from harness import InFolder, digests, h5py, job_text, run, text
from resuming import Running, contents

DESIGNS = ["design: isaac, name: isaac", "design: sme, name: sme, squeeze: 1, window: 3"]
SWEEP = "sweep: {adc.bits: [4, lossless], quantize.weight_bits: [8, 5], designs.sme.window: [3, 8]}\n"
FAILING = {"sme-adc.bits=%s-quantize.weight_bits=5-window=8" % bits for bits in ("4", "lossless")}


class Sweep(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job, cls.whole = cls.path("job.yml"), cls.path("whole.h5")
        pathlib.Path(cls.job).write_text(job_text(DESIGNS, cls.whole, count=30) + SWEEP)
        cls.first = run(["run", cls.job], ranks=2)
        cls.digests = digests(cls.whole)

    def run_plain(self, *sets):
        """The job without its sweep, with these values."""
        output = self.path("plain.h5")
        done = run(["run", self.job, "--set", "sweep=none", "--set", "run.output=" + output] + [a for value in sets for a in ("--set", value)])
        self.assertEqual(done.code, 0, done.err)
        return digests(output)

    def test_points_are_those_of_single_jobs(self):
        self.assertEqual(len(self.digests), 13)  # float, 2 integer, 4 isaac, 8 sme but for 2 that cannot be
        for bits in ("4", "lossless"):
            for weights in (8, 5):
                plain = self.run_plain("adc.bits=" + bits, "quantize.weight_bits=%d" % weights)
                for name, swept in (("float", "float"), ("integer", "integer-quantize.weight_bits=%d" % weights),
                                    ("isaac", "isaac-adc.bits=%s-quantize.weight_bits=%d" % (bits, weights)),
                                    ("sme", "sme-adc.bits=%s-quantize.weight_bits=%d-window=3" % (bits, weights))):
                    self.assertEqual(plain[name], self.digests[swept], swept)
        with h5py.File(self.whole, "r") as f:
            point = f["isaac-adc.bits=4-quantize.weight_bits=5"].attrs
            self.assertEqual(point["adc_bits"], 4)
            self.assertEqual(text(point["swept"]), "adc.bits=4 quantize.weight_bits=5")

    def test_chips_of_swept_points(self):
        """Where something is drawn there are as many chips as asked for; a design that says itself what is swept has them once."""
        output = self.path("chips.h5")
        own = ["--set", "designs=[{design: isaac, name: isaac, stuck_on: 0.01}, {design: sme, name: sme, squeeze: 1}]", "--set", "run.trials=2",
               "--set", "images.count=8"]
        done = run(["run", self.job, "--set", "sweep={device.stuck_on: [0, 0.02]}", "--set", "run.output=" + output] + own)
        self.assertEqual(done.code, 0, done.err)
        swept = digests(output)
        self.assertEqual(set(swept), {"float", "integer", "isaac.chip0", "isaac.chip1", "sme-device.stuck_on=0",
                                      "sme-device.stuck_on=0.02.chip0", "sme-device.stuck_on=0.02.chip1"})
        plain = self.run_plain("device.stuck_on=0.02", *own[1::2])
        for name in ("isaac.chip0", "isaac.chip1"):
            self.assertEqual(swept[name], plain[name])
        for chip in (".chip0", ".chip1"):
            self.assertEqual(swept["sme-device.stuck_on=0.02" + chip], plain["sme" + chip])
        with h5py.File(output, "r") as f:
            self.assertEqual([text(f[name].attrs["entry"]) for name in ("isaac.chip1", "sme-device.stuck_on=0.02.chip1")],
                             ["isaac", "sme-device.stuck_on=0.02"])

    def test_what_fails_is_shown(self):
        self.assertEqual(self.first.code, 8)
        self.assertIn("2 of 15 points failed", self.first.err)
        with h5py.File(self.whole, "r") as f:
            self.assertEqual({text(line).split(":")[0] for line in f["run/failed"][...]}, FAILING)
            self.assertEqual({text(name) for name in f["run/plan"][...]}, set(self.digests) | FAILING)
        for name in FAILING:
            self.assertIn("failed: %s: sme: window 8 is larger" % name, self.first.out)

    def test_a_failure_while_running_stops_nothing(self):
        """A file of layers that turns out not to fit the network once that is loaded."""
        output, good, bad = self.path("layers.h5"), self.path("good.yml"), self.path("bad.yml")
        pathlib.Path(good).write_text("layers: {/stem/stem.1/stem.1.0/Conv: {squeeze: 2}}\n")
        pathlib.Path(bad).write_text("layers: {nowhere: {squeeze: 2}}\n")
        done = run(["run", self.job, "--set", "sweep={designs.sme.layers: [%s, %s]}" % (bad, good), "--set", "run.output=" + output, "--set", "images.count=4"], ranks=3)
        self.assertEqual(done.code, 8, done.err)
        with h5py.File(output, "r") as f:
            self.assertEqual([text(name).split("-")[0] for name in f["points"][...]], ["float", "integer", "isaac", "sme"])
            self.assertEqual(len(f["run/failed"]), 1)
            self.assertIn("no layer 'nowhere'", text(f["run/failed"][0]))

    def test_shares_and_merge(self):
        output = self.path("shares.h5")
        parts = [self.path("shares.%d-of-3.h5" % k) for k in (1, 2, 3)]
        for k in (1, 2, 3):
            run(["run", self.job, "--task", "%d/3" % k, "--set", "run.output=" + output], ranks=1 + k % 2)
        self.assertEqual(sum(len(digests(part)) for part in parts), 13)
        done = run(["merge", output] + parts[:2])
        self.assertEqual(done.code, 8)
        self.assertIn("points have no result here", done.err)
        done = run(["merge", output] + parts[::-1])
        self.assertEqual(done.code, 8, done.err)  # two points cannot be
        self.assertEqual(contents(output), contents(self.whole))
        with h5py.File(output, "r") as f, h5py.File(self.whole, "r") as whole:
            self.assertEqual(list(f["points"][...]), list(whole["points"][...]))
            self.assertEqual(sorted(f["run/failed"][...]), sorted(whole["run/failed"][...]))
        self.run_plain()
        done = run(["merge", self.path("no.h5"), parts[0], self.path("plain.h5")])
        self.assertEqual(done.code, 3)
        self.assertIn("are of different jobs", done.err)
        self.assertFalse(os.path.exists(self.path("no.h5")))

    def test_finished_points_are_not_done_again(self):
        again = self.path("again.h5")
        shutil.copy(self.whole, again)
        done = run(["run", self.job, "--resume", "--set", "run.output=" + again], ranks=2)
        self.assertEqual(done.code, 8)
        self.assertIn("13 of 15 points are finished", done.err)
        self.assertNotIn("images  ", done.err)  # no progress: nothing is evaluated
        self.assertEqual(contents(again), contents(self.whole))

    def test_cut_off(self):
        output = self.path("cut.h5")
        arguments = ["run", self.job, "--resume", "--set", "run.output=" + output, "--set", "images.count=60"]
        running = Running(arguments, 2)
        running.wait_for_batches(output + ".journal", 60000)
        running.process.send_signal(signal.SIGKILL)
        running.end()
        self.assertFalse(os.path.exists(output))
        done = run(arguments, ranks=2)
        self.assertIn("going on from", done.err)
        run(["run", self.job, "--set", "run.output=" + self.path("60.h5"), "--set", "images.count=60"])
        self.assertEqual(contents(output), contents(self.path("60.h5")))

    def test_mistakes_are_refused_at_once(self):
        for arguments, said in ((["--set", "sweep={adc.bits: [4, 40]}"], "adc.bits"), (["--set", "sweep={adc.bit: [4]}"], "did you mean 'bits'"),
                                (["--set", "sweep={designs.sme.windw: [4]}"], "did you mean 'window'"), (["--task", "4/3"], "k/n"), (["--task", "x"], "k/n"), (["--task"], "k/n")):
            done = run(["run", self.job, "--set", "run.output=" + self.path("none.h5")] + arguments)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(said, done.err)
        self.assertEqual([name for name in os.listdir(self.folder.name) if name.startswith("none")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
