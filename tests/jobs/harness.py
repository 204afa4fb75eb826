"""What the end-to-end tests share: run ohmtally under mpirun on small jobs and look at what comes out."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("OHM_SOURCE") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.environ.get("OHM_BINARY") or os.path.join(SOURCE, "build", "src", "app", "ohmtally")
SHARED = os.environ.get("OHM_SHARED") or os.path.join(SOURCE, "..", "shared")
SKIPPED = 77

try:
    import h5py
    import numpy
except ImportError:
    print("skipped: needs python3-h5py (Debian) under this Python")
    sys.exit(SKIPPED)

JOB = """
network: {{file: {datasets}/fashion.onnx, channels: grey, scale: {scale}, mean: [{mean}], std: [{std}]}}
images: {{packed: {datasets}/fashion_test1000.h5, count: {count}}}
quantize: {{calibration: {{packed: {datasets}/fashion_calibration200.h5, count: 40}}}}
same: {{array_rows: 128, array_columns: 128, technology: isaac-32nm, adc_law: saberi}}
adc: {{bits: lossless, range: unit}}
designs:
{designs}
run: {{batch: 16, output: {output}}}
"""


def demo_preprocessing():
    """scale, mean and std as jobs/demo.yml gives them: one place."""
    text = pathlib.Path(SOURCE, "jobs", "demo.yml").read_text()
    scale = text.split("scale: ")[1].split(",")[0]
    mean = text.split("mean: [")[1].split("]")[0]
    std = text.split("std: [")[1].split("]")[0]
    return dict(scale=scale, mean=mean, std=std)


def job_text(designs, output, count=60):
    lines = "\n".join("  - {%s}" % d for d in designs)
    return JOB.format(datasets=os.path.join(SOURCE, "datasets"), designs=lines, output=output, count=count, **demo_preprocessing())


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


def settings(threads=1, env=None):
    """The environment of a run: Open MPI starts everywhere, ranks that wait do not take a core."""
    found = dict(os.environ, OMP_NUM_THREADS=str(threads), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                 OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1",
                 OMPI_MCA_btl_vader_single_copy_mechanism="none", OMP_WAIT_POLICY="passive", OMPI_MCA_orte_abort_print_stack="0")
    found.update(env or {})
    return found


def run(arguments, ranks=1, threads=1, env=None, cwd=None, timeout=300):
    """ohmtally under mpirun; never longer than timeout, so that a hang is a failure and not a stall."""
    command = ["mpirun", "-n", str(ranks), BINARY] + arguments if ranks > 1 else [BINARY] + arguments
    done = subprocess.run(command, env=settings(threads, env), cwd=cwd, timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    return Outcome(done.returncode, done.stdout, done.stderr)


def wait_measured(process):
    """Exit code, and the largest resident set in MiB. The system's own figure at the end would count this process, from which it was started."""
    largest = 0
    while process.poll() is None:
        try:
            status = pathlib.Path("/proc", str(process.pid), "status").read_text()
        except OSError:
            continue
        if "VmHWM:" in status:
            largest = max(largest, int(status.split("VmHWM:")[1].split()[0]))
        time.sleep(0.005)
    return process.returncode, largest / 1024


def digests(path):
    """{point: digest} of a result."""
    with h5py.File(path, "r") as f:
        return {name: f[name].attrs["digest"] for name in point_names(f)}


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def point_names(f):
    return [text(n) for n in f["points"][...]]


def folder():
    return tempfile.TemporaryDirectory(prefix="ohmtally-test-")


class InFolder(unittest.TestCase):
    """Tests of one class share a folder of their own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = folder()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)
