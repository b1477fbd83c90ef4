"""PPO in one file, over a vector of environments: pip install . torch

    python examples/python/ppo_one_file.py --seed 1 --trials 1000

All that the algorithm does is in view. An episode has one step, so that its return is its reward: no
bootstrapping, no discount, and the advantage is the reward less the critic's guess.
"""

import argparse

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

import rmrl  # makes rmrl/Place-... known


class Agent(nn.Module):
    """8 x 8 patches, merged 2 x 2; a head for each axis' bins, and one for the expected reward."""

    def __init__(self, bins):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 32, 8, 8), nn.ReLU(), nn.Conv2d(32, 64, 2, 2), nn.ReLU(),
            nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(),
        )
        self.actor, self.critic = nn.Linear(128, 3 * bins), nn.Linear(128, 1)
        for layer in (self.actor, self.critic):
            nn.init.zeros_(layer.bias)
            nn.init.normal_(layer.weight, std=0.01)

    def forward(self, images):
        images = torch.as_tensor(np.asarray(images)).permute(0, 3, 1, 2).float() / 255 - 0.25
        features = self.body(images)
        return Categorical(logits=self.actor(features).unflatten(1, (3, -1))), self.critic(features)[:, 0]


def update(agent, optimiser, batch, args):
    images, actions, old_log_prob, rewards = batch
    for _ in range(args.epochs):
        for rows in torch.randperm(len(rewards)).split(args.minibatch):
            policy, guess = agent(images[rows])
            advantage = rewards[rows] - guess.detach()
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            ratio = (policy.log_prob(actions[rows]).sum(1) - old_log_prob[rows]).exp()
            clipped = ratio.clamp(1 - args.clip, 1 + args.clip)
            gain = torch.min(ratio * advantage, clipped * advantage).mean()
            surprise = (guess - rewards[rows]).square().mean()
            loss = -gain + 0.5 * surprise - args.entropy * policy.entropy().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimiser.step()


def train(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    envs = gymnasium.make_vec("rmrl/Place-v0", num_envs=args.envs, experiment=args.experiment)
    agent = Agent(envs.task["bins"])
    optimiser = torch.optim.Adam(agent.parameters(), lr=args.lr)
    seen, _ = envs.reset(seed=args.seed)
    for made in range(0, args.trials, args.batch):
        batch = []
        for _ in range(args.batch // args.envs):
            with torch.no_grad():
                policy, _ = agent(seen)
                actions = policy.sample()
                log_prob = policy.log_prob(actions).sum(1)
            # Each step ends all episodes and begins the next ones.
            following, rewards, _, _, infos = envs.step(actions.numpy())
            batch.append((torch.as_tensor(seen), actions, log_prob, torch.as_tensor(rewards).float()))
            seen = following
        batch = [torch.cat(parts) for parts in zip(*batch)]
        update(agent, optimiser, batch, args)
        if (made // args.batch) % 10 == 0:
            print(f"{made + args.batch} trials: reward {batch[3].mean():.3f}", flush=True)
    envs.close()
    return agent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="narrow")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--envs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--minibatch", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--clip", type=float, default=0.2)
    parser.add_argument("--entropy", type=float, default=0.01)
    args = parser.parse_args()
    if args.batch % args.envs:
        parser.error(f"--batch {args.batch}: must be a multiple of --envs {args.envs}")
    agent = train(args)

    def greedy(image):
        with torch.no_grad():
            return agent(image[None])[0].probs[0].argmax(1).numpy()

    env = gymnasium.make("rmrl/Place-v0", experiment=args.experiment)
    env.reset(seed=args.seed)
    print(env.unwrapped.score(greedy))
    env.close()


if __name__ == "__main__":
    main()
