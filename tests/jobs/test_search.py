"""The search: what it announces is what a run with its file gives, its choice keeps the budget, and neither ranks nor threads nor batch change a byte."""
import csv
import os
import pathlib
import shutil
import unittest

from harness import SOURCE, InFolder, h5py, job_text, numpy, run

CALIBRATION = os.path.join(SOURCE, "datasets", "fashion_calibration200.h5")
TEST = os.path.join(SOURCE, "datasets", "fashion_test1000.h5")
LAYER = "/stem/stem.1/stem.1.0/Conv"
LOSS = 1.0


def set_all(values):
    return [word for value in values for word in ("--set", value)]


class Searching(InFolder):
    @classmethod
    def write_job(cls, name, search, designs=("design: isaac, name: isaac", "design: sme, name: sme")):
        job = cls.path(name)
        pathlib.Path(job).write_text(job_text(designs, cls.path("unused.h5"), count=20) + "search: {%s}\n" % search)
        return job

    @classmethod
    def search(cls, job, output, *sets, **how):
        """The outcome and the rows of the frontier."""
        done = run(["search", job, "--set", "search.output=" + cls.path(output)] + set_all(sets), **how)
        assert done.code == 0, done.err
        with open(cls.path(output).replace(".yml", ".csv"), newline="") as file:
            return done, list(csv.DictReader(file))

    def run_of(self, job, designs, *sets):
        """{design: crossbars}, {design: images of the true class} of a run."""
        output = self.path("run.h5")
        done = run(["run", job] + set_all(["run.output=" + output, "designs=[%s]" % ", ".join("{%s}" % d for d in designs), *sets]))
        self.assertEqual(done.code, 0, done.err)
        with h5py.File(output, "r") as f:
            names = [d.split("name: ")[1].split(",")[0] for d in designs]
            return ({n: int(f[n + "/layers/crossbars"][...].sum()) for n in names}, {n: int((f[n + "/images/correct"][...] == 1).sum()) for n in names})


