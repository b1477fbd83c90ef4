"""Speed of this commit on this machine, with raw data, into a folder of its own. Nothing else should run.

  cargo build --release && python results/bench/measure.py [--rounds 5] [--python VENV/bin/python]

`--python` is one with `mujoco` and `numpy`; without it MuJoCo is left out.
"""

import argparse
import csv
import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RMRL = TARGET / "release" / "rmrl"


def said(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"commit: {said('git', 'rev-parse', '--short=12', 'HEAD')}\n"
            f"date: {datetime.date.today()}\ncpu: {cpu[1]}, {os.cpu_count()} cores\n"
            f"system: {platform.platform()}\nrustc: {said('rustc', '--version')}\n"
            f"load before: {os.getloadavg()[0]:.2f}\n")


def trials_a_second(jobs, trials):
    """`rmrl compare narrow --methods no-correction`, as many seeds as jobs, evaluations included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(RMRL), "compare", "narrow", "--methods", "no-correction", "--seeds", str(jobs),
                   "--trials", str(trials), "--jobs", str(jobs), "--out", f"{folder}/run"]
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.monotonic() - began
    # Training, 51 checkpoints of 50 in-scene and 50 held-out trials, and 10 on the shelf.
    made = jobs * (trials + (trials // 100 + 1) * 100 + 10)
    return made / seconds, made, seconds


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--trials", type=int, default=5000)
    args.add_argument("--python")
    args = args.parse_args()
    about = machine()
    name = re.search("commit: (.*)", about)[1]
    out = pathlib.Path(__file__).parent / f"{datetime.date.today()}-{name}"
    out.mkdir(exist_ok=True)
    (out / "machine.txt").write_text(about)
    print(about)

    rows = []
    for index in range(args.rounds):
        # Interleaved, so that both meet the same machine.
        rates = []
        for jobs in (1, 2):
            rate, made, seconds = trials_a_second(jobs, args.trials)
            rates.append(rate)
            rows.append([index, jobs, made, f"{seconds:.2f}", f"{rate:.1f}"])
        print(f"round {index}: {rates[0]:.0f} and {rates[1]:.0f} trials/s, {rates[1] / rates[0]:.2f} x")
    with open(out / "trials.csv", "w", newline="") as file:
        csv.writer(file).writerows([["round", "jobs", "trials", "seconds", "trials_a_second"], *rows])
    one, two = ([float(row[4]) for row in rows if row[1] == jobs] for jobs in (1, 2))
    ratio = [b / a for a, b in zip(one, two)]
    print(f"median {statistics.median(one):.0f} trials/s with one job, {statistics.median(ratio):.2f} x with two")

    for bench in ("sim", "learn", "arm"):
        output = subprocess.run(["cargo", "bench", "--bench", bench], cwd=ROOT, check=True,
                                capture_output=True, text=True).stdout
        # A long name stands on a line of its own above its time.
        kept = re.findall(r"^(\S.*?)\s+time:\s+(\[.*\])", output, re.MULTILINE)
        kept = [f"{name:40} {time}" for name, time in kept]
        (out / f"bench-{bench}.txt").write_text("\n".join(kept) + "\n")
        print("\n".join(kept))

    if args.python:
        subprocess.run([args.python, str(ROOT / "tests/peers/mujoco_speed.py"), "--rmrl", str(RMRL),
                        "--rounds", str(args.rounds), "--out", str(out / "mujoco_speed.csv")], cwd=ROOT, check=True)


main()
