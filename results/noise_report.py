#!/usr/bin/env python3
"""Fills the tables of noise.md from result files and draws its pictures.

    /usr/bin/python3 results/noise_report.py [--folder results] [--report results/noise.md]

Reads noise_levels_, noise_calibrated_, noise_stuck_ and noise_variation_<network>.h5 in the folder, where they are. Every table stands in the report between `<!-- table NAME -->` and
`<!-- end -->`; what is between them is replaced. Needs h5py and matplotlib (Debian: python3-h5py python3-matplotlib, for /usr/bin/python3).
"""
import argparse
import math
import os
import re
import sys

try:
    import h5py
except ImportError as missing:
    sys.exit("noise_report.py: %s; install python3-h5py python3-matplotlib and use /usr/bin/python3" % missing)

NETWORKS = {"mobilenet_v2": "MobileNet-v2", "resnet50": "ResNet-50"}
DESIGNS = {"isaac": "ISAAC, 2-bit cells", "sme": "SME x2, fitted"}
SWEEPS = {  # key in the points' names: file, heading, unit, logarithmic
    "adc": ("levels", "ADC resolution", "bits", False),
    "cal": ("calibrated", "ADC resolution, calibrated range", "bits", False),
    "stuck": ("stuck", "share of cells stuck on, and as many off", "", True),
    "var": ("variation", "programming variation", "%", False),
}


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def mcnemar(lost, gained):
    """Exact, two-sided."""
    n, fewer = lost + gained, min(lost, gained)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n) if n else 1.0


class Sweep:
    """Points of one design along one setting: (value, top-1, low, high, agreement with the integer network, lost, gained)."""

    def __init__(self, path, design, key):
        self.points, self.images = [], 0
        if not os.path.exists(path):
            return
        with h5py.File(path, "r") as f:
            truth, right = f["integer/images/best"][:, 0], f["integer/images/correct"][...] == 1
            for name in f:
                match = re.fullmatch(design + "-" + key + r"([0-9.]+)", name)
                if not match:
                    continue
                group = f[name]
                labelled = int(group.attrs["images_labelled"])
                hit = group["images/correct"][...] == 1
                self.images = labelled
                self.integer = 100.0 * right.sum() / labelled
                self.points.append((float(match.group(1)), 100.0 * group.attrs["top1"] / labelled, 100 * group.attrs["top1_low"], 100 * group.attrs["top1_high"],
                                    100.0 * (group["images/best"][:, 0] == truth).mean(), int((right & ~hit).sum()), int((~right & hit).sum())))
        self.points.sort()


def table(folder, network, key):
    lines, run = [], None
    for design, title in DESIGNS.items():
        sweep = Sweep(os.path.join(folder, "noise_%s_%s.h5" % (SWEEPS[key][0], network)), design, key)
        run = sweep if sweep.points else run
        for value, top1, low, high, agree, lost, gained in sweep.points:
            lines.append("| %s | %g | %.1f [%.1f, %.1f] | %.1f | %d / %d | %.2g |" % (title, value, top1, low, high, agree, lost, gained, mcnemar(lost, gained)))
    if not lines:
        return ["(not run)"]
    head = "%s, %d images, integer network %.1f %%" % (NETWORKS[network], run.images, run.integer)
    return [head, "", "| design | %s %s | top-1 %% [95 %%] | agrees with integer %% | images lost / gained | McNemar |" % SWEEPS[key][1:3], "|---|---|---|---|---|---|"] + lines


def draw(folder, network, key, path):
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "ohmtally"  # the same bytes every time
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 4))
    run = None
    for design, title in DESIGNS.items():
        sweep = Sweep(os.path.join(folder, "noise_%s_%s.h5" % (SWEEPS[key][0], network)), design, key)
        if not sweep.points:
            continue
        run = sweep
        value, top1, low, high = ([p[k] for p in sweep.points] for k in range(4))
        axes.errorbar(value, top1, yerr=[[max(0, t - l) for t, l in zip(top1, low)], [max(0, h - t) for t, h in zip(top1, high)]], marker="o", capsize=3, label=title)
    if not run:
        pyplot.close(figure)
        return False
    axes.axhline(run.integer, color="grey", linestyle="--", label="integer network")
    if SWEEPS[key][3]:
        axes.set_xscale("log")
    axes.set(xlabel=("%s, %s" % SWEEPS[key][1:3]).rstrip(", "), ylabel="top-1, % (95 % intervals)", title="%s, %d images" % (NETWORKS[network], run.images), ylim=(0, 100))
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="results")
    parser.add_argument("--report", default="results/noise.md")
    arguments = parser.parse_args()
    with open(arguments.report) as f:
        report = f.read()
    for network in NETWORKS:
        for key in SWEEPS:
            name = "%s %s" % (network, key)
            body = "\n".join(table(arguments.folder, network, key))
            report = re.sub(r"(<!-- table %s -->\n).*?(<!-- end -->)" % name, lambda m: m.group(1) + body + "\n" + m.group(2), report, flags=re.S)
            picture = os.path.join(os.path.dirname(arguments.report), "noise_%s_%s.svg" % (network, key))
            if draw(arguments.folder, network, key, picture):
                print(picture)
    with open(arguments.report, "w") as f:
        f.write(report)


if __name__ == "__main__":
    main()
