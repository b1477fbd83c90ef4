"""Stable-Baselines3's PPO on the same task, through the Python package: does our PPO agree with it?

    pip install stable-baselines3 gymnasium torch
    python tests/peers/sb3_ppo.py --binary target/release/rmrl --seeds 10 \
        --ours results/narrow/summary.json --out results/peers/sb3_ppo.json

The same batch, minibatch, epochs, learning rate, clip and entropy as ours (read from the summary's
program, `rmrl methods ppo`), and a patch-embedding network of the same widths; the critic, the
advantage and all else are Stable-Baselines3's own. It has none of our tricks (smoothed targets,
local exploration, decoding by expectation), so ours is best compared with them switched off:

    rmrl compare narrow --methods ppo --seeds 10 --set ppo.target_sigma_bins=0 \
        --set ppo.explore_prob=0 --set 'ppo.decode="argmax"' --out runs/plain-ppo
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

# From the sources: the program is the one that --binary names.
sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
from rmrl import PlaceEnv


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
    """Interquartile mean, whole runs cut, as rmrl and scipy.stats.trim_mean(values, 0.25) do."""
    cut = len(values) // 4
    return float(np.mean(np.sort(values)[cut : len(values) - cut]))


def our_settings(binary):
    """The defaults of our PPO, as the program prints them."""
    text = subprocess.run([binary, "methods", "ppo"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" = ") for line in text.replace("  ", "").splitlines() if " = " in line)


def interval(values, resamples=20_000):
    draw = np.random.default_rng(0)
    picks = draw.integers(0, len(values), (resamples, len(values)))
    means = [iqm(np.asarray(values)[p]) for p in picks]
    return [float(v) for v in np.percentile(means, [2.5, 97.5])]


def train(args, seed):
    env = PlaceEnv(args.experiment)
    model = PPO(
        "CnnPolicy", env, seed=seed, device="cpu", verbose=0, gamma=1.0, gae_lambda=1.0,
        n_steps=20, batch_size=args.minibatch, n_epochs=args.epochs, learning_rate=args.lr,
        clip_range=args.clip, ent_coef=args.entropy, vf_coef=0.5, max_grad_norm=5.0,
        policy_kwargs={"features_extractor_class": Patches, "net_arch": []},
    )
    model.learn(env.task["trials"])
    greedy = lambda image: model.predict(image, deterministic=True)[0]
    result = {phase: list(env.score(greedy, phase).values()) for phase in ("in-scene", "held-out")}
    env.close()
    print(f"seed {seed}: {result}", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/rmrl")
    parser.add_argument("--experiment", default="narrow")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ours", help="summary.json to compare with")
    parser.add_argument("--out")
    args = parser.parse_args()
    os.environ["RMRL"] = args.binary
    ours = our_settings(args.binary)
    args.epochs, args.minibatch = int(ours["epochs"]), int(ours["minibatch"])
    args.lr, args.clip, args.entropy = (float(ours[k]) for k in ("lr", "clip", "entropy"))
    torch.set_num_threads(1)
    runs = [train(args, seed) for seed in range(1, args.seeds + 1)]
    report = {
        "peer": f"stable-baselines3 {stable_baselines3.__version__}, torch {torch.__version__}",
        "python": platform.python_version(),
        "settings": {k: getattr(args, k) for k in ("experiment", "seeds", "epochs", "minibatch", "lr", "clip", "entropy")},
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
