#!/usr/bin/env python3
"""What `rmrl export --to lerobot` writes, loaded back by LeRobot's own loader.

    pip install lerobot==0.4.4 gymnasium pandas          # brings PyTorch: by hand, not in CI
    PYTHONPATH=python python tests/peers/lerobot_export.py --rmrl target/release/rmrl [--out results/peers/lerobot_export.json]

It makes two short runs, exports one and both, loads them with `LeRobotDataset` and compares every frame with
what `rmrl.load` says of the trial; a `DataLoader` of PyTorch draws a batch. Without LeRobot it says so and leaves.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

sys.path.pop(0)  # This folder's statistics.py would hide Python's.
import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rmrl", required=True)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    try:
        import lerobot
        import torch
        from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION, LeRobotDataset
    except ModuleNotFoundError as error:
        print(f"left out: {error}; pip install lerobot==0.4.4")
        return
    os.environ["RMRL"] = str(pathlib.Path(args.rmrl).resolve())
    import rmrl
    from rmrl._lerobot import ACTION

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        runs = scratch / "runs"
        command = [rmrl.binary(), "compare", "smoke", "--methods", "no-correction,rm-rl", "--seeds", "1", "--out", runs]
        subprocess.run(command, check=True, capture_output=True)
        files = [runs / "no-correction" / "1.sqlite", runs / "rm-rl" / "1.sqlite"]
        loaded = {run.method: run for run in map(rmrl.load, files)}
        told = {}
        for name, source in (("one", files[1]), ("both", runs), ("one", files[1])):  # "one" is replaced
            began = time.monotonic()
            there = rmrl.to_lerobot(source, scratch / name)
            seconds = time.monotonic() - began
            data = LeRobotDataset("rmrl/export", root=there)
            assert data.meta.info["codebase_version"] == CODEBASE_VERSION == "v3.0"
            checked = check(data, loaded, ACTION)
            assert checked == data.num_episodes == data.num_frames, "an episode has one frame"
            told[name] = {"episodes": checked, "export_s": round(seconds, 1), "files": sorted(
                str(file.relative_to(there)) for file in there.rglob("*") if file.is_file())}
        assert told["both"]["episodes"] > told["one"]["episodes"]
        killed(runs, scratch / "both")
        rmrl.to_lerobot(runs, scratch / "both")
        beside = sorted(path.name for path in scratch.iterdir())
        assert beside == ["both", "one", "runs"], beside
        batch = next(iter(torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)))
        assert batch["observation.images.camera"].shape == (16, 3, 64, 64)
        assert batch["action"].shape == (16, 3)
    said = {"lerobot": lerobot.__version__, "torch": torch.__version__, "python": platform.python_version(),
            "format": CODEBASE_VERSION, "rmrl": rmrl_version(), **told}
    if args.out:
        args.out.write_text(json.dumps(said, indent=2) + "\n")
    print(json.dumps(said, indent=2))
    print("LeRobot loads what was exported, and every frame is its trial")


def killed(runs, to):
    """An export that is killed in the middle leaves what was there, and no process."""
    import rmrl

    before = sorted(file.read_bytes() for file in to.rglob("*") if file.is_file())
    command = [rmrl.binary(), "export", runs, "--to", "lerobot", to]
    paths = os.pathsep.join([str(pathlib.Path(rmrl.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "RMRL_PYTHON": sys.executable, "PYTHONPATH": paths}
    program = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not list(to.parent.glob("both.*.partial/work/dataset/data/*/*")):
        assert program.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    children = pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children")
    [writer] = children.read_text().split() if children.exists() else [None]
    program.kill()
    program.wait()
    after = time.monotonic() + 10
    while writer and pathlib.Path("/proc", writer).exists():
        assert time.monotonic() < after, "the writer goes on"
        time.sleep(0.05)
    assert sorted(file.read_bytes() for file in to.rglob("*") if file.is_file()) == before
    assert list(to.parent.glob("both.*.partial")), "a kill leaves its rest, which the next export clears"


def rmrl_version():
    import rmrl

    return subprocess.run([rmrl.binary(), "--version"], check=True, capture_output=True, text=True).stdout.strip()


def check(data, loaded, action):
    """Every frame, against the trial of its run. Returns how many there were."""
    names = data.meta.info["features"]["action"]["names"]
    assert list(names) == list(action), names
    expected = 0
    for run in {data[i]["method"]: None for i in range(len(data))}:
        trials = loaded[run].trials
        expected += int((trials.phase.isin(["prior", "train"]) & trials.outcome.notna()).sum())
    assert expected == len(data), (expected, len(data))
    pictures = set()
    for at in range(len(data)):
        frame = data[at]
        trial = loaded[frame["method"]].trials.loc[int(frame["trial_id"])]
        assert int(frame["episode_index"]) == at and int(frame["frame_index"]) == 0
        assert frame["task"] == "place the plate at the target"
        assert np.array_equal(frame["action"].numpy(), trial[list(action)].to_numpy(np.float32))
        assert np.float32(trial.reward) == frame["next.reward"].numpy(), at
        assert frame["outcome"] == trial.outcome and int(frame["scene_instance"]) == trial.instance
        measured = trial[["measured_x_mm", "measured_y_mm", "measured_yaw_deg"]].abs().max()
        assert bool(frame["next.success"]) == (trial.outcome == "placed" and bool(trial.seated) and measured < 1)
        assert bool(frame["next.done"])
        image = frame["observation.images.camera"].numpy()
        assert image.shape == (3, 64, 64) and (image[0] == image[1]).all() and (image[0] == image[2]).all()
        pictures.add(image.tobytes())
    assert len(pictures) > 10, "pictures differ"
    return expected


if __name__ == "__main__":
    sys.exit(main())