class Search(Searching):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.write_job("job.yml", "squeeze: 0 3 5 6, window: 3 2, loss: %g, samples: 10, images: 120" % LOSS)
        cls.done, cls.rows = cls.search(cls.job, "first.yml")

    def chosen(self):
        rows = [row for row in self.rows if row["chosen"] == "1"]
        self.assertEqual(len(rows), 1)
        return rows[0]

    def test_a_run_with_the_file_gives_what_was_announced(self):
        """Crossbars, and top-1 on the images of the search; so for uniform candidates, which need no file."""
        designs = ["design: sme, name: found, layers: %s" % self.path("first.yml"), "design: sme, name: base", "design: sme, name: five, squeeze: 5, window: 2"]
        crossbars, hits = self.run_of(self.job, designs, "images={packed: %s, count: 120}" % CALIBRATION)
        uniform = {row["what"]: row for row in self.rows}
        for name, row in (("found", self.chosen()), ("base", uniform["squeeze=0 window=3"]), ("five", uniform["squeeze=5 window=2"])):
            self.assertEqual(crossbars[name], int(row["crossbars"]))
            self.assertAlmostEqual(hits[name] / 120, float(row["top1"]), places=6)
        self.assertLessEqual(100 * (hits["base"] - hits["found"]) / 120, LOSS)
        self.assertLess(crossbars["found"], crossbars["base"] // 2)

    def test_chosen_are_the_fewest_crossbars_within_the_budget(self):
        within = [int(row["crossbars"]) for row in self.rows if row["crossbars"] and float(row["loss_points"]) <= LOSS]
        self.assertEqual(int(self.chosen()["crossbars"]), min(within))
        self.assertTrue(any(float(row["loss_points"]) > LOSS for row in self.rows))  # otherwise this would say little

    def test_frontier(self):
        """Along it crossbars fall and sensitivity grows, and no uniform candidate is better in both."""
        path = [(int(r["crossbars"]), float(r["sensitivity"])) for r in self.rows if r["what"].startswith("frontier")]
        uniform = [(int(r["crossbars"]), float(r["sensitivity"])) for r in self.rows if r["what"].startswith("squeeze")]
        self.assertGreaterEqual(len(path), 8)
        self.assertEqual(len(uniform), 8)
        for (more, less), (fewer, greater) in zip(path, path[1:]):
            self.assertTrue(more > fewer and less < greater)
        for crossbars, sensitivity in path:
            self.assertFalse([u for u in uniform if u[0] <= crossbars and u[1] < 0.999999 * sensitivity])
        self.assertTrue(all(0 < sensitivity for _, sensitivity in path + uniform))

    def test_table(self):
        for row in self.rows:
            line = [text for text in self.done.out.splitlines() if text.startswith(row["what"] + " ")][0]
            self.assertIn("%.2f" % (100 * float(row["top1"])), line)
            self.assertEqual(line.endswith("chosen"), row["chosen"] == "1")
        self.assertEqual({row["truth"] for row in self.rows}, {"label"})

    def test_ranks_threads_and_batch_change_nothing(self):
        for k, (ranks, threads, batch) in enumerate([(3, 1, 16), (1, 2, 7), (2, 2, 64)]):
            name = "other%d" % k
            self.search(self.job, name + ".yml", "run.batch=%d" % batch, ranks=ranks, threads=threads)
            for end in (".yml", ".csv"):
                self.assertEqual(pathlib.Path(self.path(name + end)).read_bytes(), pathlib.Path(self.path("first" + end)).read_bytes())

    def test_a_design_of_many_chips_is_found_by_its_name(self):
        job = self.write_job("chips.yml", "squeeze: 0 3, design: sme, samples: 2, images: 10", ["design: sme, name: sme, variation: 0.01", "design: isaac, name: isaac, variation: 0.01"])
        self.search(job, "chips_found.yml", "run.trials=1000")
        self.search(job, "chip_found.yml", "run.trials=1")
        self.assertEqual(pathlib.Path(self.path("chips_found.yml")).read_bytes(), pathlib.Path(self.path("chip_found.yml")).read_bytes())

    def test_without_labels_the_float_network_is_the_truth(self):
        unlabelled = self.path("unlabelled.h5")
        shutil.copy(CALIBRATION, unlabelled)
        with h5py.File(unlabelled, "r+") as f:
            f["labels"][...] = numpy.full(f["labels"].shape, -1)
        done, rows = self.search(self.job, "unlabelled.yml", "quantize.calibration.packed=" + unlabelled, "search.squeeze=0 5")
        self.assertIn("no labels", done.out)
        self.assertEqual({row["truth"] for row in rows}, {"float"})
        self.assertEqual(float(rows[0]["top1"]), 1)
        for row in rows:
            self.assertEqual(row["top1"], row["agreement"])

    def test_options_of_layers_stay(self):
        """What the entry's own file of layers says of other options is in the file written."""
        pathlib.Path(self.path("own.yml")).write_text("layers:\n  %s: {policy: round, squeeze: 1}\n" % LAYER)
        job = self.write_job("own_job.yml", "squeeze: 0 4, samples: 4, images: 40, loss: 100", ["design: sme, name: sme, layers: %s" % self.path("own.yml")])
        _, rows = self.search(job, "kept.yml")
        lines = [line for line in pathlib.Path(self.path("kept.yml")).read_text().splitlines() if LAYER in line]
        self.assertEqual(lines, ["  '%s': {squeeze: 4, window: 3, policy: round}" % LAYER])
        crossbars, _ = self.run_of(job, ["design: sme, name: kept, layers: %s" % self.path("kept.yml")])
        self.assertEqual(crossbars["kept"], int([row for row in rows if row["chosen"] == "1"][0]["crossbars"]))


class Designs(Searching):
    """Entries with weights fitted for them as candidates, the mixture fitted again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        squeezes = {"one": 1, "five": 5}
        designs = ["design: sme, name: %s, squeeze: %d, weights: %s" % (name, x, cls.path(name + ".h5")) for name, x in squeezes.items()]
        cls.job = cls.write_job("job.yml", "designs: one five, samples: 10, first: 60, images: 100, loss: 5", designs)
        cls.fit = "fit={images: 40, positions: 20, admm: false, output: none}"
        for name in squeezes:
            cls.fit_of(name)
        cls.done, cls.rows = cls.search(cls.job, "first.yml")
        cls.budget = sum(int(row["crossbars"]) for row in cls.rows[2:4]) // 2

    @classmethod
    def fit_of(cls, name, *sets):
        done = run(["fit", cls.job] + set_all([cls.fit, "fit.design=" + name, "fit.output=" + cls.path(name + ".h5"), *sets]))
        assert done.code == 0, done.err

    def test_candidates_are_the_entries(self):
        """Crossbars and top-1 of each entry in all layers are those of a run with it, on the images behind the first 60."""
        names = ["design: sme, name: one, squeeze: 1, weights: %s" % self.path("one.h5"), "design: sme, name: five, squeeze: 5, weights: %s" % self.path("five.h5")]
        crossbars, hits = self.run_of(self.job, names, "images={packed: %s, first: 60, count: 100}" % CALIBRATION)
        uniform = {row["what"]: row for row in self.rows}
        for name in ("one", "five"):
            self.assertEqual(crossbars[name], int(uniform[name]["crossbars"]))
            self.assertAlmostEqual(hits[name] / 100, float(uniform[name]["top1"]), places=6)

    def test_a_mixture_within_a_budget_is_fitted_and_held(self):
        """The file for a number of crossbars keeps it, is the frontier's best, and a fit of it is held exactly."""
        done, rows = self.search(self.job, "mixed.yml", "search.crossbars=%d" % self.budget)
        line = [text for text in done.out.splitlines() if "within %d" % self.budget in text]
        self.assertEqual(len(line), 1)
        self.assertEqual(len({row["what"] for row in rows}), len(rows))
        within = [row for row in rows if row["what"].startswith("frontier") and int(row["crossbars"]) <= self.budget]
        self.assertEqual(line[0].split()[1], min(within, key=lambda row: float(row["sensitivity"]))["what"].split()[1])
        mixed = "design: sme, name: mixed, layers: %s" % self.path("mixed-%d.yml" % self.budget)
        self.fit_of("mixed", "designs=[{%s}]" % mixed)
        crossbars, _ = self.run_of(self.job, [mixed + ", weights: " + self.path("mixed.h5")])
        self.assertLessEqual(crossbars["mixed"], self.budget)
        with h5py.File(self.path("run.h5"), "r") as f:
            self.assertTrue((f["mixed/layers/held_error"][...] == 0).all())

    def test_refused(self):
        for sets, fragments in (
            (["search.designs=one fiv"], ["did you mean 'five'"]),
            (["search.designs=one one"], ["has one twice"]),
            (["search.squeeze=0 1"], ["leave these out"]),
            (["designs.1.policy=round"], ["'five' and 'one' differ in policy"]),
            (["designs.1.design=isaac", "designs.1.squeeze=none"], []),
            (["designs.0.weights=nowhere.h5"], ["nowhere.h5"]),
        ):
            done = run(["search", self.job] + set_all(["search.output=" + self.path("out.yml"), *sets]), ranks=2, timeout=60)
            self.assertNotEqual(done.code, 0)
            lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ")]
            self.assertEqual(len(lines), 1, done.err)
            for fragment in fragments:
                self.assertIn(fragment, lines[0])


class BadSearch(Searching):
    def fails(self, search, *fragments, sets=(), code=2, ranks=1):
        job = self.write_job("bad.yml", search)
        done = run(["search", job] + set_all(sets), ranks=ranks, timeout=60)
        self.assertEqual(done.code, code, done.err)
        lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ")]
        self.assertEqual(len(lines), 1, done.err)
        for fragment in fragments:
            self.assertIn(fragment, lines[0])
        self.assertEqual([name for name in os.listdir(self.folder.name) if name.startswith("out")], [])

    def test_lines(self):
        output = ", output: " + self.path("out.yml")
        self.fails("", "no section search", sets=["search=none"])
        self.fails("squeeze: 0 1", "search.output is not set", ranks=2)
        self.fails("loss: 1" + output, "neither squeeze nor designs")
        self.fails("squeeze: 0 1 0" + output, "search.squeeze has 0 twice")
        self.fails("squeeze: 0 x" + output, "search.squeeze: sme: squeeze: 'x' is not a whole number")
        self.fails("squeeze: 0 9" + output, "search.squeeze: sme: squeeze 9 would leave none")
        self.fails("squeeze: ' '" + output, "search.squeeze is empty")
        self.fails("squeeze: 0, window: 9" + output, "search.window: sme: window 9 is larger")
        self.fails("squeeze: 0, design: sne" + output, "no design named 'sne'", "did you mean 'sme'")
        self.fails("squeeze: 0, design: isaac" + output, "search.squeeze: isaac has no option 'squeeze'")
        self.fails("squeeze: 0" + output, "no design of the job has an option squeeze", sets=["designs=[{design: isaac}]"])
        self.fails("squeeze: 0, loss: -1" + output, "search.loss must be a number 0..100")
        self.fails("squeeze: 0, samples: 0" + output, "search.samples must be a whole number")
        self.fails("squeeze: 0, sqeeze: 1" + output, "sqeeze", "did you mean 'squeeze'")
        self.fails("squeeze: 0, output: " + self.path("out.csv"), "ends with .yml")
        self.fails("squeeze: 0" + output, "needs quantize.calibration", sets=["quantize.calibration=none"])
        same = "quantize.calibration={packed: %s, count: 5}" % TEST
        self.fails("squeeze: 0" + output, "reaches into the images that are scored", sets=[same])
        self.fails("squeeze: 0, images: 31" + output, "reaches into the images that are scored", sets=[same, "images.first=30"])
        self.fails("squeeze: 0, first: 10, images: 11" + output, "reaches into the images that are scored", sets=[same, "images.first=20"])
        self.fails("squeeze: 0, crossbars: 10 x" + output, "search.crossbars: 'x' is not a whole number")
        self.fails("squeeze: 0, crossbars: 3" + output, "search.crossbars: 3 are too few", ranks=2)
        self.fails("squeeze: 0, images: 31" + output, "images 990 to 1020 are wanted", code=3,
                   sets=["quantize.calibration={packed: %s, count: 5, first: 990}" % TEST, "images={packed: %s, first: 30, count: 960}" % TEST])
        self.fails("squeeze: 0, output: %s/no/out.yml" % self.folder.name, "cannot write", code=4, ranks=2)
        self.fails("squeeze: 0, images: 1000" + output, "images 0 to 999 are wanted, but it holds 200", code=3, ranks=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
