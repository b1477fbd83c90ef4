"""Stable-Baselines3's PPO and SAC as outside methods: a trial is an episode of one step, a correction is continuous.

    python3 -m venv ~/sb3 && ~/sb3/bin/pip install stable-baselines3

The updates are Stable-Baselines3's own (`PPO.train`, `SAC.train`), and so are buffers, policies, normalisation and
optimisers. Ours is what stands between them and the protocol: trials go into the buffers, the picture gets a form
(`policy`, `pixels`, `side`). In FILE.toml, in this folder:

    extends = "narrow"
    methods = [
      "no-correction",
      { name = "sb3-ppo", command = ["PYTHON", "sb3_method.py"], options = { algorithm = "ppo" }, timeout_s = 120 },
      { name = "sb3-sac", command = ["PYTHON", "sb3_method.py"], options = { algorithm = "sac" }, timeout_s = 120 },
    ]

where PYTHON is /home/me/sb3/bin/python. The first answer waits for the import of torch: hence `timeout_s`.

    rmrl compare FILE.toml --seeds 3
    rmrl tune FILE.toml --method sb3-ppo --budget 9 --seeds 3

Options have Stable-Baselines3's names where it has one, and each algorithm has its own. `gamma`, `gae_lambda` and
`tau` are missing: with one step nothing depends on them. A run that was cut off goes on with equal bits.
"""
import base64, hashlib, io, itertools, json, math, os, sys
from importlib.metadata import version

answers = os.fdopen(os.dup(1), "w")  # Answers alone go to stdout;
os.dup2(2, 1)  # whatever prints to it, a library in C too, prints to stderr.
sys.path.pop(0)  # This folder's statistics.py would hide Python's.


def number(default, low, high, about, log=False, integer=False):
    return {"default": default, "min": low, "max": high, "log": log, "integer": integer, "about": about}


SETTINGS = {
    "algorithm": {"default": "ppo", "choices": ["ppo", "sac"], "about": "of Stable-Baselines3"},
    "policy": {"default": "mlp", "choices": ["mlp", "cnn"], "about": "MlpPolicy, or CnnPolicy at full size"},
    "pixels": {"default": "image", "choices": ["raw", "image", "running"],
               "about": "raw: 0 to 1; image: mean 0 and deviation 1 in a picture; running: VecNormalize after that"},
    "epsilon": number(1e-8, 1e-8, 1, "VecNormalize's addition to a pixel's variance", log=True),
    "side": number(16, 4, 64, "pixels of a side to which mlp shrinks the picture", integer=True),
    "lr": number(3e-4, 1e-5, 0.1, "Adam's step size", log=True),
}
SETTINGS_OF = {
    "ppo": {
        "rollout": number(1, 1, 10, "batches between two updates", integer=True),
        "minibatch": number(64, 2, 512, "trials a gradient step", log=True, integer=True),
        "n_epochs": number(10, 1, 200, "times that an update sees each trial", log=True, integer=True),
        "clip_range": number(0.2, 0.02, 1, "of the ratio of probabilities", log=True),
        "ent_coef": number(0, 0, 0.1, "weight of the entropy in the loss"),
        "vf_coef": number(0.5, 0, 2, "weight of the critic in the loss"),
        "max_grad_norm": number(0.5, 0.01, 100, "of the gradient", log=True),
        "log_std_init": number(0, -4, 1, "log of the first deviation of an action; 1 is half the range"),
        "width": number(64, 8, 512, "of the two hidden layers", log=True, integer=True),
    },
    "sac": {
        "learning_starts": number(100, 0, 1000, "first trials, at random", integer=True),
        "gradient_steps": number(20, 1, 2000, "steps a batch of trials", log=True, integer=True),
        "minibatch": number(256, 2, 1024, "trials a gradient step", log=True, integer=True),
        "ent_init": number(1, 1e-4, 10, "first weight of the entropy; then it adapts (ent_coef = auto)", log=True),
        "target_entropy": number(-3, -20, 3, "of the actions, to which the weight adapts"),
        "width": number(256, 8, 512, "of the two hidden layers", log=True, integer=True),
    },
}

hello = json.loads(sys.stdin.readline())
algorithm = hello["options"].get("algorithm", "ppo")
SETTINGS |= SETTINGS_OF.get(algorithm, {})
answer = {"summary": f"{algorithm.upper()} of Stable-Baselines3 {version('stable-baselines3')}, one-step episodes",
          "signal": "scalar", "context": "none", "role": "rival", "settings": SETTINGS}
print(json.dumps(answer), file=answers, flush=True)
first = sys.stdin.readline()
if not first or json.loads(first)["op"] == "end":
    print("{}", file=answers, flush=True)
    sys.exit()

