"""Bad input: one clear line with cause and remedy, a non-zero exit in time, nothing under the final name, the other ranks do not hang."""
import os
import pathlib
import unittest

from harness import SOURCE, folder, h5py, job_text, numpy, run

DATASETS = os.path.join(SOURCE, "datasets")
ISAAC = ["design: isaac, name: isaac"]


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = folder()
        self.output = os.path.join(self.folder.name, "result.h5")

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def fails(self, text, *fragments, ranks=2, arguments=(), code=None):
        """Runs a job text and checks: exit code, exactly one ohmtally: line, its fragments, no result and no journal."""
        job = self.write("job.yml", text)
        done = run(["run", job] + list(arguments), ranks=ranks, timeout=60)
        self.assertNotEqual(done.code, 0, done.err)
        if code is not None:
            self.assertEqual(done.code, code, done.err)
        lines = [line for line in done.err.splitlines() if line.startswith("ohmtally: ")]
        self.assertEqual(len(lines), 1, done.err)
        for fragment in fragments:
            self.assertIn(fragment, lines[0])
        left = [name for name in os.listdir(self.folder.name) if "result" in name]
        self.assertEqual(left, [])

    def job(self, designs=ISAAC, count=20):
        return job_text(designs, self.output, count)

    def test_unknown_key_names_the_nearest(self):
        self.fails(self.job().replace("array_rows", "array_row"), "array_row", "did you mean", "array_rows", code=2)

    def test_unknown_design_and_option(self):
        self.fails(self.job(["design: isac"]), "isac", "did you mean 'isaac'", code=2)
        self.fails(self.job(["design: sme, squeze: 2"]), "squeze", "did you mean 'squeeze'", code=2)
        self.fails(self.job(["design: sme, policy: trunc"]), "trunc", "truncate, round, lossless", code=2)

    def test_contradictions(self):
        self.fails(self.job(["design: sme, window: 9"]), "window 9", "weight_bits 8", code=2)
        self.fails(self.job(["design: isaac, adc_bits: 40"]), "adc_bits '40'", code=2)
        self.fails(self.job(["design: isaac, adc_range: ful, adc_bits: 8"]), "ful", "full", code=2)
        self.fails(self.job(["design: isaac, name: a", "design: sme, name: a"]), "a", code=2)

    def test_options_of_layers(self):
        job = self.job(["design: sme, layers: %s" % self.path("layers.yml")])
        self.fails(job, "layers.yml", code=4)
        for text, *fragments in (
            ("layers: {nowhere: {squeeze: 1}}", "layers.yml:1", "no layer 'nowhere'"),
            ("layers:\n  /stem/stem.1/stem.1.0/Conv: {squeze: 1}", "layers.yml:2", "did you mean 'squeeze'"),
            ("layers:\n  /stem/stem.1/stem.1.0/Conv: {squeeze: 8}", "layers.yml:2", "squeeze 8"),
            ("layers:\n  /stem/stem.1/stem.1.0/Conv: {cell_bits: 2}", "layers.yml:2", "for all layers"),
            ("layers:\n  /stem/stem.1/stem.1.0/Conv: 3", "layers.yml:2", "squeeze: 2"),
            ("/stem/stem.1/stem.1.0/Conv: {squeeze: 1}", "layers.yml", "layers:"),
        ):
            self.write("layers.yml", text)
            self.fails(job, *fragments, code=2)

    def test_names_of_the_result_file_are_taken(self):
        for name in ("float", "run"):
            self.fails(self.job(["design: isaac, name: %s" % name]), "cannot be named '%s'" % name, code=2)

    def test_overwrite_off(self):
        self.write("keep.h5", b"precious")
        job = self.write("job.yml", self.job().replace(self.output, self.path("keep.h5")))
        done = run(["run", job, "--set", "run.overwrite=false"])
        self.assertEqual(done.code, 2)
        self.assertIn("run.overwrite is off", done.err)
        self.assertEqual(pathlib.Path(self.path("keep.h5")).read_bytes(), b"precious")

    def test_not_yaml(self):
        self.fails("network: [unclosed", "job.yml")
        self.fails("\x00\x01\x02", "job.yml")

    def test_network_missing_truncated_random(self):
        good = pathlib.Path(os.path.join(DATASETS, "fashion.onnx")).read_bytes()
        named = self.job().replace(os.path.join(DATASETS, "fashion.onnx"), self.path("net.onnx"))
        self.fails(named, "net.onnx")
        for content in (good[: len(good) // 2], os.urandom(5000), b""):
            self.write("net.onnx", content)
            self.fails(named, "net.onnx")

    def test_wrong_input_shape(self):
        self.fails(self.job().replace("channels: grey", "channels: rgb"), "channels")

    def test_images_missing_empty(self):
        packed = "packed: %s/fashion_test1000.h5, count: 20" % DATASETS
        os.mkdir(self.path("empty"))
        self.fails(self.job().replace(packed, "folder: %s" % self.path("empty")), "empty")
        self.fails(self.job().replace(packed, "folder: %s" % self.path("absent")), "absent")
        self.write("broken.h5", b"not HDF5")
        self.fails(self.job().replace(packed, "packed: %s" % self.path("broken.h5")), "broken.h5")

    def test_labels_missing_or_out_of_range(self):
        packed = "packed: %s/fashion_test1000.h5, count: 20" % DATASETS
        make_pngs(self.path("pngs"), 4)
        job = self.job().replace(packed, "folder: %s, labels: %s" % (self.path("pngs"), self.path("labels.txt")))
        self.write("labels.txt", "0.png 1\n1.png 2\n2.png 3\n")
        self.fails(job, "3.png")
        self.write("labels.txt", "0.png 1\n1.png 2\n2.png 3\n3.png 10\n")
        self.fails(job, "labels.txt:4", "10")

    def test_output_folder_absent(self):
        self.fails(self.job().replace(self.output, self.path("nowhere/out.h5")), "nowhere")

    def test_output_disk_full(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        self.fails(self.job().replace(self.output, "/dev/full/out.h5"), "/dev/full")

    def test_existing_result_survives_a_failure(self):
        self.write("keep.h5", b"precious")
        job = self.write("job.yml", self.job(count=20).replace(self.output, self.path("keep.h5")).replace("fashion.onnx", "absent.onnx"))
        self.assertNotEqual(run(["run", job], ranks=2).code, 0)
        self.assertEqual(pathlib.Path(self.path("keep.h5")).read_bytes(), b"precious")

    def test_corrupt_image_is_named_and_not_scored(self):
        packed = "packed: %s/fashion_test1000.h5, count: 20" % DATASETS
        make_pngs(self.path("pngs"), 6)
        data = pathlib.Path(self.path("pngs/3.png")).read_bytes()
        self.write("pngs/3.png", data[:100])
        self.write("labels.txt", "".join("%d.png %d\n" % (i, i) for i in range(6)))
        job = self.write("job.yml", self.job().replace(packed, "folder: %s, labels: %s, crop: 28" % (self.path("pngs"), self.path("labels.txt"))))
        done = run(["run", job], ranks=2)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("3.png is corrupt", done.err)
        with h5py.File(self.output, "r") as f:
            self.assertEqual(int(f["isaac"].attrs["images_corrupt"]), 1)
            self.assertEqual(int(f["isaac"].attrs["images_scored"]), 5)
            self.assertEqual(list(f["isaac/images/correct"][...]).count(-1), 1)

    def test_one_rank_failing_alone(self):
        """An image that only the last rank owns vanishes as far as it is concerned: it is a dangling link."""
        packed = "packed: %s/fashion_test1000.h5, count: 20" % DATASETS
        make_pngs(self.path("pngs"), 6)
        os.remove(self.path("pngs/5.png"))
        os.symlink(self.path("pngs/gone.png"), self.path("pngs/5.png"))
        job = self.job().replace(packed, "folder: %s, crop: 28" % self.path("pngs"))
        self.fails(job, "5.png", ranks=3)

    def test_command_line(self):
        for arguments, fragment in ((["rum", "x"], "did you mean 'run'"), (["run"], "no job file"), (["run", "absent.yml"], "absent.yml"), (["report", "absent.h5"], "absent.h5"),
                                    (["run", "a", "--sett"], "--sett")):
            done = run(arguments)
            self.assertNotEqual(done.code, 0)
            self.assertIn(fragment, done.err)
        self.assertEqual(run(["--help"]).code, 0)
        self.assertIn("ohmtally", run(["--version"]).out)


def make_pngs(path, count):
    """Grey 28 x 28 PNGs from the embedded set, written with matplotlib-free code: zlib and struct."""
    import struct
    import zlib

    def piece(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    os.mkdir(path)
    with h5py.File(os.path.join(DATASETS, "fashion_test1000.h5"), "r") as f:
        for i in range(count):
            pixels = f["images"][i].reshape(28, 28)
            raw = b"".join(b"\x00" + row.tobytes() for row in numpy.ascontiguousarray(pixels))
            header = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
            with open(os.path.join(path, "%d.png" % i), "wb") as out:
                out.write(b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", header) + piece(b"IDAT", zlib.compress(raw)) + piece(b"IEND", b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
