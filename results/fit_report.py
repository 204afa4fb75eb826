#!/usr/bin/env python3
"""Accuracy of fitted and unfitted points of result files, as Markdown tables: Wilson intervals and paired tests against the float network.

    /usr/bin/python3 results/fit_report.py results/fit_mobilenet_v2_run.h5 ...

Needs h5py (Debian: python3-h5py, for /usr/bin/python3).
"""
import math
import sys

try:
    import h5py
except ImportError as missing:
    sys.exit("fit_report.py: %s; install python3-h5py and use /usr/bin/python3" % missing)


def exact_test(lost, won):
    """Two-sided exact McNemar test: as many or more changes to one side if both were as likely."""
    n, k = lost + won, min(lost, won)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2 ** n) if n else 1.0


def difference(lost, won, n):
    """Difference of top-1 in points with its 95 % interval (paired, normal approximation)."""
    off = won - lost
    half = 1.96 * math.sqrt(max(lost + won - off * off / n, 1e-9))
    return 100 * off / n, 100 * (off - half) / n, 100 * (off + half) / n


def main(paths):
    for path in paths:
        with h5py.File(path, "r") as f:
            truth = f["float/images/correct"][...] == 1
            best = f["float/images/best"][:, 0]
            print("%s, %d images\n" % (path, len(truth)))
            print("| point | top-1 % | 95 % interval | against float: points [95 % interval] | lost / won | p | agrees with float % | held off fitted | arrays |")
            print("|---|---|---|---|---|---|---|---|---|")
            for name in f["points"].asstr()[...]:
                point = f[name]
                right = point["images/correct"][...] == 1
                lost, won = int((truth & ~right).sum()), int((right & ~truth).sum())
                layers = point["layers"] if "layers" in point else {}
                cells = [name, "%.2f" % (100 * right.mean()), "%.1f to %.1f" % (100 * point.attrs["top1_low"], 100 * point.attrs["top1_high"]),
                         "%+.2f [%+.2f, %+.2f]" % difference(lost, won, len(truth)), "%d / %d" % (lost, won), "%.2g" % exact_test(lost, won),
                         "%.2f" % (100 * (point["images/best"][:, 0] == best).mean()),
                         "%.2g" % layers["held_error"][...].max() if "weights=" in str(point.attrs["options"]) else "-",
                         "%d" % layers["crossbars"][...].sum() if point.attrs["priced"] else "-"]
                print("| " + " | ".join(cells) + " |")
            print()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
