"""Devices that are not ideal: off is ideal to the last bit, the same job gives the same result for any ranks, threads, batch, kernel and way of evaluation, another
seed or chip gives another."""
import pathlib
import unittest

from harness import SOURCE, InFolder, digests, folder, h5py, job_text, numpy, run

IDEAL = ["design: isaac, name: isaac, cell_bits: 2", "design: sme, name: sme, squeeze: 1, adc_bits: 5"]
STUCK = [d + ", stuck_on: 0.002, stuck_off: 0.01" for d in IDEAL]


class Noise(InFolder):
    made = {}  # a job that was run is not run again
    results = folder()

    def result(self, name, designs, extra=(), count=6, **how):
        key = repr((designs, extra, count, how)) + (self.folder.name if "levels.csv" in repr(designs) else "")
        if key in self.made:
            return self.made[key]
        job, output = self.path(name + ".yml"), "%s/%d.h5" % (self.results.name, len(self.made))
        pathlib.Path(job).write_text(job_text(designs, output, count=count))
        done = run(["run", job] + [word for value in extra for word in ("--set", value)], **how)
        self.assertEqual(done.code, 0, done.err)
        self.made[key] = output
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


ADCS = [
    "design: isaac, name: isaac, cell_bits: 2, adc_gain_error: 0.01, adc_offset_error: 0.5",
    "design: isaac, name: isaac-sar, cell_bits: 2, adc_bits: 6, adc_range: full, adc_mismatch: 0.05",
    "design: sme, name: sme, squeeze: 1, adc_bits: 5, adc_offset_error: 0.5, adc_dnl: 0.2, stuck_on: 0.001",
]


class Converters(Noise):
    def test_off_is_ideal(self):
        zero = self.result("zero", [d + ", adc_gain_error: 0, adc_offset_error: 0, adc_dnl: 0, adc_mismatch: 0" for d in IDEAL], ["adc.per_array=4", "adc.sharing=interleaved"])
        self.assertEqual(digests(zero), digests(self.result("ideal", IDEAL)))

    def test_invariance(self):
        first = self.result("first", ADCS)
        same = [
            self.result("ranks", ADCS, ["run.batch=5"], ranks=3),
            self.result("threads", ADCS, ["run.batch=1"], threads=2),
            self.result("kernel", ADCS, env={"OHM_KERNEL": "portable"}),
            self.result("all", ADCS, ["run.evaluate=all"]),
        ]
        for other in same:
            self.assertEqual(digests(other), digests(first))
        self.assertEqual(len(set(digests(first).values())), 5)

    def test_adcs_of_an_array(self):
        one, four = self.result("one", ADCS), self.result("four", ADCS, ["adc.per_array=4"])
        blocks = self.result("blocks", ADCS, ["adc.per_array=4", "adc.sharing=interleaved"])
        for a, b in ((one, four), (four, blocks)):
            self.assertTrue((self.outputs(a, "isaac") != self.outputs(b, "isaac")).any())
        with h5py.File(one, "r") as a, h5py.File(four, "r") as b:
            numpy.testing.assert_allclose(b["isaac/layers/area_adc_um2"][...], 4 * a["isaac/layers/area_adc_um2"][...])

    def test_power_of_two(self):
        """Steps that differ by powers of two are a choice of their own, where slices have ranges of their own."""
        design = ["design: isaac, name: isaac, cell_bits: 2, adc_bits: 5, adc_range: calibrated"]
        free, two = self.result("free", design), self.result("two", design, ["adc.power_of_two=true"])
        self.assertTrue((self.outputs(free, "isaac") != self.outputs(two, "isaac")).any())
        self.assertEqual(digests(two), digests(self.result("ranks", design, ["adc.power_of_two=true"], ranks=3)))

    def test_measured_levels(self):
        levels = pathlib.Path(self.path("levels.csv"))
        levels.write_text("code, mean, spread\n# an ideal ADC\n" + "".join("%d, %g, 0\n" % (k, k - 0.5) for k in range(1, 256)))
        ideal = self.result("named", ["design: isaac, name: isaac, adc_bits: 8", "design: isaac, name: measured, adc_bits: 8, adc_levels: levels.csv"])
        numpy.testing.assert_array_equal(self.outputs(ideal, "isaac"), self.outputs(ideal, "measured"))
        levels.write_text("".join("%d, %g, 0.1\n" % (k, k + 0.6) for k in range(1, 256)))
        shifted = self.result("shifted", ["design: isaac, name: measured, adc_bits: 8, adc_levels: levels.csv"])
        self.assertTrue((self.outputs(shifted, "measured") != self.outputs(ideal, "measured")).all())

    def test_measured_codes(self):
        def table(name, mean, spread):
            pathlib.Path(self.path(name)).write_text("code, mean, spread\n" + "".join("%d, %g, %g\n" % (k, mean(k), spread) for k in range(32)))

        table("same-levels.csv", lambda k: k, 0)
        table("off-levels.csv", lambda k: k + 0.4 * (k % 3), 0)
        table("spread-levels.csv", lambda k: k, 0.3)
        designs = ["design: sme, name: %s, squeeze: 1, adc_bits: 5, adc_codes: %s-levels.csv" % (n, n) for n in ("same", "off", "spread")]
        output, again = self.result("codes", designs + [IDEAL[1]]), self.result("again", designs + [IDEAL[1]], ["run.batch=4"], ranks=3)
        numpy.testing.assert_array_equal(self.outputs(output, "same"), self.outputs(output, "sme"))
        for point in ("off", "spread"):
            self.assertTrue((self.outputs(output, point) != self.outputs(output, "sme")).all())
        self.assertEqual(digests(output), digests(again))

    def test_bad_values(self):
        levels = pathlib.Path(self.path("few.csv"))
        levels.write_text("1, 0.5, 0\n2, 1.5\n")
        pathlib.Path(self.path("gap.csv")).write_text("1, 0.5, 0\n3, 1.5, 0\n")
        pathlib.Path(self.path("short.csv")).write_text("1, 0.5, 0\n")
        pathlib.Path(self.path("many.csv")).write_text("0, 0, 0\n1, 1, 0\n2, 2, 0\n")
        for option, says in (
            ("adc_gain_error: -1", "0 to 1"),
            ("adc_dnl: 0.1, adc_bits: 13", "at most 12 bits"),
            ("adc_levels: few.csv, adc_bits: 2", "few.csv:2: a line of an ADC's table"),
            ("adc_levels: gap.csv, adc_bits: 2", "gap.csv:2: code 2 expected"),
            ("adc_levels: short.csv, adc_bits: 2", "1 lines, but an ADC of 2 bits has 3 (codes 1 .. 3)"),
            ("adc_levels: none.csv, adc_bits: 2", "none.csv"),
            ("adc_codes: short.csv, adc_bits: 2", "short.csv:1: code 0 expected"),
            ("adc_codes: many.csv, adc_bits: 1", "many.csv:3: an ADC of 1 bits has 2 lines"),
        ):
            job = self.path("bad.yml")
            pathlib.Path(job).write_text(job_text(["design: isaac, " + option], self.path("bad.h5")))
            done = run(["run", job], ranks=2)
            self.assertNotEqual(done.code, 0)
            self.assertIn(says, done.err)


