"""Draws a study whose levels are folders: error and success against the level, method by method.

    pip install matplotlib
    python results/levels.py results/study-visits visits "visits a scene instance" 20=results/study-narrow
    python results/levels.py results/study-noise noise "noise, times the usual" 1=results/study-narrow

The folder holds PREFIX-LEVEL/curves.csv; LEVEL=FOLDER adds one from elsewhere. Points: mean over seeds in-scene;
bars: 95 % by Student's t over seeds. Of a folder with more seeds only the first SEEDS (default 10) count.
"""

import csv
import math
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

SEEDS = 10
COLOURS = {"ppo": "#009e73", "critic-targets": "#0072b2", "bayes-linear": "#e69f00", "bayes-registered": "#d55e00",
           "rm-rl": "#cc79a7", "rm-rl-elite": "#56b4e9", "rm-rl-fit": "#654321", "rm-rl-registered": "#542788"}
# Student's t at 97.5 % by degrees of freedom.
T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}
# Equal bytes from equal data.
plt.rcParams.update({"svg.hashsalt": "rmrl", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def values(folder, method, trial, column):
    """One a seed, in the seeds' order."""
    with open(folder / "curves.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["method"] == method and r["phase"] == "in-scene"]
    rows = [r for r in rows if int(r["trial"]) == trial and int(r["seed"]) <= SEEDS]
    return [float(r[column]) for r in rows]


def draw(axes, levels, trial, column, scale):
    places = range(len(levels))
    for shift, (method, colour) in enumerate(COLOURS.items()):
        points = []
        for place, (_, folder) in zip(places, levels):
            found = [scale * v for v in values(folder, method, trial, column)]
            if found:
                mean, n = sum(found) / len(found), len(found)
                spread = math.sqrt(sum((v - mean) ** 2 for v in found) / max(n - 1, 1))
                points.append((place + 0.05 * (shift - 3.5), mean, T.get(n - 1, 2.1) * spread / math.sqrt(n)))
        x, mean, half = zip(*points)
        axes.errorbar(x, mean, half, color=colour, marker="o", markersize=3, linewidth=1.2, elinewidth=0.7, label=method)
    axes.set_xticks(list(places), [f"{level:g}" for level, _ in levels])
    axes.set_ylim(bottom=0)


def main():
    folder, prefix, label, *more = sys.argv[1:]
    folder = pathlib.Path(folder)
    levels = [(float(d.name.removeprefix(prefix + "-")), d) for d in folder.glob(f"{prefix}-*")]
    levels += [(float(one.split("=")[0]), pathlib.Path(one.split("=")[1])) for one in more]
    levels.sort()
    figure, all_axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for axes, (title, *what) in zip(all_axes, [
        ("translation error (mm), 1,000 trials", 1000, "translation_mm", 1),
        ("success (%), 100 trials", 100, "success_rate", 100),
        ("success (%), 1,000 trials", 1000, "success_rate", 100),
    ]):
        draw(axes, levels, *what)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(label)
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    figure.suptitle(f"{folder.name}: in-scene, mean over seeds, 95 % by Student's t", fontsize=9)
    for kind in ("svg", "png"):
        figure.savefig(folder / f"levels.{kind}", dpi=150, metadata={"Date": None} if kind == "svg" else None)


if __name__ == "__main__":
    main()
