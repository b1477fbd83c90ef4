"""Draws this folder's picture: error against trials on the bench, for each gap.

    pip install matplotlib
    python results/transfer/draw.py results/transfer

Lines: mean over seeds of the translation error, in-scene and held-out; bands: from the best to the worst seed. Checkpoints are evenly spaced.
"""

import csv
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

GAPS = [("small", "small"), ("medium", "."), ("large", "large")]
TRIALS = [0, 10, 20, 40, 60, 100, 200]
LINES = {
    "no-correction": ("#777777", "--"),
    "rm-rl": ("#cc79a7", "--"),
    "rm-rl-simulated": ("#cc79a7", "-"),
    "rm-rl-replayed": ("#56b4e9", "-"),
    "bayes-registered": ("#d55e00", "--"),
    "bayes-simulated": ("#d55e00", "-"),
    "bayes-randomised": ("#009e73", "-"),
}
# Equal bytes from equal data.
plt.rcParams.update({"svg.hashsalt": "rmrl", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def read(folder):
    """{method: {trial: {seed: [mm, ...]}}}"""
    found = {}
    with open(folder / "curves.csv", newline="") as file:
        for row in csv.DictReader(file):
            of_trial = found.setdefault(row["method"], {}).setdefault(int(row["trial"]), {})
            of_trial.setdefault(row["seed"], []).append(float(row["translation_mm"]))
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    parts = [(name, folder / part) for name, part in GAPS if (folder / part / "curves.csv").exists()]
    figure, axes = plt.subplots(1, len(parts), figsize=(3.7 * len(parts), 3.4), sharey=True, layout="constrained", squeeze=False)
    for panel, (name, part) in zip(axes[0], parts):
        found = read(part)
        for method, (colour, style) in LINES.items():
            trials = [t for t in TRIALS if t in found.get(method, {})]
            seeds = [[statistics.mean(values) for values in found[method][t].values()] for t in trials]
            places = [TRIALS.index(t) for t in trials]
            panel.plot(places, [statistics.mean(s) for s in seeds], style, color=colour, label=method, linewidth=1.5, marker="o", markersize=3)
            panel.fill_between(places, [min(s) for s in seeds], [max(s) for s in seeds], color=colour, alpha=0.12, linewidth=0)
        panel.axhline(1.0, color="#bbbbbb", linewidth=0.8)
        panel.set_xticks(range(len(TRIALS)), [str(t) for t in TRIALS])
        panel.set_ylim(0, 4)
        panel.set_title(f"the {name} gap", fontsize=9)
        panel.set_xlabel("trials on the bench")
    axes[0][0].set_ylabel("translation error (mm)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(folder / "transfer.svg", metadata={"Date": None})
    figure.savefig(folder / "transfer.png", dpi=130, metadata={"Software": None})


main()