ANALOGUE = [
    "design: isaac, name: isaac, cell_bits: 2, variation: 0.1",
    "design: isaac, name: isaac-read, read_noise: 0.05, bandwidth: 1e10, drift_time: 10, drift: 0.01, drift_law: random",
    "design: isaac, name: isaac-all, cell_bits: 2, variation: 0.05, telegraph: 0.05, telegraph_us: 0.2, on_off: 50, read_noise: 0.05, drift_time: 1000, drift: 0.01, stuck_off: 0.001, adc_thermal: 0.3, adc_offset_error: 0.2, wire_row: 1, wire_column: 1, bandwidth: 1e9",
    "design: sme, name: sme-all, squeeze: 1, variation: 0.05, read_noise: 0.05, adc_bits: 5, adc_range: calibrated, adc_thermal: 0.2, adc_dnl: 0.1",
]


class Sums(Noise):
    def test_off_is_ideal(self):
        zero = self.result("zero", [d + ", variation: 0, read_noise: 0, adc_thermal: 0, drift_time: 0, drift_law: random, telegraph: 0, telegraph_us: 0, bandwidth: 0, temperature: 350" for d in IDEAL], ["device.variation_law=normal"])
        self.assertEqual(digests(zero), digests(self.result("ideal", IDEAL)))

    def test_next_to_nothing_is_ideal(self):
        """The same conductances by another way: deviations far below what cells are held to."""
        little = self.result("little", [d + ", variation: 0.000001, read_noise: 0.000001" for d in IDEAL])
        ideal = self.result("ideal", IDEAL)
        for point in ("isaac", "sme"):
            numpy.testing.assert_array_equal(self.outputs(little, point), self.outputs(ideal, point))

    def test_invariance(self):
        first = self.result("first", ANALOGUE)
        same = [
            self.result("ranks", ANALOGUE, ["run.batch=5"], ranks=3),
            self.result("threads", ANALOGUE, ["run.batch=1"], threads=2),
            self.result("kernel", ANALOGUE, env={"OHM_KERNEL": "portable"}),
        ]
        for other in same:
            self.assertEqual(digests(other), digests(first))
            with h5py.File(other, "r") as a, h5py.File(first, "r") as b:  # noise of the sample images, too
                for point in ("isaac-read", "sme-all"):
                    numpy.testing.assert_array_equal(a[point]["layers/sqnr_db"][...], b[point]["layers/sqnr_db"][...])
        self.assertEqual(len(set(digests(first).values())), 6)

    def test_an_image_is_itself(self):
        """Noise of an image does not depend on which images are evaluated beside it, but it is not the same for all."""
        six, three = self.result("six", ANALOGUE), self.result("three", ANALOGUE, ["images.first=3", "images.count=3"])
        numpy.testing.assert_array_equal(self.outputs(six, "isaac")[3:], self.outputs(three, "isaac"))  # static draws only
        numpy.testing.assert_array_equal(self.outputs(six, "isaac-read")[3:], self.outputs(three, "isaac-read"))

    def test_measured_device(self):
        device = pathlib.Path(SOURCE, "jobs", "devices")
        output = self.result("measured", ["design: isaac, name: %s, measured: %s" % (n, device / ("rram-%s.yml" % n)) for n in ("milo", "wan")])
        self.assertEqual(len(set(digests(output).values())), 4)
        pathlib.Path(self.path("bad-device.yml")).write_text("device: {least_us: 5, most_us: 1, spread_us: [0, 0, 0, 0]}\n")
        job = self.path("bad.yml")
        for option, says in (("measured: bad-device.yml", "below most_us"), ("measured: %s, variation: 0.1" % (device / "rram-wan.yml"), "leave these out")):
            pathlib.Path(job).write_text(job_text(["design: isaac, " + option], self.path("bad.h5")))
            done = run(["run", job])
            self.assertEqual(done.code, 2)
            self.assertIn(says, done.err)

    def test_seeds_differ(self):
        one, two = self.result("one", ANALOGUE), self.result("two", ANALOGUE, ["run.seed=2"])
        for point in ("isaac", "isaac-read", "isaac-all", "sme-all"):
            self.assertTrue((self.outputs(one, point) != self.outputs(two, point)).all(), point)

    def test_bad_values(self):
        for option, says in (("on_off: 0.5", "above 1"), ("drift_law: up", "none of loss, random, target"), ("read_volts: 0", "0.001 or more"), ("variation_law: gauss", "none of lognormal, proportional, normal"), ("leakage: yes", "corrected, stays"), ("variation: 3", "0 to 2"), ("adc_thermal: -1", "0 to 1000")):
            job = self.path("bad.yml")
            pathlib.Path(job).write_text(job_text(["design: isaac, " + option], self.path("bad.h5")))
            done = run(["run", job])
            self.assertEqual(done.code, 2)
            self.assertIn(says, done.err)


