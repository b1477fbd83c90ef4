import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

from ._task import Tasks, options_of, whole


class PlaceVectorEnv(VectorEnv):
    """N environments in step, a thread of one process each: env i meets the trials i, i + N,
    i + 2 N ... of one seed, so that together they meet what a single one meets.

    An episode has one step, so each step returns the next trial's observation (SAME_STEP; with
    NEXT_STEP every other step would be idle): the one it ended with is `infos["final_obs"]`, and
    what is known of it `infos["final_info"]`. The keywords are those of `PlaceEnv`.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1, "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, num_envs=1, experiment="narrow", *, action="bins", signal="scalar",
                 scene_id=False, sets=(), render_mode=None, autoreset_mode=AutoresetMode.SAME_STEP):
        if _mode(autoreset_mode) is not AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset_mode={autoreset_mode!r}: must be SAME_STEP, as episodes have one step")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode={render_mode!r}: must be None or \"rgb_array\"")
        self.num_envs = whole("num_envs", num_envs)
        if self.num_envs == 0:
            raise ValueError("num_envs=0: must be from 1 on")
        self.render_mode = render_mode
        self._tasks = Tasks(self.num_envs, experiment, action, signal, scene_id, sets)
        self.single_action_space = self._tasks.action_space()
        self.single_observation_space = self._tasks.observation_space()
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._seen = self._infos = None

    @property
    def task(self):
        """What the program says of the task."""
        return self._tasks.described

    @property
    def pid(self):
        """The program's process."""
        return self._tasks.pid

    def reset(self, *, seed=None, options=None):
        if isinstance(seed, (list, tuple, np.ndarray)):
            raise ValueError("seed: must be one number: the environments share the trials of one seed")
        if options_of(options) != ("train", None, None):
            raise ValueError("options: a vector of environments makes training trials alone; "
                             "evaluate with gymnasium.make")
        if seed is not None:
            seed = whole("seed", seed)
        first = seed is None and self._np_random is None
        super().reset(seed=seed)
        if first:
            seed = int(self.np_random.integers(2**31))
        if seed is not None:
            self._tasks.begin(seed)
        self._show(self._tasks.prepare())
        return self._together(self._seen), self._merged(self._infos)

    def step(self, actions):
        if self._seen is None:
            raise gymnasium.error.ResetNeeded("call reset() before the first step")
        if len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions: must be one an environment, {self.num_envs}")
        # All are checked before anything is tried.
        corrections = [self._tasks.correction(action) for action in actions]
        ended, before, self._seen = self._seen, self._infos, None
        told, following = self._tasks.step(corrections)
        rewards = np.array([reward for reward, _ in told])
        self._show(following)
        infos = {}
        for at, ((_, info), began) in enumerate(zip(told, before)):
            final = {"final_obs": ended[at], "final_info": {**info, **began}}
            infos = self._add_info(self._add_info(infos, final, at), self._infos[at], at)
        done = np.ones(self.num_envs, bool)
        return self._together(self._seen), rewards, done, np.zeros(self.num_envs, bool), infos

    def _show(self, prepared):
        self._seen = [seen for seen, _ in prepared]
        self._infos = [info for _, info in prepared]

    def _together(self, seen):
        room = create_empty_array(self.single_observation_space, self.num_envs)
        return concatenate(self.single_observation_space, seen, room)

    def _merged(self, infos):
        merged = {}
        for at, info in enumerate(infos):
            merged = self._add_info(merged, info, at)
        return merged

    def render(self):
        if self.render_mode is None or self._seen is None:
            return None
        images = [seen["image"] if isinstance(seen, dict) else seen for seen in self._seen]
        return tuple(np.repeat(image, 3, axis=2) for image in images)

    def close_extras(self, **kwargs):
        self._tasks.close()


def _mode(given):
    try:
        return AutoresetMode(given)
    except ValueError:
        return None