# Only now: this takes seconds, and a program is often asked what it is and nothing else.
import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Task(gym.Env):
    """The spaces. Stable-Baselines3 takes them from an environment, and never steps it here."""

    def __init__(self, observations):
        self.observation_space = observations
        self.action_space = gym.spaces.Box(-1, 1, (3,), np.float32)


class Method:
    def __init__(self, hello):
        torch.set_num_threads(1)  # a run has one core: others are beside it
        self.seed, task = hello["seed"], hello["task"]
        self.options = {key: setting["default"] for key, setting in SETTINGS.items()} | hello["options"]
        self.half = np.array([task["range"][unit] for unit in ("mm", "mm", "deg")])
        self.shape = task["image"]["height"], task["image"]["width"]
        self.batch = task["batch"]
        self.made, self.kept = 0, []  # trials learned from, and those of them that are needed again
        o = self.options
        env = DummyVecEnv([lambda: Task(self.observations())])
        self.running = VecNormalize(env, norm_reward=False, epsilon=o["epsilon"]) if o["pixels"] == "running" else None
        layers = {"net_arch": [o["width"]] * 2}
        if o["policy"] == "cnn":
            layers["normalize_images"] = o["pixels"] == "raw"
        name = {"mlp": "MlpPolicy", "cnn": "CnnPolicy"}[o["policy"]]
        common = {"learning_rate": o["lr"], "seed": self.seed % 2**32, "device": "cpu", "batch_size": o["minibatch"]}
        if o["algorithm"] == "ppo":
            self.model = PPO(
                name, self.running or env, n_steps=self.batch * o["rollout"], n_epochs=o["n_epochs"],
                clip_range=o["clip_range"], ent_coef=o["ent_coef"], vf_coef=o["vf_coef"],
                max_grad_norm=o["max_grad_norm"], policy_kwargs=layers | {"log_std_init": o["log_std_init"]}, **common)
        else:
            self.model = SAC(
                name, self.running or env, buffer_size=task["trials"], ent_coef=f"auto_{o['ent_init']}",
                target_entropy=float(o["target_entropy"]), policy_kwargs=layers, **common)
        self.model.set_logger(Logger(None, []))

    def observations(self):
        if self.options["policy"] == "mlp":
            return gym.spaces.Box(-np.inf, np.inf, (self.options["side"] ** 2,), np.float32)
        if self.options["pixels"] == "raw":
            return gym.spaces.Box(0, 255, (1, *self.shape), np.uint8)
        return gym.spaces.Box(-np.inf, np.inf, (1, *self.shape), np.float32)

    def seen(self, images):
        """What the algorithm sees, before VecNormalize."""
        grey = np.stack([np.frombuffer(base64.b64decode(image), np.uint8).reshape(1, *self.shape) for image in images])
        mlp, raw = self.options["policy"] == "mlp", self.options["pixels"] == "raw"
        if raw and not mlp:
            return grey
        pixels = torch.tensor(grey, dtype=torch.float32)
        if mlp:
            pixels = torch.nn.functional.interpolate(pixels, (self.options["side"],) * 2, mode="area").flatten(1)
        if raw:
            return (pixels / 255).numpy()
        pixels = pixels.flatten(1)
        pixels = (pixels - pixels.mean(1, keepdim=True)) / (pixels.std(1, keepdim=True) + 1)
        return pixels.numpy() if mlp else pixels.view(-1, 1, *self.shape).numpy()

    def normalised(self, seen):
        return self.running.normalize_obs(seen) if self.running else seen

    def reseed(self, *what):
        """All chance of the next call depends on this alone, so that no generator's state has to be kept."""
        digest = hashlib.sha256(repr((self.seed, *what)).encode()).digest()
        torch.manual_seed(int.from_bytes(digest[:8], "little"))
        np.random.seed(int.from_bytes(digest[8:12], "little"))

    def explore(self, view):
        """PPO: the action, its value and the log of its probability. SAC: the action alone.

        The noise depends on the picture and not on `draws`. PPO learns from the action before clipping; `learn`
        gives the clipped one, and the picture, from which the action is computed again, in a resumed run too.
        """
        self.reseed(view["image"])
        if self.options["algorithm"] == "sac" and self.made < self.options["learning_starts"]:
            return torch.rand(1, 3) * 2 - 1, None, None
        seen = self.normalised(self.seen([view["image"]]))
        if self.options["algorithm"] == "sac":
            return torch.as_tensor(self.model.predict(seen)[0]), None, None
        with torch.no_grad():
            return self.model.policy(torch.as_tensor(seen))

    def act(self, views, explore):
        """A correction a view, mm and deg."""
        if explore:
            actions = np.concatenate([self.explore(view)[0].numpy() for view in views])
        else:
            seen = self.normalised(self.seen([view["image"] for view in views]))
            actions = self.model.predict(seen, deterministic=True)[0]
        return (np.clip(actions.astype(np.float64), -1, 1) * self.half).tolist()

    def learn(self, trials):
        """After each batch; returns what Stable-Baselines3 logs."""
        self.made += len(trials)
        self.kept += [{key: trial[key] for key in ("image", "correction", "reward")} for trial in trials]
        self.model.logger.name_to_value.clear()
        self.learn_ppo() if self.options["algorithm"] == "ppo" else self.learn_sac(trials)
        logged = {key.split("/")[-1]: float(value) for key, value in self.model.logger.name_to_value.items()}
        return {key: value for key, value in logged.items() if math.isfinite(value)}

    def learn_ppo(self):
        if len(self.kept) < self.batch * self.options["rollout"]:
            return
        seen = self.seen([trial["image"] for trial in self.kept])
        buffer = RolloutBuffer(len(self.kept), self.model.observation_space, self.model.action_space,
                               device="cpu", gae_lambda=self.model.gae_lambda, gamma=self.model.gamma)
        for trial, image in zip(self.kept, seen):
            action, value, log_prob = self.explore(trial)
            if not np.allclose(np.clip(action[0].numpy(), -1, 1) * self.half, trial["correction"], atol=1e-4):
                raise ValueError(f"the correction {trial['correction']} is not the one that this picture was given")
            reward = np.array([trial["reward"]])
            buffer.add(self.normalised(image[None]), action.numpy(), reward, np.array([True]), value, log_prob)
        buffer.compute_returns_and_advantage(last_values=torch.zeros(1), dones=np.array([True]))
        self.model.rollout_buffer = buffer
        self.reseed("learn", self.made)
        self.model.train()
        self.kept = []
        if self.running:  # After it: until then the policy acted with the old figures.
            self.running.obs_rms.update(seen)

    def learn_sac(self, trials):
        seen = self.seen([trial["image"] for trial in trials])
        if self.running:
            self.running.obs_rms.update(seen)
        self.remember(trials, seen)
        if self.made >= self.options["learning_starts"]:
            self.reseed("learn", self.made)
            self.model.train(self.options["gradient_steps"], self.options["minibatch"])

    def remember(self, trials, seen):
        for trial, image in zip(trials, seen):
            action = (np.array([trial["correction"]]) / self.half).astype(np.float32)
            reward, done = np.array([trial["reward"]]), np.array([True])
            self.model.replay_buffer.add(image[None], image[None], action, reward, done, [{}])

    def save(self):
        """All that learning changes."""
        state = {"parameters": self.model.get_parameters(), "updates": self.model._n_updates,
                 "made": self.made, "kept": json.dumps(self.kept)}
        if self.options["algorithm"] == "sac":
            state["log_ent_coef"] = self.model.log_ent_coef.detach()
        if self.running:
            figures = self.running.obs_rms
            state["running"] = [torch.tensor(figures.mean), torch.tensor(figures.var), float(figures.count)]
        file = io.BytesIO()
        torch.save(state, file)
        return base64.b64encode(file.getvalue()).decode()

    def load(self, state):
        state = torch.load(io.BytesIO(base64.b64decode(state)), weights_only=True)
        self.model.set_parameters(state["parameters"], exact_match=True, device="cpu")
        self.model._n_updates, self.made, self.kept = state["updates"], state["made"], json.loads(state["kept"])
        if self.running:
            figures, (mean, variance, count) = self.running.obs_rms, state["running"]
            figures.mean, figures.var, figures.count = mean.numpy(), variance.numpy(), count
        if self.options["algorithm"] == "sac":
            self.model.log_ent_coef.data.copy_(state["log_ent_coef"])
            self.remember(self.kept, self.seen([trial["image"] for trial in self.kept]))


method = Method(hello)
for line in itertools.chain([first], sys.stdin):
    question, answer = json.loads(line), {}
    if question["op"] == "act":
        answer = {"corrections": method.act(question["views"], question["mode"] == "explore")}
    elif question["op"] == "learn":
        figures = method.learn(question["trials"])
        loss = figures.get("loss", figures.get("critic_loss"))  # none before the first update
        answer = {"diagnostics": figures} | ({} if loss is None else {"loss": loss})
    elif question["op"] == "save":
        answer = {"state": method.save()}
    elif question["op"] == "load":
        method.load(question["state"])
    print(json.dumps(answer), file=answers, flush=True)