WIRES = [
    "design: isaac, name: isaac, cell_bits: 2, wire_row: 1, wire_column: 1",
    "design: sme, name: sme, squeeze: 1, adc_bits: 5, wire_row: 4.4, wire_column: 1.47, wire_driver: 100, on_ohm: 50000, on_off: 100, variation: 0.05",
]


class Wires(Noise):
    def test_off_is_ideal(self):
        zero = self.result("zero", [d + ", wire_row: 0, wire_column: 0, wire_driver: 0, wire_sense: 0, on_ohm: 200" for d in IDEAL])
        self.assertEqual(digests(zero), digests(self.result("ideal", IDEAL)))

    def test_next_to_nothing_is_ideal(self):
        little = self.result("little", [d + ", wire_row: 1e-9, wire_column: 1e-9, wire_driver: 1e-9, wire_sense: 1e-9" for d in IDEAL])
        for point in ("isaac", "sme"):
            numpy.testing.assert_array_equal(self.outputs(little, point), self.outputs(self.result("ideal", IDEAL), point))

    def test_invariance(self):
        first = self.result("first", WIRES)
        for other in (self.result("ranks", WIRES, ["run.batch=5"], ranks=3), self.result("threads", WIRES, threads=2), self.result("kernel", WIRES, env={"OHM_KERNEL": "portable"})):
            self.assertEqual(digests(other), digests(first))
        for point in ("isaac", "sme"):
            self.assertTrue((self.outputs(first, point) != self.outputs(self.result("ideal", IDEAL), point)).all())

    def test_bad_values(self):
        for option, says in (("wire_row: -1", "0 to 100"), ("wire_sense: many", "is not a number"), ("on_ohm: 0", "100 or more"), ("wire_row: 100, wire_column: 100, on_ohm: 100", "resist too much")):
            job = self.path("bad.yml")
            pathlib.Path(job).write_text(job_text(["design: isaac, " + option], self.path("bad.h5")))
            done = run(["run", job], ranks=2)
            self.assertNotEqual(done.code, 0)
            self.assertIn(says, done.err)


