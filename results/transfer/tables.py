"""The tables of this folder's README, from what the comparisons left.

    python results/transfer/tables.py results/transfer

Errors are means over seeds of in-scene and held-out trials; "95 %": the first checkpoint from which on at least 95 % of all
evaluation trials of all seeds succeed. Rank correlation: Spearman's, of the methods' final translation error in
simulation and on the twin, with all seeds together.
"""

import csv
import pathlib
import statistics
import sys

GAPS = [("small", "small"), ("medium", "."), ("large", "large")]


def read(folder):
    """{method: {trial: [(mm, deg, success)]}}"""
    found = {}
    with open(folder / "curves.csv", newline="") as file:
        for row in csv.DictReader(file):
            values = tuple(float(row[key]) for key in ("translation_mm", "yaw_deg", "success_rate"))
            found.setdefault(row["method"], {}).setdefault(int(row["trial"]), []).append(values)
    return found


def mean(values, at):
    return statistics.mean(value[at] for value in values)


def settled(curve, holds):
    """The first trial from which on this holds at every checkpoint."""
    first = None
    for trial in sorted(curve):
        if not holds(curve[trial]):
            first = None
        elif first is None:
            first = trial
    return "–" if first is None else str(first)


def within(values):
    return mean(values, 0) <= 1.0 and mean(values, 1) <= 1.0


def table(name, methods):
    trials = sorted({trial for curve in methods.values() for trial in curve if trial >= 0})
    print(f"\n### {name}\n")
    heads = ["method"] + [str(trial) for trial in trials] + ["to 1 mm / 1°", "to 95 %"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for method, curve in methods.items():
        cells = [f"{mean(curve[t], 0):.2f} / {mean(curve[t], 1):.2f}" if t in curve else "" for t in trials]
        sure = settled(curve, lambda values: mean(values, 2) >= 0.95)
        print(f"| `{method}` | " + " | ".join(cells + [settled(curve, within), sure]) + " |")


def ranks(values):
    """Average ranks."""
    order = sorted(values)
    return [order.index(v) + (order.count(v) + 1) / 2 for v in values]


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    return statistics.correlation(a, b)


def correlation(simulated, twin):
    methods = [m for m in twin if m in simulated]
    print("\n### Ranks\n")
    print("| method | simulation, mm at 60 and 200 | twin, mm at 60 and 200 |\n|---|---|---|")
    for method in methods:
        cells = [" / ".join(f"{mean(of[method][t], 0):.2f}" for t in (60, 200)) for of in (simulated, twin)]
        print(f"| `{method}` | " + " | ".join(cells) + " |")
    for trial in (60, 200):
        pairs = [[mean(of[m][trial], 0) for m in methods] for of in (simulated, twin)]
        print(f"\nSpearman's rank correlation over {len(methods)} methods after {trial} trials: {spearman(*pairs):.2f}")


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, part in GAPS:
        if (folder / part / "curves.csv").exists():
            table(f"The {name} gap", read(folder / part))
    simulated, more = (folder / part for part in ("methods-simulated", "methods-twin"))
    if all((part / "curves.csv").exists() for part in (simulated, more)):
        correlation(read(simulated), {**read(folder), **read(more)})


main()
