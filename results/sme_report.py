#!/usr/bin/env python3
"""Fills the tables of sme.md from result files and draws its pictures.

    /usr/bin/python3 results/sme_report.py [--folder results] [--report results/sme.md]

Reads sme_<network>.h5, isaac16_<network>.h5, searched_<network>.h5, budget_<network>.h5 and sme_<network>_frontier.csv in the folder, which
jobs/imagenet/reproduce_sme.sh makes. Every table stands in the report between
`<!-- table NAME -->` and `<!-- end -->`; what is between them is replaced. Pictures go beside the report. Needs h5py and matplotlib (Debian:
python3-h5py python3-matplotlib, for /usr/bin/python3).
"""
import argparse
import csv
import os
import re
import sys

try:
    import h5py
except ImportError as missing:
    sys.exit("sme_report.py: %s; install python3-h5py python3-matplotlib and use /usr/bin/python3" % missing)

NETWORKS = {"resnet50": "ResNet-50", "mobilenet_v2": "MobileNet-v2"}
PUBLISHED = {"resnet50": 8.7, "mobilenet_v2": 2.1}  # crossbar reduction, abstracts of SME and SoBS-X
BASELINES = {"slc8": "8-bit, 1-bit cells", "isaac16": "16-bit, 2-bit cells (ISAAC)", "slc16": "16-bit, 1-bit cells", "slc32": "32-bit, 1-bit cells"}
LAWS = ("saberi", "survey", "walden", "forms")


class Point:
    """One evaluation point: its attributes and the sums of its layers; energies in uJ an image, times in ms, areas in mm2."""

    def __init__(self, group):
        self.attrs = dict(group.attrs)
        images = int(self.attrs["images_labelled"])
        self.top1, self.top5, self.images = int(self.attrs["top1"]), int(self.attrs["top5"]), images
        self.low, self.high = 100 * self.attrs["top1_low"], 100 * self.attrs["top1_high"]
        self.priced = bool(self.attrs["priced"])
        self.columns = {name: data[...] for name, data in group["layers"].items()} if "layers" in group else {}

    def sum(self, column, factor=1.0):
        return float(self.columns[column].sum()) * factor

    def accuracy(self):
        return 100.0 * self.top1 / self.images


def read(path):
    if not os.path.exists(path):
        sys.exit("sme_report.py: %s is not there; jobs/imagenet/reproduce_sme.sh makes it" % path)
    with h5py.File(path, "r") as file:
        return {name: Point(file[name]) for name in file["points"].asstr()[...]}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ratio(value, base):
    return "%.2f" % (value / base) if base else "-"


def crossbars(network, points):
    """One polarity: SME keeps two arrays for the signs, the baselines one; ratios of table B of the design notes halve SME's."""
    rows = []
    for name, point in points.items():
        if not point.priced or not (name.startswith("sme-") or name in ("isaac8", "slc8")):
            continue
        own = point.sum("crossbars")
        row = [name, "%d" % own, "%d" % point.sum("crossbars_full")] + [ratio(point.sum("baseline_" + key), own) for key in BASELINES]
        pairs = [ratio(2 * point.sum("baseline_" + key), own) if name.startswith("sme") else "-" for key in BASELINES]
        rows.append(row + pairs)
    base = next(point for point in points.values() if point.priced)
    counts = ", ".join("%s: %d" % (text, base.sum("baseline_" + key)) for key, text in BASELINES.items())
    head = ["point", "arrays", "none released"] + ["of " + key for key in BASELINES] + ["pairs: " + key for key in BASELINES]
    return "Arrays of the baselines, one polarity: %s.\n\n%s" % (counts, table(head, rows))


def accuracy(network, points, wide):
    rows = []
    for name, point in list(points.items()) + [(n, p) for n, p in wide.items() if n not in points]:
        reference = points["float"] if name in points else wide["float"]  # on the same images
        if name.startswith(("groups", "sobsx")) and name != "sobsx":
            continue  # the same weights and a lossless ADC: the same answers as sobsx
        rows.append([name, "%d" % point.images, "%.2f (%d)" % (point.accuracy(), point.top1), "%.1f-%.1f" % (point.low, point.high),
                     "%.2f (%d)" % (100.0 * point.top5 / point.images, point.top5), "%+.2f" % (point.accuracy() - reference.accuracy())])
    return table(["point", "images", "top-1 %", "95 % interval", "top-5 %", "top-1 against float"], rows)