class Chips(Noise):
    def test_chips_of_a_design(self):
        three = self.result("three", IDEAL[:1] + [STUCK[0].replace("name: isaac", "name: stuck")], ["run.trials=3"])
        one = self.result("one", [STUCK[0].replace("name: isaac", "name: stuck")])
        found = digests(three)
        self.assertEqual(list(found), ["float", "integer", "isaac", "stuck.chip0", "stuck.chip1", "stuck.chip2"])  # an ideal design has no chips
        self.assertEqual(found["stuck.chip0"], digests(one)["stuck"])
        self.assertEqual(len(set(found.values())), 6)
        with h5py.File(three, "r") as f:
            self.assertEqual([(f[name].attrs["chip"], f[name].attrs["chips"]) for name in ("isaac", "stuck.chip2")], [(0, 1), (2, 3)])
            self.assertEqual(f["stuck.chip1"].attrs["entry"] in ("stuck", b"stuck"), True)
            top1 = [100.0 * f["stuck.chip%d" % k].attrs["top1"] / f["stuck.chip0"].attrs["images_labelled"] for k in range(3)]
        report = run(["report", three]).out.splitlines()
        line = next(l for l in report if l.startswith("stuck   ") or l.startswith("stuck "))
        values = [float(v) for v in line.split()[1:]]
        numpy.testing.assert_allclose(values, [3, numpy.mean(top1), numpy.std(top1, ddof=1), min(top1), max(top1)], atol=0.006)

    def test_paired_test(self):
        output = self.result("paired", IDEAL[:1] + ["design: isaac, name: worse, adc_bits: 4"], count=200)
        with h5py.File(output, "r") as f:
            good, worse = f["isaac/images/correct"][...] == 1, f["worse/images/correct"][...] == 1
        line = next(l for l in run(["report", output]).out.split("McNemar")[1].splitlines() if l.startswith("worse"))
        lost, gained = int((good & ~worse).sum()), int((~good & worse).sum())
        self.assertGreater(lost, 0)
        self.assertEqual([int(v) for v in line.split()[1:3]], [lost, gained])

    def test_names_of_chips_are_taken(self):
        job = self.path("bad.yml")
        pathlib.Path(job).write_text(job_text(["design: isaac, name: a.chip1"], self.path("bad.h5")))
        done = run(["run", job])
        self.assertEqual(done.code, 2)
        self.assertIn(".chip", done.err)


class Why(Noise):
    DESIGNS = IDEAL[:1] + ["design: isaac, name: stuck, cell_bits: 2, stuck_off: 0.01, stuck_on: 0.001", "design: isaac, name: clips, cell_bits: 2, adc_bits: 4"]

    def test_what_layers_lose(self):
        one, two = self.result("one", self.DESIGNS, ["run.why=true"]), self.result("two", self.DESIGNS, ["run.why=true"], ranks=3)
        off = self.result("off", self.DESIGNS)
        self.assertEqual(digests(one), digests(off))
        with h5py.File(one, "r") as a, h5py.File(two, "r") as b, h5py.File(off, "r") as none:
            for point in ("isaac", "stuck", "clips"):
                for column in ("sqnr_isolated_db", "sqnr_chained_db", "codes"):
                    numpy.testing.assert_array_equal(a[point]["layers"][column][...], b[point]["layers"][column][...], err_msg=point + " " + column)
                self.assertTrue(numpy.isnan(none[point]["layers/sqnr_isolated_db"][...]).all())
                alone, chain = (a[point]["layers"][c][...] for c in ("sqnr_isolated_db", "sqnr_chained_db"))
                self.assertEqual(alone[0], chain[0])  # nothing comes before the first layer
                codes = a[point]["layers/codes"][...]
                samples = 8  # every conversion of these, in some sixteenth
                numpy.testing.assert_array_equal(codes.sum(axis=1) * 6, a["isaac/layers/conversions"][...] * samples)
            self.assertTrue(numpy.isinf(a["isaac/layers/sqnr_isolated_db"][...]).all())  # lossless: the integer network, layer by layer
            self.assertTrue(numpy.isfinite(a["stuck/layers/sqnr_isolated_db"][...]).all())
            top, codes = a["clips/layers/codes"][:, 15], a["clips/layers/clipped"][...]
            self.assertTrue((top[codes > 0] > 0).all())  # what clips gives the highest code

    def test_report(self):
        output = self.result("report", self.DESIGNS, ["run.why=true"])
        shown = run(["report", "--why", output])
        self.assertEqual(shown.code, 0, shown.err)
        part = shown.out.split("\nstuck: top-1")[1].split("\n\n")[0].splitlines()[2:]
        alone = [float(line.split()[2]) for line in part]
        self.assertEqual(alone, sorted(alone))
        self.assertIn("nothing was measured", run(["report", "--why", self.result("plain", IDEAL)]).out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
