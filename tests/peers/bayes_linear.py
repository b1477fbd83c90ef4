"""Runs `bayes-linear` beside the reference that it was ported from, on the same seeds of the same task.

usage: bayes_linear.py --rmrl BINARY --reference FILE [--seeds N]      (the reference needs numpy and scipy)

The reference chooses with its own random numbers, so the two agree in their figures, not in their bits.
Prints the mean over seeds, in-scene mm / deg and success; fails if the port's mm + deg is more than 15 % above it.
"""
import argparse, csv, re, subprocess, sys, tempfile
from pathlib import Path

SHOWN = (40, 60, 100, 200, 300)


def port(rmrl, seeds):
    """By trials: mean mm, deg and success of the evaluations."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([rmrl, "compare", "narrow", "--methods", "bayes-linear", "--trials", "300", "--seeds", str(seeds),
                        "--set", "evaluation.every=20", "--set", "demonstration=[]", "--out", f"{folder}/run"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = list(csv.reader(Path(folder, "run", "curves.csv").open()))
    rows = [line for line in lines[1:] if line[4] == "in-scene"]
    of = lambda trials: [[float(x) for x in row[5:8]] for row in rows if int(row[2]) == trials]
    return {trials: mean(of(trials)) for trials in SHOWN}


def reference(rmrl, file, seeds):
    said = subprocess.run([sys.executable, file, rmrl, "narrow", *map(str, range(1, seeds + 1))],
                          check=True, capture_output=True, text=True).stdout
    found = re.findall(r"(\d+): ([\d.]+)/([\d.]+) +(\d+) %", said)
    of = lambda trials: [[float(mm), float(deg), float(share) / 100] for at, mm, deg, share in found if int(at) == trials]
    return {trials: mean(of(trials)) for trials in SHOWN}


def mean(rows):
    return [sum(column) / len(rows) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rmrl", required=True)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--seeds", type=int, default=8)
    args = parser.parse_args()
    ours, theirs = port(args.rmrl, args.seeds), reference(args.rmrl, args.reference, args.seeds)
    print(f"{args.seeds} seeds, in-scene mm / deg, success")
    behind = False
    for trials in SHOWN:
        (mm, deg, won), (their_mm, their_deg, they_won) = ours[trials], theirs[trials]
        print(f"{trials:4} trials   port {mm:.2f} / {deg:.2f}, {won:4.0%}   reference {their_mm:.2f} / {their_deg:.2f}, {they_won:4.0%}")
        behind |= mm + deg > 1.15 * (their_mm + their_deg)
    sys.exit("the port is behind" if behind else 0)


if __name__ == "__main__":
    main()
