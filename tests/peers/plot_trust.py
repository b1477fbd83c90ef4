"""Draws results/trust/trust.svg and .png from step_size.csv and mujoco.csv there: placement error
against step size, and rmrl against MuJoCo.  pip install matplotlib"""

import csv
import pathlib
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

FOLDER = pathlib.Path(__file__).parents[2] / "results" / "trust"
COLOURS = {"open": "#0072b2", "shelf": "#d55e00", "shelf-tight": "#009e73", "hotel": "#cc79a7"}
# Equal bytes from equal data.
plt.rcParams.update({"svg.hashsalt": "rmrl", "font.size": 9, "axes.spines.top": False,
                     "axes.spines.right": False})


def rows(name):
    with open(FOLDER / name, newline="") as file:
        return list(csv.DictReader(file))


def step_size(axes):
    curves = {}
    for row in rows("step_size.csv"):
        skips = "skipping" in row["settings"] and "against" not in row["settings"]
        if skips and int(row["placed"]) >= 10:
            dt = float(re.match(r"[\d.]+", row["settings"]).group())
            curves.setdefault((row["scene"], row["draws"]), []).append((dt, float(row["mm_p90"])))
    for (scene, draws), points in curves.items():
        style = "-o" if draws == "uniform" else "--s"
        axes.loglog(*zip(*points), style, color=COLOURS[scene], markersize=4, linewidth=1.2,
                    label=f"{scene}, {draws}")
    axes.axhline(0.1, color="0.6", linewidth=0.8)
    axes.text(8, 0.096, "tolerance", color="0.4", ha="right", va="top", fontsize=8)
    axes.axvline(2, color="0.85", linewidth=6, zorder=0)
    ticks = [0.5, 1, 2, 4, 8]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_ylim(0.04, 4)
    axes.set(xlabel="step, ms (shaded: the default)",
             ylabel="90th percentile of the difference, mm",
             title="Against 0.25 ms with every move stepped")
    axes.legend(frameon=False, fontsize=7)


def engines(axes):
    points = {}
    for row in rows("mujoco.csv"):
        if row["rmrl_y_mm"] and row["mujoco_y_mm"] and row["rmrl"] in ("seated", "guided") \
                and row["mujoco"] in ("seated", "guided"):
            pair = (float(row["mujoco_y_mm"]), float(row["rmrl_y_mm"]))
            points.setdefault(row["scene"], []).append(pair)
    axes.plot([-6, 6], [-6, 6], color="0.7", linewidth=0.8, zorder=0)
    for scene, pairs in points.items():
        axes.plot(*zip(*pairs), "o", color=COLOURS[scene], markersize=2.5, alpha=0.7, linewidth=0,
                  label=f"{scene} ({len(pairs)})")
    axes.set(xlabel="y in MuJoCo, mm", ylabel="y in rmrl, mm", aspect="equal",
             title="Where the plate lies, seated in both")
    axes.legend(frameon=False, fontsize=7)


figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
step_size(left)
engines(right)
figure.savefig(FOLDER / "trust.svg", metadata={"Date": None})
figure.savefig(FOLDER / "trust.png", dpi=150)
