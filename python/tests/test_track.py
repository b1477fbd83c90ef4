import shutil
import sqlite3
import subprocess
import sys

import pytest

import rmrl

pytest.importorskip("pandas")


def truncated(run, path, trials):
    """The run as a kill left it after so many trials."""
    shutil.copy(run, path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM trial WHERE phase = 'train' AND number >= ? OR checkpoint > ?", [trials] * 2)
        for table in ("label", "diagnostic", "batch"):
            db.execute(f"DELETE FROM {table} WHERE at_trial > ?", [trials])
        db.execute("DELETE FROM run WHERE key = 'complete'")
    return path


def test_tensorboard_reads_what_was_told_and_nothing_twice(run, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = rmrl.track(truncated(run, tmp_path / "1.sqlite", 40), "tensorboard", to=tmp_path / "board")
    for file, trials in ((None, 40), (run, 80), (run, 80)):
        if file:
            assert rmrl.track(file, "tensorboard", to=tmp_path / "board") == folder
        read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
        read.Reload()
        rewards = read.Scalars("train/reward")
        assert [one.step for one in rewards] == list(range(1, trials + 1))
    loaded = rmrl.load(run)
    assert rewards[-1].value == pytest.approx(loaded.trials.query("phase == 'train'").reward.iloc[-1])
    table = loaded.checkpoints.query("phase == 'in-scene'")
    told = read.Scalars("eval/in_scene/translation_mm")
    assert [one.step for one in told] == table.checkpoint.tolist()
    assert [one.value for one in told] == pytest.approx(table.translation_mm.tolist())
    assert {"learn/loss", "learn/grad_norm"} <= set(read.Tags()["scalars"])
    assert len(list(folder.iterdir())) == 1


def test_mlflow_keeps_one_run_however_often_it_is_told(run, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    rmrl.track(truncated(run, tmp_path / "1.sqlite", 40), "mlflow", to=uri)
    for _ in range(2):
        there = rmrl.track(run, "mlflow", to=uri)
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("rmrl").experiment_id])
    assert [one.info.run_id for one in runs] == [there]
    assert runs[0].data.params["method"] == "rm-rl" and runs[0].info.status == "FINISHED"
    assert len(client.get_metric_history(there, "train/reward")) == 80


def test_wandb_keeps_one_run_that_is_not_uploaded_yet(run, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    ids = {rmrl.track(run, "wandb", to=tmp_path) for _ in range(2)}
    assert len(ids) == 1
    assert len(list(tmp_path.glob(f"wandb/offline-run-*-{ids.pop()}"))) == 1


def test_what_is_no_tracker_or_has_no_trial_is_refused(run, tmp_path):
    with pytest.raises(ValueError, match="tensorboard, wandb, mlflow"):
        rmrl.track(run, "comet")
    empty = tmp_path / "1.sqlite"
    shutil.copy(run, empty)
    with sqlite3.connect(empty) as db:
        for table in ("label", "trial"):
            db.execute(f"DELETE FROM {table}")
    with pytest.raises(rmrl.RmrlError, match="no trial"):
        rmrl.track(empty, "tensorboard", to=tmp_path)


def test_rerun_reads_what_was_told_and_a_file_takes_its_own_place(run, tmp_path):
    pytest.importorskip("rerun")
    file = tmp_path / "there" / "run.rrd"
    for _ in range(2):
        assert rmrl.to_rerun(run, to=file) == file
        assert [one.name for one in file.parent.iterdir()] == ["run.rrd"]
    command = [sys.executable, "-m", "rerun", "rrd", "print", str(file)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for entity in ("/train/reward", "/learn/loss", "/eval/in_scene/translation_mm", "/target/measured"):
        assert entity in told
