"""A run's file as pandas frames. docs/data.md describes every column."""

import sqlite3
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from urllib.parse import quote

import numpy as np

from ._errors import RmrlError

APPLICATION_ID, FORMAT = 0x726D_726C, 3
"""Both stand in the header of a run's file: src/store/schema.rs."""

FLAGS = ("seated", "jam", "dropped", "plate_hit")


def _from_file(read):
    """A property that is read once. What cannot be understood is the file's fault, and told so."""

    @wraps(read)
    def told(run):
        try:
            return read(run)
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            raise RmrlError(f"{run.path}: the run file is damaged ({_first_line(error)})") from error

    return cached_property(told)


def _first_line(error):
    return (str(error) or type(error).__name__).strip().splitlines()[0]


@dataclass(frozen=True)
class Run:
    """One method with one seed: what its file says. Each frame is read when it is first asked for."""

    path: Path
    info: dict
    """Keys and values of the table `run`: experiment (TOML), method, seed, backend ..."""

    @_from_file
    def method(self):
        return self.info["method"]

    @_from_file
    def seed(self):
        return int(self.info["seed"])

    @_from_file
    def experiment(self):
        """The experiment, as far as it concerns this run."""
        return _toml(self.info["experiment"])

    @property
    def complete(self):
        return "complete" in self.info

    @_from_file
    def trials(self):
        """A row a trial, learned from or evaluated, by its id; without the pictures."""
        frame = self._read("SELECT * FROM trial ORDER BY id").set_index("id").drop(columns="image")
        return frame.astype({flag: "boolean" for flag in FLAGS})

    @_from_file
    def labels(self):
        """A row a label that was new or had changed: whose action taught which trial, and when."""
        return self._read("SELECT * FROM role_model_history")

    @_from_file
    def batches(self):
        """A row a round of learning: its loss and what the learner says of it, by trials made."""
        batches = self._read("SELECT * FROM batch ORDER BY at_trial").set_index("at_trial")
        said = self._read("SELECT at_trial, key, value FROM diagnostic")
        return batches.join(said.pivot(index="at_trial", columns="key", values="value"))

    @_from_file
    def checkpoints(self):
        """A row a checkpoint (trials learned from before it) and phase: means as the report has them.

        A trial without a placement counts as far off as no correction at all would leave it.
        """
        import pandas

        done = self.trials[self.trials.phase.isin(["in-scene", "held-out"]) & self.trials.outcome.notna()]
        pose = {axis: done[f"truth_{axis}"].fillna(done[f"measured_{axis}"]) for axis in ("x_mm", "y_mm", "yaw_deg")}
        placed = (done.outcome == "placed") & pose["x_mm"].notna()
        half = self.experiment["task"]["range"]
        cap = {"x_mm": half["mm"], "y_mm": half["mm"], "yaw_deg": half["deg"]}
        error = pandas.DataFrame({axis: pose[axis].where(placed, cap[axis]) for axis in cap})
        success = is_success(done.outcome, done.seated.fillna(False).astype(bool), pandas.DataFrame(pose))
        each = pandas.DataFrame({
            "checkpoint": done.checkpoint,
            "phase": done.phase,
            "translation_mm": np.hypot(error.x_mm, error.y_mm),
            "yaw_deg": error.yaw_deg.abs(),
            "success_share": success.astype(float),
            "placed_share": placed.astype(float),
            "robot_time_s": done.robot_time_s,
        })
        groups = each.groupby(["checkpoint", "phase"])
        return groups.mean().join(groups.size().rename("trials")).reset_index()

    def images(self):
        """Pictures by trial id, square (64 x 64 unless `task.image` says else) uint8: of an arm's trials. Simulated ones are not stored."""
        with _open(self.path) as db:
            rows = db.execute("SELECT id, image FROM trial WHERE image IS NOT NULL").fetchall()
        return {id: square(image) for id, image in rows}

    def _read(self, sql):
        pandas = _pandas()
        with _open(self.path) as db:
            try:
                return pandas.read_sql_query(sql, db)
            except pandas.errors.DatabaseError as error:
                raise sqlite3.DatabaseError(_first_line(error)) from error


def square(image):
    """A stored picture: grey rows from the top, as many as columns."""
    pixels = np.frombuffer(image, np.uint8)
    return pixels.reshape(int(round(len(pixels) ** 0.5)), -1)


def is_success(outcome, seated, error):
    """Placed, on its seat, and less than 1 mm and 1 deg off: a trial's x, y and yaw, or a row a trial."""
    return (outcome == "placed") & seated & (np.abs(np.asarray(error, float)) < 1.0).all(axis=-1)


def load(run):
    """A run: its SQLite file, or a folder that holds just one. Nothing is written.

    Raises RmrlError where the file is not a run's, is cut short or newer than this package.
    """
    _pandas()
    path = _file(Path(run))
    with _open(path) as db:
        try:
            return Run(path, dict(db.execute("SELECT key, value FROM run")))
        except (sqlite3.Error, UnicodeError) as error:
            raise RmrlError(f"{path}: the run file is damaged ({_first_line(error)})") from error


def _file(path):
    if path.is_file():
        return path
    if not path.is_dir():
        raise RmrlError(f"{path}: no such file")
    found = sorted(path.rglob("*.sqlite"))
    if len(found) == 1:
        return found[0]
    such = found[0] if found else "METHOD/SEED.sqlite"
    raise RmrlError(f"{path}: holds {len(found)} run files; name one of them, such as {such}")


class _open:
    """A run's file, only to be read: a disk where nothing may be written will do."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        # A plain file is a whole run. Beside one that is being written lies SQLite's journal.
        written = Path(f"{self.path}-wal").exists()
        uri = "file:" + quote(str(self.path.resolve())) + ("?mode=ro" if written else "?mode=ro&immutable=1")
        try:
            self.db = sqlite3.connect(uri, uri=True)
            # Damaged text is found out where it is used.
            self.db.text_factory = lambda text: text.decode(errors="replace")
            known = [self.db.execute(f"PRAGMA {key}").fetchone()[0] for key in ("application_id", "user_version")]
            verdict = self.db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except (sqlite3.Error, UnicodeError) as error:  # what is wrong may not be text
            raise RmrlError(f"{self.path}: not a readable run file ({error})") from error
        if known[0] != APPLICATION_ID:
            self._refuse("a SQLite file, but not a run of rmrl")
        if known[1] != FORMAT:
            newer = "update the package" if known[1] > FORMAT else "`rmrl report` still reads it"
            self._refuse(f"a run of format {known[1]}, this package reads format {FORMAT} alone: {newer}")
        if verdict != "ok":
            self._refuse(f"the run file is damaged ({verdict.splitlines()[-1]})")
        return self.db

    def _refuse(self, why):
        self.db.close()
        raise RmrlError(f"{self.path}: {why}")

    def __exit__(self, *_):
        self.db.close()


def _toml(text):
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    return tomllib.loads(text)


def _pandas():
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise RmrlError("frames need pandas: pip install 'rmrl[pandas]'") from error
    return pandas
