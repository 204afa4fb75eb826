"""Runs that are cut off and go on: the same digests, data sets and attributes as an undisturbed run, nothing left behind, and who may go on."""
import os
import pathlib
import resource
import shutil
import signal
import unittest

from harness import digests, run
from resuming import CutOff, Running, contents, journal_bytes
from test_bad_input import make_pngs


class Resume(CutOff):
    def test_signals_stop_and_keep(self):
        for ranks, sent in ((1, signal.SIGUSR1), (2, signal.SIGUSR1), (1, signal.SIGTERM)):
            self.setUp()
            code, err = self.cut_off(ranks, sent)
            self.assertEqual(code, 85, err)
            self.assertIn("stopped by " + sent.name, err)
            self.assertIn("kept in " + self.journal, err)
        self.assertIn("batches are finished", self.go_on("--resume", ranks=3).err)

    def test_mpirun_terminated(self):
        """mpirun takes its time to pass the signal on: a job that is longer than that."""
        longer = ["--set", "images.count=1000", "--set", "run.evaluate=all"]
        self.cut_off(2, signal.SIGTERM, longer)
        done = run(["run", self.job, "--resume"] + longer, ranks=2)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("going on from", done.err)
        resumed = digests(self.output)
        self.setUp()
        self.assertEqual(run(["run", self.job] + longer, ranks=2).code, 0)
        self.assertEqual(digests(self.output), resumed)

    def test_a_signal_to_one_rank_stops_all(self):
        running = Running(["run", self.job], 3)
        running.wait_for_batches(self.journal)
        os.kill(max(running.ranks()), signal.SIGUSR1)
        code, err = running.end()
        self.assertEqual(code, 85, err)
        self.go_on("--resume", ranks=1)

    def test_who_may_go_on(self):
        self.cut_off()
        listing = sorted(os.listdir(self.journal))
        done = run(["run", self.job])
        self.assertEqual(done.code, 2)
        self.assertIn("--resume", done.err)
        self.assertEqual(sorted(os.listdir(self.journal)), listing)
        self.assertIn("going on from", self.go_on(env={"SLURM_RESTART_COUNT": "1"}).err)
        self.cut_off()
        self.assertIn("going on from", self.go_on("--set", "run.resume=auto").err)
        self.cut_off()
        self.assertNotIn("going on from", self.go_on("--set", "run.resume=never").err)
        self.assertNotIn("going on from", self.go_on("--resume").err)  # nothing there: from the beginning

    def test_how_it_is_done_may_change(self):
        self.cut_off()
        self.go_on("--resume", "--set", "run.batch=5", ranks=5)

    def test_torn_and_damaged_ends(self):
        self.cut_off(2)
        journals = sorted(pathlib.Path(self.journal).glob("rank-*"))
        with open(journals[0], "r+b") as f:  # as if the last write had not come to its end
            f.truncate(os.path.getsize(journals[0]) - 7)
        with open(journals[1], "ab") as f:
            f.write(b"OHMJ" + bytes(100))
        for point in pathlib.Path(self.journal).glob("point-*"):
            point.write_bytes(point.read_bytes()[:-9])
        self.go_on("--resume")
        self.assertEqual(contents(self.output), contents(self.reference))

    def test_another_job_is_refused(self):
        network = self.path("network.onnx")
        shutil.copy(pathlib.Path(pathlib.Path(self.job).read_text().split("{file: ")[1].split(",")[0]), network)
        self.cut_off(arguments=["--set", "network.file=" + network])
        kept = {path.name: path.read_bytes() for path in pathlib.Path(self.journal).iterdir()}
        for change, *said in (("images.count=150", "images.count was 200 and is now 150"), ("designs.0.adc_bits=5", "designs.0.adc_bits was 4 and is now 5"),
                              ("quantize.weight_bits=7", "quantize.weight_bits was 8 and is now 7"), ("quantize.calibration.count=30", "quantize.calibration.count"),
                              ("designs.0.flip=off", "designs.0.flip = off was not there"), ("designs=[{design: isaac, name: isaac-4b, adc_bits: 4}]", "is not there any more")):
            done = run(["run", self.job, "--resume", "--set", "network.file=" + network, "--set", change])
            self.assertEqual(done.code, 2, done.err)
            for fragment in said:
                self.assertIn(fragment, done.err)
        content = pathlib.Path(network).read_bytes()
        pathlib.Path(network).write_bytes(content + b"\x72\x00")  # an empty metadata entry: the same network in another file
        done = run(["run", self.job, "--resume", "--set", "network.file=" + network])
        self.assertIn("network.file (contents) was", done.err)
        pathlib.Path(network).write_bytes(content)
        self.assertEqual({path.name: path.read_bytes() for path in pathlib.Path(self.journal).iterdir()}, kept)
        self.go_on("--resume")  # at the first place: the same contents

    def test_full_disk(self):
        running = Running(["run", self.job])
        running.wait_for_batches(self.journal)
        limit = journal_bytes(self.journal) + 5000
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (limit, limit))  # no file may grow beyond it
        code, err = running.end()
        self.assertEqual(code, 4, err)
        self.assertEqual(len([line for line in err.splitlines() if line.startswith("ohmtally: ")]), 1, err)
        self.assertFalse(os.path.exists(self.output))
        self.assertIn("going on from", self.go_on("--resume").err)

    def test_an_input_vanishes(self):
        make_pngs(self.path("pngs"), 60)
        images = ["--set", "images={folder: %s, crop: 28}" % self.path("pngs"), "--set", "run.batch=1"]
        done = run(["run", self.job, "--set", "run.output=" + self.path("pngs.h5")] + images)
        self.assertEqual(done.code, 0, done.err)
        running = Running(["run", self.job] + images, 2)
        running.wait_for_batches(self.journal, 3000)
        os.rename(self.path("pngs/9.png"), self.path("9.png"))
        code, err = running.end()
        self.assertEqual(code, 4, err)
        self.assertIn("9.png", err)
        os.rename(self.path("9.png"), self.path("pngs/9.png"))
        done = run(["run", self.job, "--resume"] + images, ranks=2)
        self.assertIn("going on from", done.err)
        self.assertEqual(digests(self.output), digests(self.path("pngs.h5")))

    def test_one_run_at_a_time(self):
        first = Running(["run", self.job])
        first.wait_for_batches(self.journal)
        first.process.send_signal(signal.SIGSTOP)
        second = run(["run", self.job, "--resume"])
        first.process.send_signal(signal.SIGCONT)
        self.assertEqual(second.code, 2)
        self.assertIn("another run is writing there", second.err)
        self.assertEqual(first.end()[0], 0)
        self.assertEqual(digests(self.output), self.digests)


if __name__ == "__main__":
    unittest.main(verbosity=2)
