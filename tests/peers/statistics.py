"""Our statistics beside rliable's, scipy's, lifelines' and statsmodels', on the figures of a report.

    pip install rliable==1.2.0 scipy statsmodels lifelines
    rmrl compare narrow --out runs/narrow
    python tests/peers/statistics.py runs/narrow --out results/peers/statistics.json

Reads `curves.csv` (every evaluation of every run) and computes what `summary.json` says. Ends with an error where
the two differ by more than rounding, or by more than two bootstraps of other draws may.
"""

import argparse
import csv
import itertools
import json
import math
import pathlib
import sys
import tomllib

import numpy as np
import scipy.stats
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from rliable import library, metrics
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

EXACT = 1e-9
# Two percentile bootstraps of 50,000 and of 20,000 rounds differ by a few per cent of their width.
BOOTSTRAP = 0.08
KEYS = ["translation_mm", "yaw_deg"]


class Checks:
    def __init__(self):
        self.done = {}

    def same(self, peer, what, ours, theirs, within=EXACT):
        if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)):
            off = 0.0 if ours == theirs else math.inf
        else:
            off = abs(ours - theirs)
        entry = self.done.setdefault(f"{peer}: {what}", {"compared": 0, "largest_difference": 0.0, "within": within})
        entry["compared"] += 1
        entry["largest_difference"] = max(entry["largest_difference"], off)
        entry["within"] = max(entry["within"], within)
        if off > within:
            entry.setdefault("failed", []).append([ours, theirs])

    def failed(self):
        return [name for name, entry in self.done.items() if "failed" in entry]


def read_curves(path):
    """method -> seed -> [(trial, {key: value})], in-scene."""
    runs = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["phase"] == "in-scene":
                values = {key: float(row[key]) for key in KEYS + ["success_rate"]}
                seeds = runs.setdefault(row["method"], {})
                seeds.setdefault(int(row["seed"]), []).append((int(row["trial"]), values))
    return runs


def last(runs, key):
    return np.array([curve[-1][1][key] for _, curve in sorted(runs.items())])


def cost(runs):
    return {seed: (curve[-1][1]["translation_mm"] + curve[-1][1]["yaw_deg"]) / 5 for seed, curve in runs.items()}


def means(check, summary, curves, settings):
    for name, told in summary["methods"].items():
        runs, own = curves[name], settings.get(name, {})
        first = 0 if own.get("prior_on_top") else own.get("prior_trials", 0)
        for key in KEYS:
            values, iqm = last(runs, key), told[key]["iqm"]
            check.same("scipy", "interquartile mean (trim_mean)", iqm, scipy.stats.trim_mean(values, 0.25))
            check.same("rliable", "interquartile mean", iqm, float(metrics.aggregate_iqm(values[:, None])))
            if len(values) > 1 and values.std() > 0:
                aggregate = lambda x: np.array([metrics.aggregate_iqm(x)])
                _, ends = library.get_interval_estimates({name: values[:, None]}, aggregate, reps=20_000)
                width = max(float(ends[name][1, 0] - ends[name][0, 0]), 1e-6)
                for ours, theirs in zip(told[key]["ci95"], ends[name][:, 0]):
                    check.same("rliable", "ends of its interval, of the width", ours / width, theirs / width, BOOTSTRAP)
            worst = np.sort(values)[::-1]
            stability = told["stability"][key]
            check.same("numpy", "worst seed", stability["worst_seed"], worst[0])
            check.same("numpy", "worst quarter", stability["cvar_25"], worst[: math.ceil(len(worst) / 4)].mean())
            drops = [max([0.0, *np.diff([v[key] for _, v in curve])]) for curve in runs.values()]
            check.same("numpy", "largest drop", stability["largest_drop"], float(np.mean(drops)))
            for area in told["area_under_curve"]:
                areas = [until(curve, key, area["until"], first) for _, curve in sorted(runs.items())]
                check.same("scipy", "area under the curve", area[key]["iqm"], scipy.stats.trim_mean(areas, 0.25))


def until(curve, key, trials, first):
    """Mean of a curve from 0 to so many trials; nothing is learned in the `first`, prior ones."""
    at, values = np.array([t for t, _ in curve], float), np.array([v[key] for _, v in curve])
    learned = np.flatnonzero(at >= first)
    if first > 0 and len(learned) and learned[0] > 0:
        # Level until then; the step itself has no width.
        place = learned[0]
        at, values = np.insert(at, place, at[place] - 1e-9), np.insert(values, place, values[place - 1])
    if len(at) == 1:
        return values[0]
    grid = np.unique(np.concatenate([[0.0, trials], at[(at > 0) & (at < trials)]]))
    return np.trapezoid(np.interp(grid, at, values), grid) / trials


