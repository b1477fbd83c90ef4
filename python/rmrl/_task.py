"""What the environments share: the task as the program describes it, one trial of it, and checks."""

import base64
import math
import operator

import numpy as np
from gymnasium import spaces

from ._errors import RmrlError
from ._process import Process

SIGNALS = ("scalar", "unsigned", "signed")
ACTIONS = ("bins", "continuous")
PHASES = ("train", "in-scene", "held-out")
AXES = ("x_mm", "y_mm", "yaw_deg")


class Task:
    """One `rmrl env` process, begun again where another seed is asked for."""

    def __init__(self, experiment, action, signal, scene_id, sets, envs=None):
        if action not in ACTIONS:
            raise ValueError(f"action={action!r}: must be one of {', '.join(ACTIONS)}")
        if signal not in SIGNALS:
            raise ValueError(f"signal={signal!r}: must be one of {', '.join(SIGNALS)}")
        self.action, self.scene_id = action, bool(scene_id)
        pairs = sets.items() if hasattr(sets, "items") else [one.split("=", 1) for one in sets]
        self._flags = [str(experiment), "--signal", signal]
        for key, *value in pairs:
            if not value:
                raise ValueError(f"sets: {key!r}: must be KEY=VALUE")
            self._flags += ["--set", f"{key}={_toml(value[0])}"]
        if envs is not None:
            self._flags += ["--envs", envs]
        self._process = self.seed = None
        self._closed = False
        self.begin(0)

    def begin(self, seed):
        """The draws of this seed: the same trials as in a run of it."""
        if self._closed:
            raise RmrlError("the environment is closed: make a new one")
        if self._process is not None and self.seed == seed and self._process.close.alive:
            return
        if self._process is not None:
            self._process.close()
        self._process, self.seed = Process("env", *self._flags, "--seed", seed), seed
        self.described = self._process.ask(op="describe")
        if "grid" not in self.described:
            self.close()
            raise RmrlError("the program `rmrl` is older than this package: build both from one source")

    @property
    def pid(self):
        return self._process.pid

    def close(self):
        self._closed = True
        if self._process is not None:
            self._process.close()

    # Spaces

    def observation_space(self):
        side = self.described["image"]
        image = spaces.Box(0, 255, (side["height"], side["width"], 1), np.uint8)
        if not self.scene_id:
            return image
        scenes = self.described["scene_instances"] + self.described["held_out_instances"]
        return spaces.Dict({"image": image, "scene": spaces.Discrete(scenes)})

    def action_space(self):
        if self.action == "bins":
            return spaces.MultiDiscrete([self.described["bins"]] * 3)
        half = self.half().astype(np.float32)
        return spaces.Box(-half, half, dtype=np.float32)

    def half(self):
        """Half the range of corrections on x, y (mm) and yaw (deg)."""
        told = self.described["range"]
        return np.array([told["mm"], told["mm"], told["deg"]])

    # Trials

    def ask_to_prepare(self, phase, index, offset=None):
        if self._closed:
            raise RmrlError("the environment is closed: make a new one")
        question = {"phase": phase, "index": index}
        if offset is not None:
            question["offset"] = offset
        self._process.send(op="prepare", **question)

    def prepared(self):
        """The observation, and what a method may know besides it."""
        return self._seen(self._process.receive())

    def _seen(self, answer):
        side = self.described["image"]
        pixels = np.frombuffer(base64.b64decode(answer["image"]), np.uint8)
        image = pixels.reshape(side["height"], side["width"], 1).copy()
        seen = {"image": image, "scene": np.int64(answer["scene"])} if self.scene_id else image
        return seen, {"phase": answer["phase"], "trial": answer["trial"]}

    def ask_to_attempt(self, correction):
        self._process.send(op="attempt", correction=correction)

    def attempted(self):
        """The reward, and what is known of the trial."""
        return self._told(self._process.receive())

    @staticmethod
    def _told(answer):
        info = {"is_success": answer["success"], "outcome": answer["outcome"]}
        for signal in SIGNALS[1:]:
            if signal in answer:
                info[signal] = np.array(answer[signal])
        if "score" in answer:
            score = answer["score"]
            info["is_success"] = score["success"]
            info["translation_mm"], info["yaw_deg"] = score["translation_mm"], score["yaw_deg"]
        return float(answer["reward"]), info

    def correction(self, action):
        """[x_mm, y_mm, yaw_deg] of an action, which is checked first."""
        return self._of_bins(action) if self.action == "bins" else self._of_axes(action)

    def _of_bins(self, action):
        bins = self.described["bins"]
        valid = f"must be 3 integers from 0 to {bins - 1}: bins of x, y and yaw"
        given = _three(action, "iu", valid)
        if (given < 0).any() or (given >= bins).any():
            raise ValueError(f"action {action!r}: {valid}")
        grid = self.described["grid"]
        return [grid[axis][bin] for axis, bin in zip(AXES, given)]

    def _of_axes(self, action):
        half = self.half()
        valid = f"must be 3 numbers within +-{half[0]:g} mm, +-{half[1]:g} mm, +-{half[2]:g} deg"
        given = _three(action, "iuf", valid).astype(float)
        # The bounds of the action space are rounded to 32 bits.
        if not (np.abs(given) <= half * (1 + 1e-6)).all():
            raise ValueError(f"action {action!r}: {valid}")
        return np.clip(given, -half, half).tolist()


