"""Trials as LeRobot's data set (v3), by LeRobot's own writer: docs/python.md.

`rmrl export RUN --to lerobot DIR` starts this as a program (`python -m rmrl._lerobot`): a line of JSON says
where the trials lie as Parquet, and where the data set is to lie.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import numpy as np

from ._binary import binary
from ._data import is_success, square
from ._errors import RmrlError
from ._process import last_words

WRITER = "0.4.4"
TASK = "place the plate at the target"
STATE = ("seen_x_mm", "seen_y_mm", "seen_yaw_deg")
ACTION = ("commanded_x_mm", "commanded_y_mm", "commanded_yaw_deg")
EVERY = 500
"""Episodes between two lines of progress."""


def to_lerobot(run, to):
    """Trials that were learned from as a data set of LeRobot in the folder `to`: `rmrl export --to lerobot`.

    `run` is a run, or the folder of an experiment, whose runs become one data set. An earlier export is
    replaced. Returns the folder. Raises RmrlError where LeRobot is missing or something is wrong.
    """
    package = str(Path(__file__).resolve().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "RMRL_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(paths)}
    command = [binary(), "export", str(run), "--to", "lerobot", str(to)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        said = last_words(done.stderr).splitlines() or [f"ended with exit code {done.returncode}"]
        raise RmrlError(last_words(said[-1]))
    return Path(to)


def features(measured, side):
    """What a frame holds. `side`: pixels of a picture's side. `measured`: every trial knows how its plate lay before it."""

    def of(dtype, *names):
        return {"dtype": dtype, "shape": (len(names),), "names": list(names)}

    pose = {"observation.state": of("float32", *STATE)} if measured else {}
    camera = {"dtype": "image", "shape": (side, side, 3), "names": ["height", "width", "channels"]}
    return {
        "observation.images.camera": camera,
        **pose,
        "action": of("float32", *ACTION),
        "next.reward": of("float32", "reward"),
        "next.done": of("bool", "done"),
        "next.success": of("bool", "success"),
        "outcome": of("string", "outcome"),
        "method": of("string", "method"),
        "seed": of("int64", "seed"),
        "trial_id": of("int64", "id"),
        "scene_instance": of("int64", "instance"),
    }


def frame(row, measured):
    """A trial as the one frame of its episode."""
    grey = square(row["image"])[..., None]
    error = [row[f"measured_{axis}"] for axis in ("x_mm", "y_mm", "yaw_deg")]
    return {
        "observation.images.camera": np.repeat(grey, 3, axis=2),
        **({"observation.state": np.array([row[axis] for axis in STATE], np.float32)} if measured else {}),
        "action": np.array([row[axis] for axis in ACTION], np.float32),
        "next.reward": np.array([row["reward"]], np.float32),
        "next.done": np.array([True]),
        "next.success": np.array([is_success(row["outcome"], bool(row["seated"]), error)]),
        "outcome": row["outcome"],
        "method": row["method"],
        "seed": np.array([row["seed"]], np.int64),
        "trial_id": np.array([row["id"]], np.int64),
        "scene_instance": np.array([row["instance"]], np.int64),
        "task": TASK,
    }


def learned(tables):
    """The trials that were learned from and have a result, in the order of the export."""
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(Path(tables) / "trials.parquet").to_pylist()
    return [row for row in rows if row["phase"] in ("prior", "train") and row["outcome"] and row["image"]]


def write(tables, to, robot, tell):
    rows = learned(tables)
    if not rows:
        return tell(refused="no trial to learn from has a result and a picture yet: there is no episode")
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    measured = all(row[axis] is not None for row in rows for axis in STATE)
    side = len(square(rows[0]["image"]))
    # An episode has one frame: there is no rate, and LeRobot wants a whole number.
    data = LeRobotDataset.create("rmrl/export", fps=1, features=features(measured, side), root=Path(to),
                                 robot_type=robot, use_videos=False)
    for at, row in enumerate(rows, 1):
        data.add_frame(frame(row, measured))
        data.save_episode()
        if at % EVERY == 0:
            tell(episodes=at)
    data.finalize()
    tell(episodes=len(rows))
    tell("done")


def missing():
    """Why this Python cannot write; nothing where it can."""
    if sys.version_info < (3, 10):
        return f"Python {sys.version.split()[0]} is too old: 3.10 or newer, which LeRobot wants"
    try:
        there = metadata.version("lerobot")
    except metadata.PackageNotFoundError:
        return f"{sys.executable} has no lerobot"
    if there != WRITER:
        return f"{sys.executable} has lerobot {there}, and {WRITER} is the one to write with"
    return None


def main():
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What others print is no answer.

    def tell(word=None, **answer):
        answers.write(json.dumps(word or answer) + "\n")
        answers.flush()

    if why := missing():
        return tell(refused=why)
    tell("ready")
    if not (question := sys.stdin.readline()):
        return None

    def end_with_the_program():
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=end_with_the_program, daemon=True).start()
    question = json.loads(question)
    try:
        write(question["tables"], question["to"], question["robot"], tell)
    except Exception as error:  # whatever LeRobot and its packages raise
        tell(failed=cause(error, question["tables"]))
        answers.close()
        os._exit(1)  # LeRobot would write the rest now, and fail again.


def cause(error, folder):
    """What went wrong first, in one line."""
    if shutil.disk_usage(folder).free < 1 << 16:  # LeRobot goes on after a picture that it could not write.
        return "No space left on device"
    while error.__context__ is not None:
        error = error.__context__
    return f"LeRobot: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


if __name__ == "__main__":
    main()
