"""Real networks on real ImageNet images, where ../shared/data is there: the crossbar run equals the integer network, accuracy agrees with the known figures.
A few images by default; OHM_FULL=1 takes all of them (the test labelled slow)."""
import os
import sys
import unittest

from harness import SHARED, SKIPPED, folder, h5py, numpy, point_names, run

DATA = os.path.join(SHARED, "data")
FULL = os.environ.get("OHM_FULL") == "1"
if not os.path.isdir(DATA):
    print("skipped: no real networks and images at ../shared/data")
    sys.exit(SKIPPED)

# file, preprocessing, top-1 and top-5 counts of 1300 and of 127 (data README, float32)
NETWORKS = {
    "resnet50": ("networks/resnet50_keras_w16.onnx", "channels: bgr, mean: [103.939, 116.779, 123.68], std: [1, 1, 1]", (81.08, 95.62), (66.93, 82.68)),
    "mobilenet_v2": ("networks/mobilenet_v2_google_hybrid.onnx", "channels: rgb, scale: 0.00784313725490196, mean: [1, 1, 1], std: [1, 1, 1]", (80.23, 94.46), (67.72, 81.10)),
    "squeezenet": ("networks/squeezenet_1.1.onnx", "channels: rgb, scale: 0.00392156862745098, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]", (69.85, 90.23), (51.18, 69.29)),
}
SETS = {"val1300": "folder: {0}/images/val1300_227, labels: {0}/images/val1300_227/labels.txt, crop: 224, crop_offset: floor",
        "val127": "folder: {0}/images/val127_orig, labels: {0}/images/val127_orig/labels.txt, resize: 256, crop: 224"}
JOB = """
network: {{file: {data}/{file}, {pre}}}
images: {{{images}, count: {count}}}
quantize: {{calibration: {{folder: {data}/images/train500_s256, crop: 224, resize: 256, count: {calibration}}}}}
same: {{array_rows: 128, array_columns: 128, technology: isaac-32nm}}
adc: {{bits: lossless, range: unit}}
designs:
  - {{design: isaac, name: isaac}}
run: {{batch: 8, output: {output}}}
"""


def evaluate(network, images, count, calibration, where):
    file, pre, _, _ = NETWORKS[network]
    job, output = os.path.join(where, "job.yml"), os.path.join(where, "out.h5")
    with open(job, "w") as f:
        f.write(JOB.format(data=DATA, file=file, pre=pre, images=SETS[images].format(DATA), count=count, calibration=calibration, output=output))
    done = run(["run", job], ranks=2, threads=1, timeout=5000)
    assert done.code == 0, done.err
    return h5py.File(output, "r")


def share(f, point, places):
    correct = f[point + "/images/correct"][...]
    return 100.0 * numpy.isin(correct, places).mean()


class Shared(unittest.TestCase):
    def check(self, network):
        with folder() as where:
            with evaluate(network, "val127", 0 if FULL else 4, 128 if FULL else 16, where) as f:
                numpy.testing.assert_array_equal(f["isaac/images/outputs_digest"][...], f["integer/images/outputs_digest"][...])
                self.assertEqual(f["isaac/layers/clipped"][...].sum(), 0)
                if FULL:
                    self.agree(f, NETWORKS[network][3])
            if not FULL:
                return
            with evaluate(network, "val1300", 0, 128, where) as f:
                numpy.testing.assert_array_equal(f["isaac/images/outputs_digest"][...], f["integer/images/outputs_digest"][...])
                self.agree(f, NETWORKS[network][2])
                if network == "resnet50":
                    self.assertGreaterEqual(share(f, "integer", [1]), share(f, "float", [1]) - 1.0)

    def agree(self, f, expected):
        self.assertAlmostEqual(share(f, "float", [1]), expected[0], delta=0.3)
        self.assertAlmostEqual(share(f, "float", [1, 2]), expected[1], delta=0.3)

    def test_resnet50(self):
        self.check("resnet50")

    def test_mobilenet_v2(self):
        self.check("mobilenet_v2")

    def test_squeezenet(self):
        self.check("squeezenet")


if __name__ == "__main__":
    unittest.main(verbosity=2)
