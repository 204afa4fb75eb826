"""As many images as ImageNet has for validation, packed in one file: read, evaluated and journalled in the memory that 1,000 take and a few bytes for
each result; stopped on the way and gone on with."""
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import BINARY, SOURCE, InFolder, h5py, job_text, numpy, settings, wait_measured
from resuming import journal_bytes

COPIES, IMAGES = 50, 1000
DESIGNS = ["design: isaac, name: isaac-5b, adc_bits: 5"]
MOST = 30  # MiB more than 1,000 images take: 470 bytes an image; the pixels are 37, as the network's input 150


def copy_many_times(source, target):
    """The embedded images again and again, so that what each of them gives is known."""
    with h5py.File(source, "r") as f, h5py.File(target, "w") as out:
        for name, data in f.items():
            values = data[...]
            shape = (COPIES * len(values),) + values.shape[1:]
            kept = out.create_dataset(name, shape, data.dtype, **(dict(chunks=(1,) + values.shape[1:], compression=1) if values.ndim > 1 else {}))
            for k in range(COPIES):
                kept[k * len(values):(k + 1) * len(values)] = values
            for key, value in data.attrs.items():
                kept.attrs[key] = value
        for key, value in f.attrs.items():
            out.attrs[key] = value


class Many(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copy(os.path.join(SOURCE, "datasets", "fashion_test1000.h5"), cls.path("few-images.h5"))
        copy_many_times(cls.path("few-images.h5"), cls.path("many-images.h5"))

    def start(self, name, count):
        job = self.path(name + ".yml")
        text = job_text(DESIGNS, self.path(name + ".h5"), count=count)
        pathlib.Path(job).write_text(text.replace(os.path.join(SOURCE, "datasets", "fashion_test1000.h5"), self.path(name + "-images.h5")))
        return subprocess.Popen([BINARY, "run", job, "--set", "run.resume=auto"], env=settings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_late(self, running):
        while running.poll() is None and journal_bytes(self.path("many.h5.journal")) < 10 << 20:  # of 14; the last point is under way
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)

    def test_memory(self):
        code, few = wait_measured(self.start("few", IMAGES))
        self.assertEqual(code, 0)
        running = self.start("many", COPIES * IMAGES)
        threading.Thread(target=self.stop_late, args=(running,)).start()
        code, stopped = wait_measured(running)
        self.assertEqual(code, 85)
        code, through = wait_measured(self.start("many", COPIES * IMAGES))
        self.assertEqual(code, 0)
        print("largest resident set: %.1f MiB with %d images; %.1f and, gone on with, %.1f with %d" % (few, IMAGES, stopped, through, COPIES * IMAGES))
        self.assertLess(stopped - few, MOST)
        self.assertLess(through - few, MOST)
        self.check_results()

    def check_results(self):
        with h5py.File(self.path("few.h5"), "r") as few, h5py.File(self.path("many.h5"), "r") as many:
            for point in ("float", "integer", "isaac-5b"):
                for column in few[point + "/images"]:
                    once = few[point]["images"][column][...]
                    if column == "index":
                        numpy.testing.assert_array_equal(many[point]["images"][column][...], numpy.arange(COPIES * IMAGES))
                    else:
                        numpy.testing.assert_array_equal(many[point]["images"][column][...], numpy.concatenate([once] * COPIES), err_msg=point + " " + column)
            for column in ("conversions", "clipped", "row_drives"):
                numpy.testing.assert_array_equal(many["isaac-5b/layers"][column][...], COPIES * few["isaac-5b/layers"][column][...], err_msg=column)
            self.assertGreater(few["isaac-5b/layers/clipped"][...].sum(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