def costs(network, points, wide):
    base = points["isaac8"]
    rows = []
    for name, point in list(wide.items()) + list(points.items()):
        if not point.priced:
            continue
        values = [(point.sum("energy_pj", 1e-6), base.sum("energy_pj", 1e-6), "%.0f"), (point.sum("energy_leakage_pj", 1e-6), 0, "%.0f"),
                  (point.attrs["latency_ns"] * 1e-6, base.attrs["latency_ns"] * 1e-6, "%.2f"),
                  (point.attrs["interval_ns"] * 1e-6, base.attrs["interval_ns"] * 1e-6, "%.2f"), (point.attrs["area_mm2"], base.attrs["area_mm2"], "%.1f")]
        row = [name, "%d" % point.attrs["adc_bits"]]
        for value, against, form in values:
            row.append(form % value + (" (%s)" % ratio(value, against) if against else ""))
        rows.append(row + [point.attrs["bottleneck"] if isinstance(point.attrs["bottleneck"], str) else point.attrs["bottleneck"].decode()])
    return table(["point", "ADC bits", "energy uJ", "leakage uJ", "latency ms", "interval ms", "area mm2", "slowest layer"], rows)


def components(network, points, wide):
    shown = {name: point for name, point in list(wide.items()) + list(points.items()) if name in
             ("isaac16", "isaac8", "sme-x0", "sme-x2", "sme-x4", "groups", "sobsx", "sobsx-leading", "sobsx-zero")}
    names = [c[7:-3] for c in shown["isaac8"].columns if c.startswith("energy_") and c != "energy_pj" and c[11:-3] not in LAWS]
    rows = [[name.replace("_", " ")] + ["%.1f" % point.sum("energy_%s_pj" % name, 1e-6) for point in shown.values()] for name in names]
    return table(["uJ an image"] + list(shown), rows)


def laws(network, points, wide):
    rows = []
    for name in ("isaac16", "isaac8", "slc8", "sme-x0", "sme-x2", "sme-x4", "sobsx", "sobsx-zero"):
        point = points.get(name) or wide.get(name)
        rest = point.sum("energy_pj", 1e-6) - point.sum("energy_adc_pj", 1e-6)
        base = points["isaac8"]
        base_rest = base.sum("energy_pj", 1e-6) - base.sum("energy_adc_pj", 1e-6)
        row = [name, "%d" % point.attrs["adc_bits"]]
        for law in LAWS:
            total = rest + point.sum("energy_adc_%s_pj" % law, 1e-6)
            row.append("%.0f (%s)" % (total, ratio(total, base_rest + base.sum("energy_adc_%s_pj" % law, 1e-6))))
        rows.append(row)
    return table(["point", "ADC bits"] + list(LAWS), rows)


def schedules(network, points):
    base = points["groups"]
    rows = []
    for name in ("groups", "groups-sort", "groups-pipe", "sobsx", "sobsx-leading", "sobsx-zero", "sobsx-planes", "sme-x2"):
        point = points[name]
        rows.append([name, "%.1f" % (point.sum("steps") / point.sum("positions")), "%.3g" % (point.sum("conversions") / point.attrs["images_scored"]),
                     "%.1f" % (point.attrs["latency_ns"] * 1e-6), ratio(base.attrs["latency_ns"], point.attrs["latency_ns"]),
                     "%.1f" % (point.attrs["interval_ns"] * 1e-6), ratio(base.attrs["interval_ns"], point.attrs["interval_ns"]),
                     "%.0f" % point.sum("energy_pj", 1e-6), ratio(base.sum("energy_pj"), point.sum("energy_pj")),
                     "%.1f" % (point.sum("index_bits") / 8192)])
    head = ["point", "reads a position (mean)", "conversions an image", "latency ms", "faster", "interval ms", "faster", "energy uJ", "less", "index KiB"]
    return table(head, rows)


def planes(network, points):
    rows = []
    shown = [name for name in points if name.startswith("sme-x") and "plane_held" in points[name].columns]
    depth = max((k for name in shown for k in range(16) if points[name].columns["plane_full"][:, k].any()), default=-1) + 1
    for name in shown:
        held, full = points[name].columns["plane_held"].sum(axis=0), points[name].columns["plane_full"].sum(axis=0)
        rows.append([name] + ["%d" % (full[k] - held[k]) for k in range(depth - 1, -1, -1)] + ["%d" % full[0]])
    return table(["released"] + ["bit %d" % k for k in range(depth - 1, -1, -1)] + ["of, each"], rows)


def budget(network, points):
    base = points["isaac8"]
    rows = []
    for name in ("isaac8", "slc8", "sme-x0", "sme-x1", "sme-x2", "sme-x3", "sme-x4", "groups", "sobsx", "sobsx-zero"):
        point = points[name]
        copies = point.columns["copies"]
        rows.append([name, "%d" % point.sum("crossbars"), "%d" % point.attrs["arrays"], "%d" % copies.max(),
                     "%.2f (%s)" % (point.attrs["latency_ns"] * 1e-6, ratio(base.attrs["latency_ns"], point.attrs["latency_ns"])),
                     "%.0f (%s)" % (point.attrs["images_per_s"], ratio(point.attrs["images_per_s"], base.attrs["images_per_s"]))])
    return table(["point", "arrays, one copy", "arrays, all copies", "most copies", "latency ms (x faster)", "images/s (x isaac8)"], rows)


