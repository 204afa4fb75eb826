#!/usr/bin/env python3
"""Reads a result file of ohmtally: prints a table of its points and draws accuracy against crossbars.

    python3 read_result.py FILE [--out plot.svg]

Needs h5py, pandas and matplotlib (Debian: python3-h5py python3-pandas python3-matplotlib, for /usr/bin/python3). The layout of the file is
described in README.md beside this script; every data set carries its `unit` and a sentence `about` it.
"""
import argparse
import sys

try:
    import h5py
    import pandas
except ImportError as missing:
    sys.exit("read_result.py: %s; install python3-h5py python3-pandas python3-matplotlib and use /usr/bin/python3" % missing)


def read_columns(group):
    """A group of equally long data sets (images, layers) as a table; wide ones (the five best classes) become name0, name1, ..."""
    columns = {}
    for name, data in group.items():
        values = data.asstr()[...] if h5py.check_string_dtype(data.dtype) else data[...]
        if values.ndim == 1:
            columns[name] = values
        else:
            columns.update({"%s%d" % (name, k): values[:, k] for k in range(values.shape[1])})
    return pandas.DataFrame(columns)


def read_points(path):
    """One row per evaluation point, in the file's order. Costs are of one image; NaN where the point is not priced (float, integer)."""
    rows = []
    with h5py.File(path, "r") as file:
        if file.attrs.get("format") != "ohmtally result":
            sys.exit("read_result.py: %s: not a result file of ohmtally" % path)
        truth = read_columns(file["float/images"])["best0"] if "float" in file else None
        for name in file["points"].asstr()[...]:
            point = file[name]
            images, has = read_columns(point["images"]), point.attrs
            labelled = int(has["images_labelled"])
            row = {"point": name, "design": has["design"], "ADC bits": int(has["adc_bits"])}
            if labelled:
                row.update({"top-1 %": 100 * has["top1"] / labelled, "low %": 100 * has["top1_low"], "high %": 100 * has["top1_high"],
                            "top-5 %": 100 * has["top5"] / labelled})
            if truth is not None and len(truth) == len(images):
                scored = images["best0"] >= 0  # corrupt images have no best class
                row["as float %"] = 100 * (images["best0"] == truth)[scored].mean()
            if has["priced"]:
                layers = read_columns(point["layers"])
                conversions = layers["conversions"].sum()
                row.update({"crossbars": layers["crossbars"].sum(), "area mm2": has["area_mm2"], "energy uJ": layers["energy_pj"].sum() * 1e-6,
                            "leakage uJ": layers["energy_leakage_pj"].sum() * 1e-6, "latency us": has["latency_ns"] * 1e-3,
                            "images/s": has["images_per_s"], "clipped %": 100 * layers["clipped"].sum() / conversions if conversions else float("nan")})
            rows.append(row)
    return pandas.DataFrame(rows).set_index("point")


def draw(points, title, out):
    """Top-1 accuracy with its 95 % interval against crossbars, one colour per design; the float network as a dashed line."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    priced = points.dropna(subset=["crossbars", "top-1 %"]) if {"crossbars", "top-1 %"} <= set(points.columns) else points[:0]
    if priced.empty:
        sys.exit("read_result.py: no priced point with labelled images: nothing to draw")
    figure, axes = plt.subplots(figsize=(9, 5.5), constrained_layout=True)
    for k, (design, rows) in enumerate(priced.groupby("design", sort=False)):
        below, above = rows["top-1 %"] - rows["low %"], rows["high %"] - rows["top-1 %"]
        axes.errorbar(rows["crossbars"], rows["top-1 %"], yerr=[below, above], fmt="os^Dv"[k % 5], color="C%d" % k, capsize=3, elinewidth=1, label=design)
    for name, style in (("float", "--"), ("integer", ":")):
        if name in points.index and not pandas.isna(points.loc[name].get("top-1 %")):
            axes.axhline(points.loc[name, "top-1 %"], linestyle=style, color="0.4", linewidth=1, label="%s network" % name)
    axes.set_xlabel("crossbars")
    axes.set_ylabel("top-1 accuracy (%), bars: 95 % interval")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.margins(x=0.1, y=0.12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.11), ncol=6, frameon=False)
    place_names(figure, axes, priced)
    figure.savefig(out, dpi=150)
    plt.close(figure)


def place_names(figure, axes, priced):
    """Writes the points' names below their bars; points that lie on one another share one list, the best first."""
    figure.canvas.draw()
    line, wide, scale = 10, 5, 72 / figure.dpi  # of a line of text and a letter, in points; points per pixel
    lists = []  # [x, lower end of the bars, names, first point, its y]; places in points
    for name, row in priced.sort_values("top-1 %", ascending=False).iterrows():
        x, y = axes.transData.transform((row["crossbars"], row["top-1 %"])) * scale
        low = axes.transData.transform((row["crossbars"], row["low %"]))[1] * scale
        for here in lists:
            if abs(x - here[0]) < 12 and y > here[1] - line * (len(here[2]) + 1):  # its mark would stand in this list
                here[1] = min(here[1], low)
                here[2].append(name)
                break
        else:
            lists.append([x, low, [name], (row["crossbars"], row["top-1 %"]), y])
    taken = []  # boxes of the lists already written
    for x, low, names, point, y in lists:
        half, top = wide * max(map(len, names)) / 2, low - 4
        for left, right, bottom, upper in sorted(taken, key=lambda box: -box[3]):
            if x - half < right and x + half > left and top > bottom and top - line * len(names) < upper:
                top = bottom
        taken.append((x - half, x + half, top - line * len(names), top))
        axes.annotate("\n".join(names), point, xytext=(0, top - y), textcoords="offset points", fontsize=8, ha="center", va="top", linespacing=1.1)


def main():
    parser = argparse.ArgumentParser(description="Prints the points of an ohmtally result and draws accuracy against crossbars.")
    parser.add_argument("file", metavar="FILE", help="result file (HDF5)")
    parser.add_argument("--out", metavar="PLOT", help="draw into this file (.svg, .png or .pdf)")
    arguments = parser.parse_args()
    try:
        points = read_points(arguments.file)
    except (OSError, KeyError) as error:
        sys.exit("read_result.py: %s: cannot be read as a result: %s" % (arguments.file, error))
    if arguments.out:
        with h5py.File(arguments.file, "r") as file:
            network = [s.split(" = ", 1)[1] for s in file["run/used"].asstr()[...] if s.startswith("network.file = ")]
            images = int(file["run"].attrs["images"])
        draw(points, "%s, %d images" % (network[0].rsplit("/", 1)[-1] if network else arguments.file, images), arguments.out)
    print(points.to_string(float_format=lambda value: "%.3f" % value, na_rep="-"))


if __name__ == "__main__":
    main()
