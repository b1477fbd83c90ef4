"""A run for a tracker, afterwards, from its file: it works offline, after a kill, and again."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from ._data import is_success, load
from ._errors import RmrlError

TRACKERS = ("tensorboard", "wandb", "mlflow")


def track(run, tracker, to=None, project="rmrl"):
    """Tells a tracker of a run. Step: physical trials made by then.

    Tags: `train/reward`, `train/translation_mm`, `train/yaw_deg` and `train/success` as measured,
    `learn/loss` and what else the learner says, `eval/in_scene/translation_mm` and the like.

    "tensorboard" writes into the folder `to` (runs/tensorboard), below METHOD/SEED; "wandb" and
    "mlflow" into `project`, `to` being a folder and a tracking URI. A run that is tracked again, longer
    or not, takes its own place and is not there twice. Returns where it is.
    """
    if tracker not in TRACKERS:
        raise ValueError(f"tracker {tracker!r}: must be one of {', '.join(TRACKERS)}")
    run = load(run)
    if run.trials.empty:
        raise RmrlError(f"{run.path}: holds no trial yet: there is nothing to tell")
    return {"tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}[tracker](run, to, project)


def scalars(run):
    """(step, tag, value, seconds since 1970) of all that is finite, in the order of steps."""
    rows = []
    learned = run.trials[run.trials.phase.isin(["prior", "train"]) & run.trials.outcome.notna()]
    learned = learned.assign(seated=learned.seated.fillna(False))
    before = int((learned.phase == "prior").sum())
    times = {0: 0.0}
    for trial in learned.itertuples():
        step = trial.number + 1 + (before if trial.phase == "train" else 0)
        times[step] = trial.recorded_unix_s or 0.0
        x, y, yaw = trial.measured_x_mm, trial.measured_y_mm, trial.measured_yaw_deg
        placed = trial.outcome == "placed"
        rows += [
            (step, "train/reward", trial.reward),
            (step, "train/translation_mm", np.hypot(x, y) if placed else None),
            (step, "train/yaw_deg", abs(yaw) if placed else None),
            (step, "train/success", float(is_success(trial.outcome, bool(trial.seated), (x, y, yaw)))),
        ]
    for step, said in run.batches.drop(columns="committed_unix_s").iterrows():
        rows += [(step, f"learn/{key}", value) for key, value in said.items()]
    for row in run.checkpoints.itertuples():
        for key in ("translation_mm", "yaw_deg", "success_share"):
            rows.append((row.checkpoint, f"eval/{row.phase.replace('-', '_')}/{key}", getattr(row, key)))
    known = [(int(step), tag, float(value)) for step, tag, value in rows if value is not None]
    finite = [row for row in known if np.isfinite(row[2])]
    return [(*row, times.get(row[0], 0.0)) for row in sorted(finite, key=lambda row: row[:2])]


def identity(run):
    """Names a run whatever its file is called: what it was made of, and when it began."""
    made_of = [run.info.get(key, "") for key in ("experiment", "method", "seed", "backend", "provenance")]
    began = run.trials.intended_unix_s.min()
    return hashlib.sha256(json.dumps([*made_of, float(began)]).encode()).hexdigest()[:16]


def settings(run):
    """The experiment's keys, flat, with method and seed."""
    flat = {"method": run.method, "seed": run.seed}

    def add(prefix, table):
        for key, value in table.items():
            if isinstance(value, dict):
                add(f"{prefix}{key}.", value)
            else:
                flat.setdefault(prefix + key, value)

    add("", run.experiment)
    return flat


def _tensorboard(run, to, _):
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ModuleNotFoundError as error:
        raise RmrlError("TensorBoard's files need it: pip install 'rmrl[tensorboard]'") from error
    folder = Path(to or "runs/tensorboard") / run.experiment["name"] / run.method / str(run.seed)
    folder.mkdir(parents=True, exist_ok=True)
    # One name a run: a later file takes the place of an earlier one, once it is whole.
    target = folder / f"events.out.tfevents.{identity(run)}.rmrl"
    with tempfile.NamedTemporaryFile(dir=folder, prefix="unborn-", delete=False) as unborn:
        try:
            writer = RecordWriter(unborn)
            writer.write(Event(wall_time=0, file_version="brain.Event:2").SerializeToString())
            for step, tag, value, at in scalars(run):
                said = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                writer.write(Event(wall_time=at, step=step, summary=said).SerializeToString())
            writer.flush()
        except BaseException:
            unborn.close()
            os.unlink(unborn.name)
            raise
    os.chmod(unborn.name, 0o644)
    os.replace(unborn.name, target)
    return folder


def _wandb(run, to, project):
    try:
        import wandb
    except ModuleNotFoundError as error:
        raise RmrlError("wandb is not installed: pip install 'rmrl[wandb]'") from error
    id, folder = identity(run), Path(to or "runs/wandb")
    folder.mkdir(parents=True, exist_ok=True)
    if os.environ.get("WANDB_MODE") == "offline":
        # What is not uploaded yet would be uploaded beside this.
        for earlier in folder.glob(f"wandb/offline-run-*-{id}"):
            shutil.rmtree(earlier)
    name = f"{run.experiment['name']}/{run.method}/{run.seed}"
    with wandb.init(project=project, id=id, name=name, group=run.method, config=settings(run),
                    resume="allow", dir=str(folder)) as there:
        known = there.step - 1 if there.resumed else -1
        steps = {}
        for step, tag, value, _ in scalars(run):
            steps.setdefault(step, {})[tag] = value
        for step, said in steps.items():
            if step > known:
                there.log(said, step=step)
    return id


def _mlflow(run, to, project):
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
    except ModuleNotFoundError as error:
        raise RmrlError("MLflow is not installed: pip install 'rmrl[mlflow]'") from error
    client, id = MlflowClient(tracking_uri=to), identity(run)
    there = client.get_experiment_by_name(project)
    folder = there.experiment_id if there else client.create_experiment(project)
    earlier = client.search_runs([folder], filter_string=f"tags.`rmrl.run` = '{id}'")
    name = f"{run.experiment['name']}/{run.method}/{run.seed}"
    made = client.create_run(folder, run_name=name, tags={"rmrl.run": id}).info.run_id
    params = [Param(key, str(value)[:500]) for key, value in settings(run).items()]
    metrics = [Metric(tag, value, int(at * 1000), step) for step, tag, value, at in scalars(run)]
    for first in range(0, max(len(params), 1), 100):
        client.log_batch(made, params=params[first : first + 100])
    for first in range(0, len(metrics), 1000):
        client.log_batch(made, metrics=metrics[first : first + 1000])
    client.set_terminated(made, "FINISHED" if run.complete else "RUNNING")
    # The new one is whole: it takes the place of what was there.
    for old in earlier:
        client.delete_run(old.info.run_id)
    return made
