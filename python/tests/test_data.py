import json
import os
import shutil
import sqlite3
import subprocess

import numpy as np
import pytest

import rmrl

pytest.importorskip("pandas")


def test_frames_hold_what_the_file_holds(run):
    loaded = rmrl.load(run)
    with sqlite3.connect(f"file:{run}?mode=ro", uri=True) as db:
        count = lambda sql: db.execute(f"SELECT COUNT(*) FROM {sql}").fetchone()[0]
        assert len(loaded.trials) == count("trial")
        assert len(loaded.labels) == count("label") > 0
        assert len(loaded.batches) == count("batch") > 0
    assert loaded.method == "rm-rl" and loaded.seed == 1 and loaded.complete
    assert loaded.experiment["trials"] == (loaded.trials.phase == "train").sum()
    assert loaded.batches.loss.notna().all() and "grad_norm" in loaded.batches
    assert "image" not in loaded.trials and loaded.images() == {}


def test_labels_name_their_trials(run):
    loaded = rmrl.load(run)
    joined = loaded.labels.join(loaded.trials.reward.rename("again"), on="role_model")
    assert (joined.again == joined.role_model_reward).all()


def test_checkpoints_are_those_of_the_report(run, tmp_path):
    command = [rmrl.binary(), "compare", "smoke", "--methods", "no-correction,rm-rl", "--seeds", "1",
               "--out", tmp_path / "smoke"]
    subprocess.run(command, check=True, capture_output=True)
    summary = json.loads((tmp_path / "smoke/summary.json").read_text())["methods"]
    for method in ("no-correction", "rm-rl"):
        table = rmrl.load(tmp_path / "smoke" / method / "1.sqlite").checkpoints
        last = table[table.checkpoint == table.checkpoint.max()].set_index("phase").loc["in-scene"]
        for key in ("translation_mm", "yaw_deg"):
            assert np.isclose(last[key], summary[method][key]["iqm"], rtol=1e-12)
        assert np.isclose(last.success_share, summary[method]["success"]["rate"])


def test_nothing_is_written_and_a_read_only_disk_will_do(run, tmp_path):
    file = tmp_path / "disk" / "1 50%.sqlite"
    file.parent.mkdir()
    shutil.copy(run, file)
    before = file.read_bytes()
    file.parent.chmod(0o555)
    try:
        assert len(rmrl.load(file).trials)
        assert os.listdir(file.parent) == [file.name] and file.read_bytes() == before
    finally:
        file.parent.chmod(0o755)


def test_a_run_is_read_while_it_is_written(run, tmp_path):
    file = tmp_path / "1.sqlite"
    shutil.copy(run, file)
    writer = sqlite3.connect(file)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE run SET value = 'not yet in the file' WHERE key = 'method'")
    writer.commit()
    assert (tmp_path / "1.sqlite-wal").exists()
    assert rmrl.load(file).method == "not yet in the file"
    writer.close()


def test_a_folder_stands_for_the_one_run_in_it(run, tmp_path):
    assert rmrl.load(run.parent.parent).path == run
    with pytest.raises(rmrl.RmrlError, match="holds 0 run files"):
        rmrl.load(tmp_path)
    for name in ("1", "2"):
        shutil.copy(run, tmp_path / f"{name}.sqlite")
    with pytest.raises(rmrl.RmrlError, match="holds 2 run files; name one of them, such as .*1.sqlite"):
        rmrl.load(tmp_path)


def test_what_is_no_run_is_told_in_one_line(run, tmp_path):
    whole = run.read_bytes()
    file = tmp_path / "1.sqlite"

    def told(content):
        file.write_bytes(content)
        with pytest.raises(rmrl.RmrlError) as error:
            rmrl.load(file).trials
        said = str(error.value)
        assert said.startswith(f"{file}: ") and "\n" not in said
        return said

    assert "not a readable run file" in told(b"a text")
    assert "not a run of rmrl" in told(b"")
    assert "malformed" in told(whole[: len(whole) // 2 // 4096 * 4096])
    newer = whole[:60] + (99).to_bytes(4, "big") + whole[64:]  # user_version
    assert "format 99" in told(newer) and "update the package" in told(newer)
    with pytest.raises(rmrl.RmrlError, match="no such file"):
        rmrl.load(tmp_path / "2.sqlite")


def test_no_damage_is_worse_than_an_error(run, tmp_path):
    """Bytes anywhere turned into others: a frame, or RmrlError."""
    whole, draw, file = bytearray(run.read_bytes()), np.random.default_rng(0), tmp_path / "1.sqlite"
    refused = 0
    for _ in range(60):
        damaged = whole.copy()
        for at in draw.integers(0, len(whole), 10 ** draw.integers(0, 4)):
            damaged[at] = draw.integers(256)
        file.write_bytes(damaged)
        try:
            loaded = rmrl.load(file)
            loaded.method, loaded.trials, loaded.labels, loaded.batches, loaded.checkpoints
        except rmrl.RmrlError:
            refused += 1
    assert 0 < refused < 60
