import gymnasium
import numpy as np

from ._task import Task, options_of, whole


class PlaceEnv(gymnasium.Env):
    """Place a cell plate: a picture in, a correction out, one step an episode.

    Observation: 64 x 64 x 1 grey bytes of 2.5 mm, or what `task.image` says; with `scene_id=True` a Dict of `image` and `scene`,
    the number of the scene instance. Nothing is to be seen after the only step: its observation is
    the one that the episode began with.

    Action: `action="bins"`: a bin each of x, y and yaw; `"continuous"`: mm, mm and deg.

    Reward: as the experiment says, of the placement as measured.

    info of a step: `is_success` (within 1 mm and 1 deg on every axis), `outcome`, `phase`, `trial`;
    the error on x, y (mm) and yaw (deg) only where it is declared: `unsigned` with
    `signal="unsigned"`, `signed` too with `"signed"` (not of a trial without a placement). Outside
    training also `translation_mm` and `yaw_deg`, the true error.

    `reset(seed=S)` begins the trials of a run of seed S; without a seed, the next one is prepared, and one
    that was not attempted is prepared again. `reset(options={"phase": "held-out", "index": 3})`
    prepares an evaluation trial (or "in-scene", or "train"), `{"offset": [x_mm, y_mm, yaw_deg]}`
    puts the plate there.

    `experiment` is a built-in one or a TOML file; `sets` changes keys of it: `{"task.bins": 9}`.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}

    def __init__(self, experiment="narrow", *, action="bins", signal="scalar", scene_id=False,
                 sets=(), render_mode=None):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode={render_mode!r}: must be None or \"rgb_array\"")
        self.render_mode = render_mode
        self._task = Task(experiment, action, signal, scene_id, sets)
        self.action_space = self._task.action_space()
        self.observation_space = self._task.observation_space()
        self._next, self._prepared, self._seen = 0, None, None

    @property
    def task(self):
        """What the program says of the task: range, grid, image, trials, checkpoints, reward ..."""
        return self._task.described

    @property
    def pid(self):
        """The program's process."""
        return self._task.pid

    def reset(self, *, seed=None, options=None):
        phase, index, offset = options_of(options)
        if seed is not None:
            seed = whole("seed", seed)
        first = seed is None and self._np_random is None
        super().reset(seed=seed)
        if first:
            seed = int(self.np_random.integers(2**31))
        self._prepared = None
        if seed is not None:
            self._task.begin(seed)
            self._next = 0
        index = self._next if index is None else index
        self._task.ask_to_prepare(phase, index, offset)
        self._seen, info = self._task.prepared()
        self._prepared = info
        return self._seen, dict(info)

    def step(self, action):
        if self._prepared is None:
            raise gymnasium.error.ResetNeeded("an episode has one step: call reset() before each")
        self._task.ask_to_attempt(self._task.correction(action))
        reward, info = self._task.attempted()
        if self._prepared["phase"] == "train":
            self._next = self._prepared["trial"] + 1
        info |= self._prepared
        self._prepared = None
        return self._again(), reward, True, False, info

    def _again(self):
        """The observation once more, in memory of its own."""
        if isinstance(self._seen, dict):
            return {**self._seen, "image": self._seen["image"].copy()}
        return self._seen.copy()

    def render(self):
        if self.render_mode is None or self._seen is None:
            return None
        image = self._seen["image"] if isinstance(self._seen, dict) else self._seen
        return np.repeat(image, 3, axis=2)

    def score(self, policy, phase="in-scene", trials=None):
        """Means of a greedy policy (observation in, action out) over evaluation trials, as the report
        measures them: `translation_mm`, `yaw_deg`, `success` (a share). Training goes on where it
        was."""
        trials = self.task["evaluation_trials"] if trials is None else trials
        rows = []
        for index in range(trials):
            seen, _ = self.reset(options={"phase": phase, "index": index})
            info = self.step(policy(seen))[-1]
            rows.append([info["translation_mm"], info["yaw_deg"], info["is_success"]])
        return dict(zip(("translation_mm", "yaw_deg", "success"), np.mean(rows, axis=0).tolist()))

    def close(self):
        self._task.close()