class Tasks(Task):
    """N worlds of one process: world i meets the trials i, i + N, i + 2 N ... of the seed."""

    def __init__(self, number, *arguments):
        super().__init__(*arguments, envs=number)

    def prepare(self):
        """What `Task.prepared` gives, of each world's next trial."""
        if self._closed:
            raise RmrlError("the environment is closed: make a new one")
        return [self._seen(answer) for answer in self._process.ask_each({"op": "prepare"})]

    def step(self, corrections):
        """What `Task.attempted` gives of each world, and what `prepare` gives after it."""
        steps = [{"op": "step", "correction": correction} for correction in corrections]
        answers = self._process.ask_each(steps)
        return [self._told(one) for one in answers], [self._seen(one["next"]) for one in answers]


def _three(action, kinds, valid):
    """An action as an array of three numbers of these kinds (numpy's dtype.kind)."""
    try:
        given = np.asarray(action)
    except (TypeError, ValueError) as error:
        raise ValueError(f"action {action!r}: {valid}") from error
    if given.dtype.kind not in kinds:
        raise TypeError(f"action {action!r} of type {given.dtype}: {valid}")
    if given.shape != (3,):
        raise ValueError(f"action {action!r} of shape {given.shape}: {valid}")
    return given


def _toml(value):
    """As TOML text, for --set; text is passed on as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml_inside, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml_inside(one)}" for key, one in value.items()) + " }"
    return str(value)


def _toml_inside(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else _toml(value)


def whole(name, value):
    """A number from 0 on that may be numpy's."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r}: must be a whole number from 0 on") from None
    if number < 0 or isinstance(value, bool):
        raise ValueError(f"{name}={value!r}: must be a whole number from 0 on")
    return number


def options_of(options):
    """(phase, index, offset) of `reset(options=...)`; index is None for the next training trial."""
    options = dict(options or {})
    phase, index = options.pop("phase", "train"), options.pop("index", None)
    offset = options.pop("offset", None)
    if options:
        raise ValueError(f"options: {', '.join(map(repr, options))}: must be phase, index or offset")
    if phase not in PHASES:
        raise ValueError(f"options: phase {phase!r}: must be one of {', '.join(PHASES)}")
    if index is not None:
        index = whole("index", index)
    elif phase != "train":
        raise ValueError(f"options: phase {phase!r} also needs \"index\", from 0 on")
    if offset is not None:
        offset = _three(offset, "iuf", "must be [x_mm, y_mm, yaw_deg]").tolist()
        if not all(map(math.isfinite, offset)):
            raise ValueError(f"options: offset {offset}: must be finite numbers")
    return phase, index, offset
