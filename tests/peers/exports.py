#!/usr/bin/env python3
"""What `rmrl export` writes, opened by pandas, pyarrow, TensorBoard and rliable.

    pip install pandas pyarrow tensorboard rliable==1.2.0 gymnasium
    PYTHONPATH=python python tests/peers/exports.py --rmrl target/release/rmrl [--runs runs/narrow]

Without --runs it makes the runs itself: `compare smoke` with three methods, a few seconds. Every table equals the
frames of `rmrl.load`, every scalar is the one that `rmrl.track` tells (to 1e-6), each event file has the name and size of the one
that it writes, and rliable's interquartile means are those of the report.
"""
import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
from rliable import metrics
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rmrl
from rmrl import _track

TABLES = ("trials", "labels", "checkpoints", "batches")


def frames_of(run):
    """The frames of the package, with their index as a column and led by method and seed."""
    told = {name: getattr(run, name) for name in TABLES}
    told["trials"], told["batches"] = told["trials"].reset_index(), told["batches"].reset_index()
    for name, frame in told.items():
        frame = frame.copy()
        frame.insert(0, "seed", run.seed)
        frame.insert(0, "method", run.method)
        told[name] = frame
    return told


def same(ours, theirs, what, exact=True):
    """Equal tables, whatever the kinds of their columns; means may differ by rounding."""
    if set(ours.columns) != set(theirs.columns):
        raise SystemExit(f"{what}: columns {sorted(set(ours.columns) ^ set(theirs.columns))} are not in both")
    if len(ours) != len(theirs):
        raise SystemExit(f"{what}: {len(ours)} rows, not {len(theirs)}")
    for column in theirs.columns:
        a, b = ours[column].reset_index(drop=True), theirs[column].reset_index(drop=True)
        if not (a.isna() == b.isna()).all():
            raise SystemExit(f"{what}.{column}: other values are missing")
        a, b = a[a.notna()], b[b.notna()]
        numbers = all(pd.api.types.is_numeric_dtype(one) or pd.api.types.is_bool_dtype(one) for one in (a, b))
        if numbers or (len(b) and not isinstance(b.iloc[0], str)):
            a, b = a.astype(float), b.astype(float)
            close = np.array_equal(a, b) if exact else np.allclose(a, b, rtol=0, atol=1e-12)
        else:
            close = list(a) == list(b)
        if not close:
            raise SystemExit(f"{what}.{column}: values differ")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rmrl", required=True)
    parser.add_argument("--runs", type=pathlib.Path)
    args = parser.parse_args()
    program = str(pathlib.Path(args.rmrl).resolve())

    def call(*words):
        return subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout

    with contextlib.ExitStack() as stack:
        scratch = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = args.runs
        if runs is None:
            runs = scratch / "smoke"
            call("compare", "smoke", "--methods", "no-correction,rm-rl,ppo", "--out", runs)
        files = sorted(runs.glob("*/*.sqlite"))
        loaded = [rmrl.load(file) for file in files]
        check_tables(call, runs, loaded, scratch)
        check_images(call, runs, files, scratch)
        check_events(call, runs, files, loaded, scratch)
        check_scores(call, runs, scratch)
    print(f"{len(files)} runs: pandas, pyarrow, TensorBoard and rliable read what was exported, and it is the same")


def read_csv(file):
    """Numbers to the last bit, which newer ones of pandas do by themselves and say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.read_csv(file, float_precision="round_trip")


def check_tables(call, runs, loaded, scratch):
    told = {name: pd.concat([frames_of(run)[name] for run in loaded]) for name in TABLES}
    for to in ("csv", "parquet"):
        said = json.loads(call("export", runs, "--to", to, scratch / to, "--json"))
        rows = {entry["file"]: entry["rows"] for entry in said["files"]}
        for name in TABLES:
            file = scratch / to / f"{name}.{to}"
            ours = read_csv(file) if to == "csv" else pd.read_parquet(file)
            assert rows[file.name] == len(ours), file
            keys = [key for key in ("method", "seed", "id", "at_trial", "trial", "checkpoint", "phase") if key in ours]
            ours, theirs = ours.sort_values(keys), told[name].sort_values(keys)
            same(ours, theirs, f"{to}: {name}", exact=name != "checkpoints")


def check_images(call, runs, files, scratch):
    """A picture a trial; those of the first training trials are what the task shows."""
    call("export", files[0], "--to", "parquet", scratch / "images", "--images")
    frame = pd.read_parquet(scratch / "images" / "trials.parquet")
    assert frame.image.map(len).eq(64 * 64).all()
    assert frame.image.map(bytes).nunique() > 10, "pictures differ"
    # The same trial at every checkpoint has the same picture.
    seen = frame[frame.phase == "in-scene"].groupby("number").image.agg(lambda all: len({bytes(one) for one in all}))
    assert seen.eq(1).all()


def check_events(call, runs, files, loaded, scratch):
    call("export", runs, "--to", "tensorboard", scratch / "tb")
    for file, run in zip(files, loaded):
        folder = pathlib.Path("tb") / run.experiment["name"] / run.method / str(run.seed)
        [ours] = (scratch / folder).iterdir()
        [theirs] = rmrl.track(file, "tensorboard", to=scratch / "theirs").iterdir()
        assert ours.name == theirs.name, (ours, theirs)
        accumulator = EventAccumulator(str(scratch / folder), size_guidance={"scalars": 0})
        accumulator.Reload()
        read = {
            (event.step, tag): event.value
            for tag in accumulator.Tags()["scalars"]
            for event in accumulator.Scalars(tag)
        }
        told = {(step, tag): value for step, tag, value, _ in _track.scalars(run)}
        assert read.keys() == told.keys(), read.keys() ^ told.keys()
        assert np.allclose([read[key] for key in told], list(told.values()), rtol=1e-6, atol=1e-7)
        # Means of an evaluation are summed in another order: the last bit of a 32-bit value may differ.
        different = sum(a != b for a, b in zip(ours.read_bytes(), theirs.read_bytes()))
        assert ours.stat().st_size == theirs.stat().st_size and different < 0.001 * ours.stat().st_size, different


def check_scores(call, runs, scratch):
    call("export", runs, "--to", "rliable", scratch / "scores")
    told = json.loads((scratch / "scores" / "scores.json").read_text())
    call("report", runs)
    summary = json.loads((runs / "summary.json").read_text())
    compared = 0
    for name, method in summary["methods"].items():
        for key in ("translation_mm", "yaw_deg"):
            for phase, figures in (("in-scene", method), ("held-out", method["held_out"])):
                last = np.array(told["scores"][phase][key][name])[:, -1:]
                theirs, ours = metrics.aggregate_iqm(last), figures[key]["iqm"]
                assert abs(theirs - ours) < 1e-12, (name, phase, key, theirs, ours)
                compared += 1
    assert compared, "the report has no figure"


if __name__ == "__main__":
    sys.exit(main())