def comparisons(check, summary, curves):
    for rival, over in summary["improvement_over"].items():
        for name, told in over.items():
            pair = [np.array(list(cost(curves[method]).values()))[:, None] for method in (name, rival)]
            # rliable asks who is higher; lower costs are better.
            theirs = float(metrics.probability_of_improvement(-pair[0], -pair[1]))
            check.same("rliable", "probability of improvement", told["probability"], theirs)
            u = scipy.stats.mannwhitneyu(pair[1][:, 0], pair[0][:, 0]).statistic
            check.same("scipy", "the same (Mann-Whitney)", told["probability"], u / (len(pair[0]) * len(pair[1])))


def differences(curves, name, rival):
    ours, theirs = cost(curves[name]), cost(curves[rival])
    return np.array([theirs[seed] - ours[seed] for seed in sorted(ours) if seed in theirs])


def sign_flip(values):
    test = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf if len(values) <= 16 else 200_000
    )
    return float(test.pvalue)


def contrasts(check, summary, curves, planned):
    """`planned`: how many the experiment names; those without a run of both methods still count."""
    named = summary["contrasts"]
    tested = [c for c in named if c["primary"]["p"] is not None]
    for contrast in (c for c in tested if c["primary"]["figure"] == "cost"):
        values, primary = differences(curves, contrast["method"], contrast["over"]), contrast["primary"]
        # Beyond 16 seeds scipy draws.
        within = EXACT if len(values) <= 16 else 0.005
        check.same("scipy", "randomisation test (permutation_test)", primary["p"], sign_flip(values), within)
        check.same("numpy", "mean difference", primary["better_by"]["value"], float(values.mean()), 1e-6)
        power = TTestPower().power(
            primary["detectable"] / values.std(ddof=1), len(values), 0.05 / planned, alternative="two-sided"
        )
        # Ours adds two quantiles of Student's t, the usual approximation of the noncentral one.
        check.same("statsmodels", "power at the detectable difference", 0.8, float(power), 0.05)
    if tested and len(tested) == len(named):
        p = [c["primary"]["p"] for c in tested] + [1.0] * (planned - len(named))
        _, adjusted, *_ = multipletests(p, method="holm")
        for contrast, theirs in zip(tested, adjusted):
            check.same("statsmodels", "Holm", contrast["primary"]["p_holm"], float(theirs))


def letters(check, summary, curves):
    """Who shares a letter is not told apart, and the other way round."""
    explored = {e["method"]: e["letters"] for e in summary["exploratory"]}
    pairs = list(itertools.combinations(explored, 2))
    if not pairs or len(next(iter(curves.values()))) > 16:
        return
    if not any(explored.values()):
        # No letters: so few seeds could tell no pair apart, however it came out.
        smallest = 2.0 ** (1 - len(next(iter(curves.values()))))
        check.same("Holm", "letters are left out only where none can differ", 1.0, float(smallest > 0.05 / len(pairs)))
        return
    p = [sign_flip(differences(curves, a, b)) for a, b in pairs]
    apart, *_ = multipletests(p, alpha=0.05, method="holm")
    for (a, b), differ in zip(pairs, apart):
        shares = bool(set(explored[a]) & set(explored[b]))
        check.same("scipy, statsmodels", "letters", float(not shares), float(differ))


def survival(check, summary, curves):
    for name, told in summary["methods"].items():
        horizon, reached = summary["trials"], []
        for curve in curves[name].values():
            precise = [t for t, v in curve if v["translation_mm"] < 1 and v["yaw_deg"] < 1 and t <= horizon]
            reached.append(max(precise[0], 0) if precise else None)
        times = [horizon if t is None else t for t in reached]
        fitter = KaplanMeierFitter().fit(times, [t is not None for t in reached])
        theirs = float(restricted_mean_survival_time(fitter, t=horizon))
        check.same("lifelines", "restricted mean trials", told["trials_to_1mm_1deg"]["restricted_mean"], theirs, 1e-6)


def floor(check, summary, noise_mm, noise_deg):
    told = summary.get("noise_floor")
    if told:
        check.same("scipy", "Rayleigh mean", told["translation_mm"], scipy.stats.rayleigh(scale=noise_mm).mean())
        check.same("scipy", "half-normal mean", told["yaw_deg"], scipy.stats.halfnorm(scale=noise_deg).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="of a report")
    parser.add_argument("--actuation", type=float, nargs=2, default=[0.2, 0.2], help="noise of the task, mm and deg")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    summary = json.loads((args.folder / "summary.json").read_text())
    curves = read_curves(args.folder / "curves.csv")
    experiment = tomllib.loads((args.folder / "experiment.toml").read_text())
    check = Checks()
    means(check, summary, curves, experiment.get("settings", {}))
    comparisons(check, summary, curves)
    contrasts(check, summary, curves, len(experiment.get("contrast", [])))
    letters(check, summary, curves)
    survival(check, summary, curves)
    floor(check, summary, *args.actuation)
    told = {"experiment": summary["experiment"], "seeds": summary["seeds"], "trials": summary["trials"], "checks": check.done}
    print(json.dumps(told, indent=2))
    if args.out:
        args.out.write_text(json.dumps(told, indent=2) + "\n")
    if check.failed():
        sys.exit(f"they differ: {', '.join(check.failed())}")


if __name__ == "__main__":
    main()
