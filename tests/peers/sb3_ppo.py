"""Stable-Baselines3's PPO on the same task, through `rmrl env`: does our PPO agree with it?

    pip install stable-baselines3 gymnasium torch
    python tests/peers/sb3_ppo.py --binary target/release/rmrl --seeds 10 \
        --ours results/narrow/summary.json --out results/peers/sb3_ppo.json

The same batch, epochs, learning rate, clip and entropy as ours, and a patch-embedding network of
the same widths; the critic, the advantage and all else are Stable-Baselines3's own.
"""

import argparse
import json
import platform

import numpy as np
import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from rmrl_env import PlateEnv


class Patches(BaseFeaturesExtractor):
    """8x8 patches x32, 2x2 merge x64, dense 128."""

    def __init__(self, space):
        super().__init__(space, 128)
        self.net = nn.Sequential(
            nn.Conv2d(1, 32, 8, 8), nn.ReLU(),
            nn.Conv2d(32, 64, 2, 2), nn.ReLU(),
            nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(),
        )

    def forward(self, image):
        return self.net(image)


def iqm(values):
    values = np.sort(values)
    cut = len(values) / 4
    weight = np.clip(np.minimum(np.arange(1, len(values) + 1) - cut,
                                len(values) - cut - np.arange(len(values))), 0, 1)
    return float(np.sum(weight * values) / np.sum(weight))


def interval(values, resamples=20_000):
    draw = np.random.default_rng(0)
    picks = draw.integers(0, len(values), (resamples, len(values)))
    means = [iqm(np.asarray(values)[p]) for p in picks]
    return [float(v) for v in np.percentile(means, [2.5, 97.5])]


def train(args, seed):
    env = PlateEnv(args.binary, args.experiment, seed)
    model = PPO(
        "CnnPolicy", env, seed=seed, device="cpu", verbose=0, gamma=1.0, gae_lambda=1.0,
        n_steps=20, batch_size=20, n_epochs=args.epochs, learning_rate=args.lr,
        clip_range=0.2, ent_coef=args.entropy, vf_coef=0.5, max_grad_norm=5.0,
        policy_kwargs={"features_extractor_class": Patches, "net_arch": []},
    )
    model.learn(env.spec_of_task["trials"])
    greedy = lambda image: model.predict(image.transpose(2, 0, 1), deterministic=True)[0]
    result = {phase: env.score(greedy, phase) for phase in ("in-scene", "held-out")}
    env.close()
    print(f"seed {seed}: {result}", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/rmrl")
    parser.add_argument("--experiment", default="narrow")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--entropy", type=float, default=0.01)
    parser.add_argument("--ours", help="summary.json to compare with")
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs = [train(args, seed) for seed in range(1, args.seeds + 1)]
    report = {
        "peer": f"stable-baselines3 {stable_baselines3.__version__}, torch {torch.__version__}",
        "python": platform.python_version(),
        "settings": {k: getattr(args, k) for k in ("experiment", "seeds", "epochs", "lr", "entropy")},
    }
    for phase in ("in-scene", "held-out"):
        for at, key in enumerate(("translation_mm", "yaw_deg", "success_rate")):
            values = [run[phase][at] for run in runs]
            report.setdefault(phase, {})[key] = {"iqm": iqm(values), "ci95": interval(values), "runs": values}
    if args.ours:
        ours = json.load(open(args.ours))["methods"]["ppo"]
        report["ours"] = {k: ours[k] for k in ("translation_mm", "yaw_deg")}
        for key in ("translation_mm", "yaw_deg"):
            theirs = report["in-scene"][key]["iqm"]
            agrees = ours[key]["ci95"][0] <= theirs <= ours[key]["ci95"][1]
            verdict = "within our interval" if agrees else "ours is better" if ours[key]["iqm"] < theirs else "ours is worse"
            report["ours"][key + "_verdict"] = verdict
            print(f"{key}: theirs {theirs:.3f}, ours {ours[key]['iqm']:.3f} {ours[key]['ci95']}: {verdict}")
    if args.out:
        json.dump(report, open(args.out, "w"), indent=1)


if __name__ == "__main__":
    main()
