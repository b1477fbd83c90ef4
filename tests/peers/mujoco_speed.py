"""Trials a second: rmrl against MuJoCo that steps the whole motion, interleaved, in CPU seconds of one
core.  pip install mujoco numpy

  python tests/peers/mujoco_speed.py --rmrl target/release/rmrl [--rounds 5] [--dt 1 2]
      [--out results/bench/mujoco_speed.csv]

The ratio depends on MuJoCo's step, so that it is told for each: 1 ms, in which its trials were compared with
rmrl's, and the 2 ms that rmrl itself steps with.
rmrl's figure is that of its main command (camera, store and report included); MuJoCo's counts only
the time inside `mj_step`, so that Python's is not held against it.
"""

import argparse
import csv
import pathlib
import platform
import resource
import statistics
import subprocess
import tempfile
import time

import mujoco
import numpy as np

import mujoco_trials

STEP = mujoco.mj_step


class Clock:
    """Stands in for `mj_step` and adds up its time."""

    def __init__(self):
        self.seconds, self.steps = 0.0, 0

    def __call__(self, model, data):
        begin = time.thread_time()
        STEP(model, data)
        self.seconds += time.thread_time() - begin
        self.steps += 1


def theirs(cell, rng, trials):
    """Trials a second of MuJoCo's steps alone, and with Python around them."""
    mujoco.mj_step = clock = Clock()
    begin = time.process_time()
    for _ in range(trials):
        cell.trial(rng.uniform(-3, 3, 3), rng.uniform(-3, 3, 3))
    whole = time.process_time() - begin
    mujoco.mj_step = STEP
    return trials / clock.seconds, trials / whole, clock.steps / trials


def ours(binary, trials):
    """Trials a second of `rmrl compare` on one core, the whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        quiet = [f"evaluation.every={trials}", "evaluation.trials=1", "evaluation.shelf_trials=0"]
        sets = [arg for key in quiet for arg in ("--set", key)]
        command = [binary, "compare", "narrow", "--methods", "no-correction", "--seeds", "1",
                   "--trials", str(trials), "--jobs", "1", "--out", folder + "/run", *sets]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return trials / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rmrl", default=str(mujoco_trials.ROOT / "target/release/rmrl"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=2000, help="of rmrl, a round")
    parser.add_argument("--theirs", type=int, default=20, help="trials of MuJoCo, a round")
    parser.add_argument("--dt", type=float, nargs="+", default=[1.0, 2.0], help="MuJoCo's steps, ms")
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    cells = {dt: mujoco_trials.Cell("open", dt / 1e3) for dt in args.dt}
    rng, rows = np.random.default_rng(3), []
    for number in range(1, args.rounds + 1):
        rmrl = ours(args.rmrl, args.trials)
        for dt, cell in cells.items():
            steps_only, with_python, steps = theirs(cell, rng, args.theirs)
            rows.append([number, dt, rmrl, steps_only, with_python, rmrl / steps_only, steps])
            print(f"round {number}: rmrl {rmrl:.0f}/s, MuJoCo at {dt:g} ms {steps_only:.1f}/s in mj_step "
                  f"({with_python:.1f}/s with Python), {rmrl / steps_only:.1f} x", flush=True)
    for dt in cells:
        ratios = [row[5] for row in rows if row[1] == dt]
        print(f"open, {platform.machine()}: median {statistics.median(ratios):.1f} x MuJoCo "
              f"{mujoco.__version__} at {dt:g} ms (from {min(ratios):.1f} to {max(ratios):.1f})")
    if args.out:
        with open(args.out, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["round", "mujoco_dt_ms", "rmrl_trials_s", "mj_step_trials_s", "mujoco_python_trials_s", "ratio",
                             "mujoco_steps_a_trial"])
            writer.writerows([number, *(f"{value:.3f}" for value in rest)] for number, *rest in rows)


if __name__ == "__main__":
    main()
