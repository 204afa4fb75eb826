"""`ohmtally bench`: its table names what this machine has, its file holds what it printed, a job's network comes layer by layer, and wrong command
lines are refused in one line. Speeds themselves are not judged here, only that they fit one another."""
import os
import pathlib
import unittest

from harness import InFolder, h5py, job_text, numpy, run, text

DESIGNS = ["design: isaac, name: isaac", "design: isaac, name: isaac-5b, adc_bits: 5", "design: sme, name: sme-x2, squeeze: 2, adc_bits: 3"]
POINTS = ["integer", "isaac", "isaac-5b", "sme-x2"]  # float is not run on crossbars
IMAGES = 8  # bench takes the first of the job's; the job has no more, so that a run has the same ones
DENSITIES = [0.1, 0.2, 0.35, 0.5]


def kernels_of_this_machine():
    """What `ohmtally list` names, best last; the reference is not measured."""
    names = [line for line in run(["list"]).out.splitlines() if line.strip().startswith("reference portable")][0].split()
    return names[1:]


def column(group, name):
    values = group[name][...]
    return [text(v) for v in values] if values.dtype.kind in "OS" else values


class Bench(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.path("job.yml")
        pathlib.Path(cls.job).write_text(job_text(DESIGNS, cls.path("run.h5"), count=IMAGES))
        cls.machine = run(["bench", cls.path("machine.h5")], timeout=120)
        cls.network = run(["bench", cls.job, cls.path("network.h5")], timeout=120)
        cls.kernels = kernels_of_this_machine()

    def test_machine_table(self):
        self.assertEqual(self.machine.code, 0, self.machine.err)
        self.assertNotIn("ohmtally: ", self.machine.err)
        self.assertIn("portable", self.kernels)
        lines = self.machine.out.splitlines()
        for kernel in self.kernels:
            rows = [line.split() for line in lines if line.startswith(kernel + " ")]
            self.assertEqual([float(row[1]) for row in rows[:4]], DENSITIES, kernel)
            self.assertEqual(len(rows), 4 + 5 + (3 if kernel == self.kernels[-1] else 0), kernel)  # densities, then modes of the reference layer, noise on the best alone
        for word in ("popcount", "integer product", "reference layer", "evaluated %"):
            self.assertIn(word, self.machine.out)

    def test_machine_file(self):
        with h5py.File(self.path("machine.h5"), "r") as f:
            self.assertEqual(text(f.attrs["format"]), "ohmtally bench")
            self.assertEqual(text(f.attrs["kernel"]), self.kernels[-1])
            self.assertTrue(self.machine.out.startswith(text(f.attrs["cpu"])))
            self.assertEqual(sorted(f), ["kernels", "layer", "product"])
            self.assertEqual(column(f["kernels"], "kernel"), [name for name in self.kernels for _ in DENSITIES])
            self.assertEqual(list(column(f["kernels"], "density")), DENSITIES * len(self.kernels))
            for name in ("clip", "table", "excess", "lists", "logic", "share"):
                self.assertTrue((f["kernels"][name][...] > 0).all(), name)
            printed = [line.split() for line in self.machine.out.splitlines() if line.split(" ")[0] in self.kernels]
            printed = [words for words in printed if words[1] in ("0.10", "0.20", "0.35", "0.50")]
            self.assertEqual(len(printed), len(f["kernels/clip"]))
            for k, line in enumerate(printed):
                for place, name in ((2, "clip"), (3, "table"), (4, "excess"), (5, "lists")):
                    self.assertAlmostEqual(float(line[place]), f["kernels"][name][k] * 1e-9, delta=0.0051)

    def test_reference_layer(self):
        """Its conversions are known: 196 positions x 8 steps x 8 planes x 256 outputs x 18 arrays of 128 rows."""
        with h5py.File(self.path("machine.h5"), "r") as f:
            layer = f["layer"]
            self.assertEqual(column(layer, "kernel"), [name for name in self.kernels for _ in range(5)] + [self.kernels[-1]] * 3)
            self.assertEqual(set(layer["conversions"][...]), {196 * 8 * 8 * 256 * 18})
            numpy.testing.assert_allclose(layer["rate"][...], layer["conversions"][...] / layer["seconds"][...])
            numpy.testing.assert_allclose(layer["popcount"][...] * f.attrs["popcount_conversions_per_second"], layer["rate"][...])
            evaluated = layer["evaluated"][:-3].reshape(-1, 5)
            self.assertTrue((evaluated == evaluated[0]).all())  # the same for every kernel
            self.assertEqual(list(evaluated[0][[0, 3, 4]]), [0, 196 * 8 * 8 * 256 * 18, 196 * 8 * 8 * 256 * 18])
            self.assertLess(evaluated[0][1], evaluated[0][2])  # an ADC of 5 bits needs more looked at than one of 6
            self.assertLess(evaluated[0][2], evaluated[0][3])
            self.assertEqual(column(layer, "evaluation")[0], "product")
            self.assertEqual(column(layer, "evaluation")[3:5], ["counters"] * 2)
            self.assertEqual(list(layer["evaluated"][-3:]), [196 * 8 * 8 * 256 * 18] * 3)  # conductances: every conversion
            self.assertEqual(list(f["product/largest"][...]), [64, 127, 255])

    def test_network_layers_are_the_jobs(self):
        self.assertEqual(self.network.code, 0, self.network.err)
        done = run(["run", self.job])
        self.assertEqual(done.code, 0, done.err)
        with h5py.File(self.path("network.h5"), "r") as f, h5py.File(self.path("run.h5"), "r") as result:
            self.assertEqual(sorted(f), ["kernels", "layer", "network", "product"])
            steps = f["network"]
            points = column(steps, "point")
            self.assertEqual(sorted(set(points), key=points.index), POINTS)
            for name in POINTS:
                here = numpy.array([point == name for point in points])
                layers = result[name + "/layers"]
                n = len(layers["name"])
                names = [layer for layer, own in zip(column(steps, "layer"), here) if own]
                self.assertEqual(names, column(layers, "name") + ["between", "load"])
                self.assertEqual([k for k, own in zip(column(steps, "kind"), here) if own][:n], column(layers, "kind"))
                self.assertEqual([e for e, own in zip(column(steps, "evaluation"), here) if own][:n], column(layers, "evaluation"))
                for counted in ("conversions", "evaluated"):  # an image's
                    numpy.testing.assert_array_equal(steps[counted][...][here][:n] * IMAGES, layers[counted][...], err_msg=name + " " + counted)
                    numpy.testing.assert_array_equal(steps[counted][...][here][n:], 0)
            self.assertTrue((steps["seconds"][...] > 0).all())
            self.assertGreater(steps["evaluated"][...].sum(), 0)

    def test_network_table(self):
        for name in POINTS:
            lines = [line for line in self.network.out.splitlines() if line.startswith(name + ": ")]
            self.assertEqual(len(lines), 1, name)
            with h5py.File(self.path("network.h5"), "r") as f:
                steps = f["network"]
                here = numpy.array([point == name for point in column(steps, "point")])
                loading = numpy.array([layer == "load" for layer in column(steps, "layer")])
                self.assertAlmostEqual(float(lines[0].split()[1]), steps["seconds"][...][here & ~loading].sum() * 1e3, delta=0.0501)
                conversions = steps["conversions"][...][here].sum()
                if conversions:
                    share = 100 * steps["evaluated"][...][here].sum() / conversions
                    self.assertIn("%.1f %% evaluated" % share, lines[0])

    def test_set_overrides_the_job(self):
        """With everything evaluated one by one, all conversions are; and nothing is written where no file is named."""
        before = sorted(os.listdir(self.folder.name))
        done = run(["bench", self.job, "--set", "run.evaluate=all"], timeout=120, cwd=self.folder.name)
        self.assertEqual(done.code, 0, done.err)
        for name in POINTS[1:]:
            line = [line for line in done.out.splitlines() if line.startswith(name + ": ")][0]
            self.assertIn("100.0 % evaluated", line)
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_prediction(self):
        """The parts add up; one rank is the sum of what was measured; ranks without cores of their own bring nothing; a slow file system shows."""
        settings = ["predict.ranks=1 2 8 4096", "predict.cores=2", "predict.images=20000", "run.evaluate=needed"]
        done = run(["bench", self.job] + [word for setting in settings for word in ("--set", setting)], timeout=120)
        self.assertEqual(done.code, 0, done.err)
        lines = done.out.splitlines()
        begin = [k for k, line in enumerate(lines) if line.startswith("predicted seconds")][0]
        names = lines[begin + 1].split("  what")[0].split()
        rows = [dict(zip(names, map(float, line.split()[:len(names)]))) for line in lines[begin + 2:]]
        parts = names[4:]
        self.assertEqual([row["ranks"] for row in rows], [1, 2, 8, 4096])
        for row in rows:
            self.assertAlmostEqual(row["total"], sum(row[part] for part in parts), delta=0.02)
            self.assertAlmostEqual(row["speed-up"], rows[0]["total"] / row["total"], delta=0.06 * row["speed-up"])
        costs = {}
        for line in lines[:begin]:
            words = line.split()
            if len(words) == 5 and words[0] in ["float"] + POINTS:
                costs[words[0]] = [float(word) for word in words[1:]]
        self.assertEqual(sorted(costs), sorted(["float"] + POINTS))
        self.assertAlmostEqual(rows[0]["images"], 20000 * sum(cost[1] for cost in costs.values()), delta=0.03 * rows[0]["images"] + 20000 * 5 * 0.5e-5)
        self.assertAlmostEqual(rows[0]["build"], sum(cost[0] for cost in costs.values()), delta=0.003)
        self.assertGreater(rows[1]["speed-up"], 1.5)
        self.assertIn("journals", lines[begin + 5])  # 4096 files in one folder at 2,000 a second
        shared = run(["bench", self.job, "--set", "predict.ranks=2 8", "--set", "predict.cores=2", "--set", "predict.nodes=1", "--set", "predict.images=20000"], timeout=120)
        two, eight = [float(line.split()[1]) for line in shared.out.splitlines()[-2:]]
        self.assertGreater(eight, 0.99 * two)
        self.assertEqual(sorted(name for name in os.listdir(os.environ.get("TMPDIR", "/tmp")) if name.startswith(("ohmtally-result.h5-", "ohmtally-journal-"))), [])

    def refused(self, arguments, *fragments, ranks=1, code=2):
        before = sorted(os.listdir(self.folder.name))
        done = run(["bench"] + arguments, ranks=ranks, timeout=60, cwd=self.folder.name)
        self.assertNotEqual(done.code, 0)
        if ranks == 1:
            self.assertEqual(done.code, code, done.err)
            self.assertEqual(done.out, "")
        lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ")]
        self.assertEqual(len(lines), 1, done.err)
        for fragment in fragments:
            self.assertIn(fragment, lines[0])
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_refusals(self):
        self.refused([self.job, "second.yml"], "at most one job", "second.yml")
        self.refused([self.job, "a.h5", "b.h5"], "at most one job and one file", "b.h5")
        self.refused(["--set", "run.batch=2"], "--set", "job")
        self.refused(["a.h5", "--set", "run.batch=2"], "--set", "job")
        self.refused([], "one core", "without mpirun", ranks=2)
        self.refused([self.job, "a.h5"], "one core", "without mpirun", ranks=2)
        self.refused(["absent.yml", "a.h5"], "absent.yml", code=4)
        self.refused([self.job, "a.h5", "--set", "run.batsh=2"], "batsh", "batch")
        self.refused([self.job, "a.h5", "--set", "predict.ranks=1 two"], "predict.ranks", "'two'")
        self.refused([self.job, "a.h5", "--set", "predict.ranks=0"], "predict.ranks", "from 1")

    def test_unknown_kernel(self):
        done = run(["bench"], env={"OHM_KERNEL": "avx1024"}, timeout=60)
        self.assertEqual(done.code, 2)
        self.assertIn("avx1024", done.err)
        self.assertIn("portable", done.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
