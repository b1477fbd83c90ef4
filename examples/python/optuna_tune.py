"""A method's options tuned by Optuna, through ask and tell: pip install . optuna

    python examples/python/optuna_tune.py narrow --method ppo --space lr=1e-4..1e-1:log --space entropy=1e-3..1e-1:log

`rmrl` is asked for one run at a time, as long as the next checkpoint; the run that is worth going on with grows to the one
after (`--trials` and `--resume`), the others are pruned. No clock decides, so that the same command makes the same study.
Runs and study (SQLite) lie in one folder: stopped or killed, the same command goes on where it was, to the settings of a
study that was not. A setting whose run fails is recorded as failed, counts as one of the budget, and the study goes on.
Seeds are the tuner's, from 1001 on, as `rmrl tune` has them: never one that is reported.
"""

import argparse
import math
import re
import subprocess
import sys
from pathlib import Path

import optuna

import rmrl
from rmrl import binary

STATE = optuna.trial.TrialState


class Failed(Exception):
    """A run of a setting failed; the message says why."""


def space_of(text):
    """(key, low, high, log, whole) of KEY=LOW..HIGH[:log]: the words of `rmrl tune --space`."""
    try:
        key, ends = text.split("=", 1)
        ends, log = ends.removesuffix(":log"), ends.endswith(":log")
        low, high = ends.split("..")
        whole = low.lstrip("-").isdigit() and high.lstrip("-").isdigit()
        number = int if whole else float
        return key, number(low), number(high), log, whole
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be KEY=LOW..HIGH or KEY=LOW..HIGH:log") from None


def setting(trial, space):
    options = {}
    for key, low, high, log, whole in space:
        suggest = trial.suggest_int if whole else trial.suggest_float
        options[key] = suggest(key, low, high, log=log)
    return options


def has_grown(run, trials):
    """Was this run made with more trials? Then it had come to so few, before a kill cut off what came after."""
    try:
        said = re.search(r"^trials = (\d+)", (run / "experiment.toml").read_text(), re.MULTILINE)
    except FileNotFoundError:
        return False
    return bool(said) and int(said[1]) > trials


def cost(args, options, seed, trials, folder):
    """(mm + deg) / 5 of the greedy policy in-scene after so many trials: less is better."""
    run = folder / str(seed)
    if not has_grown(run, trials):
        train(args, options, seed, trials, run)
    rows = rmrl.load(run).checkpoints
    at = rows[(rows.phase == "in-scene") & (rows.checkpoint == trials)].iloc[0]
    return (at.translation_mm + at.yaw_deg) / 5


def train(args, options, seed, trials, run):
    sets = [word for key, value in options.items() for word in ("--set", f"{Path(args.method).stem}.{key}={value!r}")]
    command = [binary(), "train", args.experiment, "--method", args.method, "--seed", str(seed),
               "--trials", str(trials), "--out", str(run), "--resume",
               "--set", f"evaluation.every={math.gcd(*args.checkpoints)}", "--set", "demonstration=[]", *sets]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode == 130:
        raise KeyboardInterrupt
    if told.returncode != 0:
        raise Failed((told.stderr.strip().splitlines() or [f"exit code {told.returncode}"])[-1].removeprefix("rmrl: "))


def ended(study):
    """The settings that came to an end. One that a kill cut off has failed without a reason, and is none."""
    done = study.get_trials(deepcopy=False, states=(STATE.COMPLETE, STATE.PRUNED, STATE.FAIL))
    return [trial for trial in done if trial.state != STATE.FAIL or "failed" in trial.user_attrs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("--method", required=True)
    parser.add_argument("--space", type=space_of, action="append", required=True, metavar="KEY=LOW..HIGH[:log]")
    parser.add_argument("--budget", type=int, default=20, help="settings (20)")
    parser.add_argument("--seeds", type=int, default=2, help="runs a setting (2)")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[100, 300, 1000], help="trials (100 300 1000)")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    out = args.out or Path("runs") / f"optuna-{Path(args.experiment).stem}-{Path(args.method).stem}"
    out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name="rmrl", storage=f"sqlite:///{out / 'study.db'}", load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for cut in study.get_trials(deepcopy=False, states=[STATE.RUNNING]):
        study.tell(cut.number, state=STATE.FAIL)
    while (number := len(ended(study))) < args.budget:
        # A setting depends on its number and on what came of those before: one that a kill cut off is drawn
        # again as it was, and its runs go on.
        study.sampler = optuna.samplers.TPESampler(seed=number)
        trial = study.ask()
        options = setting(trial, args.space)
        try:
            for checkpoint in args.checkpoints:
                runs = [cost(args, options, 1001 + k, checkpoint, out / str(number)) for k in range(args.seeds)]
                value = sum(runs) / len(runs)
                trial.report(value, checkpoint)
                if trial.should_prune():
                    study.tell(trial, state=STATE.PRUNED)
                    break
            else:
                study.tell(trial, value)
        except Failed as why:
            trial.set_user_attr("failed", str(why))
            study.tell(trial, state=STATE.FAIL)
            print(f"setting {number}: failed: {why}  {options}", flush=True)
            continue
        print(f"setting {number}: {value:.4f} after {checkpoint} trials  {options}", flush=True)
    if not study.get_trials(deepcopy=False, states=[STATE.COMPLETE]):
        sys.exit(f"optuna_tune: no setting came to its end; the last one: {ended(study)[-1].user_attrs.get('failed')}")
    for key, value in study.best_params.items():
        print(f"--set {Path(args.method).stem}.{key}={value!r}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("optuna_tune: interrupted; the same command goes on")
