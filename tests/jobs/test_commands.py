"""Every command does what the README says, and other ways to the same input give the same result."""
import os
import pathlib
import subprocess
import sys
import unittest

from harness import SOURCE, InFolder, digests, h5py, job_text, numpy, run

DESIGNS = ["design: isaac, name: isaac", "design: sme, name: sme-x1, squeeze: 1"]


class Commands(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.path("job.yml")
        cls.output = cls.path("first.h5")
        pathlib.Path(cls.job).write_text(job_text(DESIGNS, cls.output, count=40))
        cls.first = run(["run", cls.job, "--set", "network.save=%s" % cls.path("saved.h5")], ranks=2)
        assert cls.first.code == 0, cls.first.err

    def again(self, *sets):
        """The same job with other values; returns its digests."""
        output = self.path("again.h5")
        arguments = ["run", self.job, "--set", "run.output=%s" % output]
        for value in sets:
            arguments += ["--set", value]
        done = run(arguments)
        self.assertEqual(done.code, 0, done.err)
        return digests(output)

    def test_saved_integer_network_gives_the_same(self):
        self.assertEqual(self.again("network.file=%s" % self.path("saved.h5")), digests(self.output))

    def test_repacked_images_give_the_same(self):
        packed = self.path("packed.h5")
        done = run(["pack", self.job, packed])
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("40 images, 0 corrupt", done.err)
        self.assertEqual(self.again("images.packed=%s" % packed), digests(self.output))

    def test_an_override_changes_the_result(self):
        changed, first = self.again("quantize.weight_bits=5"), digests(self.output)
        self.assertEqual(changed["float"], first["float"])
        self.assertNotEqual(changed["integer"], first["integer"])
        with h5py.File(self.path("again.h5"), "r") as f:
            used = [v.decode() if isinstance(v, bytes) else v for v in f["run/used"][...]]
        self.assertIn("quantize.weight_bits = 5", used)

    def test_report_prints_every_point_and_the_numbers_of_the_file(self):
        out = run(["report", self.output]).out
        with h5py.File(self.output, "r") as f:
            for name in ("float", "integer", "isaac", "sme-x1"):
                self.assertIn(name, out)
                self.assertIn("%.2f" % (100.0 * (f[name + "/images/correct"][...] == 1).mean()), out)
            self.assertIn(str(f["sme-x1/layers/crossbars"][...].sum()), out)

    def test_plan_agrees_with_the_run(self):
        out = run(["plan", self.job]).out
        with h5py.File(self.output, "r") as f:
            for name in ("isaac", "sme-x1"):
                line = [text for text in out.splitlines() if text.startswith(name)][0].split()
                self.assertEqual(int(line[1]), f[name + "/layers/crossbars"][...].sum())
                self.assertAlmostEqual(float(line[6]), f[name + "/layers/area_um2"][...].sum() * 1e-6, delta=0.006)
                point = f[name].attrs  # schedules that do not depend on data
                self.assertEqual(int(line[7]), point["tiles"])
                for column, attribute in ((8, "latency_ns"), (9, "latency_serial_ns"), (10, "interval_ns")):
                    self.assertAlmostEqual(float(line[column]), point[attribute] * 1e-6, delta=0.0006)
        self.assertIn("41.29 TOPS, 65.8 W, 85.4 mm2", out)

    def test_costs_fit_each_other(self):
        with h5py.File(self.output, "r") as f:
            for name in ("isaac", "sme-x1"):
                point, layers = f[name].attrs, {column: data[...] for column, data in f[name + "/layers"].items()}
                self.assertLess(point["interval_ns"], point["latency_ns"])
                self.assertLess(point["latency_ns"], point["latency_serial_ns"])
                self.assertAlmostEqual(point["latency_ns"], layers["end_ns"].max())
                self.assertAlmostEqual(point["latency_serial_ns"], layers["latency_ns"].sum())
                self.assertAlmostEqual(point["images_per_s"] * point["interval_ns"], 1e9)
                self.assertAlmostEqual(point["area_mm2"], layers["area_um2"].sum() * 1e-6)
                self.assertEqual(point["tiles"], -(-layers["crossbars"].sum() // 96))
                self.assertTrue((layers["busy"] <= 1 + 1e-12).all())
                self.assertAlmostEqual(layers["busy"].max(), point["busiest_share"])
                linear = numpy.array([kind in (b"linear", "linear") for kind in layers["kind"]])
                inputs = layers["rows"][linear]
                numpy.testing.assert_array_equal(layers["buffer_bytes"][linear], inputs)
                numpy.testing.assert_array_equal(layers["router_bits"][linear], inputs * 8 * -(-layers["crossbars"][linear] // 96) * 40)
                for law, change in (("saberi", 0), ("forms", -1)):
                    difference = layers["energy_adc_%s_pj" % law] - layers["energy_adc_pj"]
                    self.assertTrue((numpy.sign(difference) == change).all())

    def test_copies_under_a_budget(self):
        """Copies change time, area and leakage, and nothing else."""
        self.assertEqual(self.again("same.crossbar_budget=700"), digests(self.output))
        with h5py.File(self.output, "r") as one, h5py.File(self.path("again.h5"), "r") as more:
            for name in ("isaac", "sme-x1"):
                a, b = one[name], more[name]
                copies, crossbars = b["layers/copies"][...], b["layers/crossbars"][...]
                self.assertTrue((copies >= 1).all() and copies.max() > 1 and (a["layers/copies"][...] == 1).all())
                self.assertEqual(b.attrs["arrays"], (copies * crossbars).sum())
                self.assertLessEqual(b.attrs["arrays"], 700)
                self.assertLess(b.attrs["interval_ns"], a.attrs["interval_ns"])
                self.assertLess(b.attrs["latency_ns"], a.attrs["latency_ns"])
                numpy.testing.assert_array_equal(a["layers/energy_pj"][...], b["layers/energy_pj"][...])
                for point in (a, b):  # standing power of jobs/technology/isaac-32nm.yml during an interval
                    power = point.attrs["arrays"] * (91.3 + 25 * point.attrs["adc_bits"]) + point.attrs["tiles"] * 460
                    self.assertAlmostEqual(point["layers/energy_leakage_pj"][...].sum() / (power * point.attrs["interval_ns"] * 1e-3), 1)

    def test_list_and_example(self):
        out = run(["list"]).out
        for word in ("isaac", "sme", "portable", "Conv", "squeeze"):
            self.assertIn(word, out)
        self.assertEqual(run(["list", "example"]).out, pathlib.Path(SOURCE, "jobs", "example.yml").read_text())

    def test_conversions_are_those_of_the_mapping(self):
        """conversions = bit lines in use x input steps x positions (of all images), and SME's squeeze releases arrays and adds steps."""
        with h5py.File(self.output, "r") as f:
            for name in ("isaac", "sme-x1"):
                layers = f[name + "/layers"]
                expected = layers["columns_used"][...] * layers["steps_per_position"][...] * layers["positions"][...]  # positions: over all images
                if name == "isaac":
                    numpy.testing.assert_array_equal(layers["conversions"][...], expected)
                else:  # arrays without a delayed row end a step earlier
                    self.assertTrue((layers["conversions"][...] <= expected).all())
                    self.assertTrue((layers["conversions"][...] > expected * 8 // 9).all())
                numpy.testing.assert_array_equal(layers["steps"][...], layers["steps_per_position"][...] * layers["positions"][...])
            sme = f["sme-x1/layers"]
            self.assertTrue((sme["crossbars"][...] < sme["crossbars_full"][...]).all())
            self.assertEqual(sme["steps_per_position"][...].max(), 9)

    def test_options_of_layers(self):
        """A file gives single layers options of their own; the others keep those of the design."""
        with open(self.path("layers.yml"), "w") as file:
            file.write("layers:\n  /stem/stem.1/stem.1.0/Conv: {squeeze: 2}\n")
        designs = "designs=[{design: sme, squeeze: 0, name: base}, {design: sme, squeeze: 2, name: all}, {design: sme, layers: %s, name: some}]"
        run(["run", self.job, "--set", designs % self.path("layers.yml"), "--set", "run.output=" + self.path("layers.h5"), "--set", "images.count=20"])
        with h5py.File(self.path("layers.h5"), "r") as f:
            crossbars = {name: f[name + "/layers/crossbars"][...] for name in ("base", "all", "some")}
            layer = [text.decode() for text in f["base/layers/name"][...]].index("/stem/stem.1/stem.1.0/Conv")
            expected = crossbars["base"].copy()
            expected[layer] = crossbars["all"][layer]
            self.assertLess(expected[layer], crossbars["base"][layer])
            numpy.testing.assert_array_equal(crossbars["some"], expected)

    def test_python_example(self):
        picture = self.path("plot.svg")
        script = os.path.join(SOURCE, "results", "read_result.py")
        try:
            import matplotlib  # noqa: F401
            import pandas  # noqa: F401
        except ImportError:
            self.skipTest("needs python3-pandas and python3-matplotlib")
        done = subprocess.run([sys.executable, script, self.output, "--out", picture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sme-x1", done.stdout)
        self.assertIn("<svg", pathlib.Path(picture).read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