def frontier(network, folder):
    path = os.path.join(folder, "sme_%s_frontier.csv" % network)
    if not os.path.exists(path):
        sys.exit("sme_report.py: %s is not there; jobs/imagenet/reproduce_sme.sh makes it" % path)
    with open(path) as file:
        found = list(csv.DictReader(line for line in file if not line.startswith("#")))
    rows = []
    for row in found:
        if row["crossbars"]:
            shares = ["%.1f" % (100 * float(row[key])) for key in ("top1", "top1_low", "top1_high")]
            rows.append([row["what"] + (" **chosen**" if row["chosen"] == "1" else ""), row["crossbars"], "%.3f" % float(row["crossbars_relative"]),
                         shares[0], "%s-%s" % tuple(shares[1:]), "%.1f" % float(row["loss_points"])])
    truth = {"float": "same class as the float network %", "label": "top-1 %"}[found[0]["truth"]]
    return table(["choice", "arrays", "of the first", truth, "95 % interval", "points lost"], rows)


def draw(network, points, wide, stem):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), constrained_layout=True)
    series = {"ISAAC and single-level cells": [n for n in ("isaac8", "slc8") if n in points], "SME, x = 0..4": ["sme-x%d" % x for x in range(5)],
              "SME, searched layer by layer": ["sme-searched"]}
    for k, (label, names) in enumerate(series.items()):
        shown = [points[name] for name in names]
        error = [[p.accuracy() - p.low for p in shown], [p.high - p.accuracy() for p in shown]]
        left.errorbar([p.sum("crossbars") for p in shown], [p.accuracy() for p in shown], yerr=error, fmt=("o", "s-", "D")[k], capsize=3,
                      label=label)
    left.axhline(points["float"].accuracy(), color="0.5", linestyle="--", linewidth=1, label="float network")
    left.set_xlabel("crossbars (both signs)")
    left.set_ylabel("top-1 %, 95 % interval")
    left.legend(frameon=False)
    shown = [n for n in ("isaac16", "isaac8", "sme-x0", "sme-x2", "sme-x4", "groups", "sobsx", "sobsx-zero") if n in points or n in wide]
    every = dict(wide, **points)
    bottom = [0.0] * len(shown)
    for part in ("adc", "dac", "array", "shift_add", "input_register", "output_register", "buffer", "bus"):
        values = [every[name].sum("energy_%s_pj" % part, 1e-6) for name in shown]
        right.bar(shown, values, bottom=bottom, label=part.replace("_", " "))
        bottom = [a + b for a, b in zip(bottom, values)]
    right.set_ylabel("uJ an image, without leakage")
    right.tick_params(axis="x", rotation=35)
    right.legend(frameon=False, fontsize=8)
    figure.suptitle(NETWORKS[network])
    for kind in ("svg", "png"):
        figure.savefig("%s.%s" % (stem, kind), dpi=110, metadata={"Date": None} if kind == "svg" else None)
    plt.close(figure)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = os.path.dirname(os.path.abspath(__file__))
    arguments.add_argument("--folder", default=here)
    arguments.add_argument("--report", default=os.path.join(here, "sme.md"))
    given = arguments.parse_args()
    with open(given.report) as file:
        text = file.read()
    for network in NETWORKS:
        points, wide = (read(os.path.join(given.folder, "%s_%s.h5" % (kind, network))) for kind in ("sme", "isaac16"))
        searched, budgeted = (read(os.path.join(given.folder, "%s_%s.h5" % (kind, network))) for kind in ("searched", "budget"))
        points["sme-searched"] = searched["sme-searched"]
        made = {"crossbars": crossbars(network, points), "accuracy": accuracy(network, points, wide), "costs": costs(network, points, wide),
                "components": components(network, points, wide), "laws": laws(network, points, wide), "schedules": schedules(network, points),
                "planes": planes(network, points), "budget": budget(network, budgeted), "frontier": frontier(network, given.folder)}
        for name, content in made.items():
            marked = r"(<!-- table %s_%s -->\n).*?(<!-- end -->)" % (name, network)
            text, count = re.subn(marked, lambda match: match.group(1) + "\n" + content + "\n\n" + match.group(2), text, flags=re.S)
            if count != 1:
                sys.exit("sme_report.py: %s: no place for table %s_%s" % (given.report, name, network))
        draw(network, points, wide, os.path.join(os.path.dirname(given.report), "sme_%s" % network))
    with open(given.report, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
