#!/usr/bin/env python3
"""A method with a network in PyTorch: `rmrl compare narrow --methods no-correction,rm-rl,./method_torch.py`.

The policy maps the picture to a correction. It is trained so that a model of the reward (the nearer to the
policy's choice, the better) fits all trials so far, drawn again and again. Change Mine; the lines below it
speak the protocol. Needs `pip install torch`.
"""
import base64, io, json, os, sys

answers = os.fdopen(os.dup(1), "w")  # Answers alone go to stdout;
os.dup2(2, 1)  # whatever prints to it, a library in C too, prints to stderr.

import torch
from torch import nn

SETTINGS = {
    "lr": {"default": 1e-3, "min": 1e-5, "max": 0.1, "log": True, "about": "Adam's step size"},
    "steps": {"default": 100, "min": 1, "max": 2000, "integer": True, "about": "gradient steps a batch"},
    "uniform": {"default": 40, "min": 0, "max": 1000, "integer": True, "about": "first trials, at random"},
    "sigma": {"default": 0.5, "min": 0.01, "max": 3, "log": True, "about": "exploration after them, mm and deg"},
}


class Policy(nn.Module):
    """Pictures to corrections, and the shape of the reward around them."""

    def __init__(self, scale):
        super().__init__()
        self.register_buffer("scale", scale)
        self.layers = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 3))
        self.top = nn.Parameter(torch.zeros(()))
        self.slopes, self.blunt = nn.Parameter(torch.full((2,), -1.6)), nn.Parameter(torch.tensor(-1.0))  # logs

    def forward(self, images):
        pixels = images.float()
        pixels = (pixels - pixels.mean((1, 2), keepdim=True)) / (pixels.std((1, 2), keepdim=True) + 1)
        return self.layers(pixels) * self.scale

    def rewards(self, images, corrections):
        """What these corrections should have earned."""
        squares = (corrections - self(images)) ** 2
        squares = torch.stack([squares[:, 0] + squares[:, 1], squares[:, 2]], 1)
        return self.top - (self.slopes.exp() * (squares + self.blunt.exp() ** 2).sqrt()).sum(1)


class Mine:
    def __init__(self, hello):
        torch.set_num_threads(1)  # a run has one core: others are beside it
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(hello["seed"])
        self.options = {key: setting["default"] for key, setting in SETTINGS.items()} | hello["options"]
        task = hello["task"]
        self.side = task["image"]["height"], task["image"]["width"]
        self.half = [task["range"][unit] for unit in ("mm", "mm", "deg")]
        self.policy = Policy(torch.tensor(self.half, dtype=torch.float32))
        self.adam = torch.optim.Adam(self.policy.parameters(), self.options["lr"])
        self.images = torch.zeros((0, *self.side), dtype=torch.uint8)
        self.corrections, self.rewards = torch.zeros(0, 3), torch.zeros(0)

    def pictures(self, all):
        raw = b"".join(base64.b64decode(each["image"]) for each in all)
        return torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, *self.side)

    @torch.no_grad()
    def act(self, views, explore, draws):
        """A correction a view, mm and deg. The same draw gives the same choice."""
        best = self.policy(self.pictures(views))
        for row, draw in zip(best, draws if explore else []):
            chance = torch.Generator().manual_seed(int(draw, 16))
            if len(self.rewards) < self.options["uniform"]:
                row[:] = self.policy.scale * (2 * torch.rand(3, generator=chance) - 1)
            else:
                row += self.options["sigma"] * torch.randn(3, generator=chance)
        return [[min(h, max(-h, b)) for b, h in zip(row, self.half)] for row in best.tolist()]

    def learn(self, trials):
        """After each batch; returns the mean loss."""
        self.images = torch.cat([self.images, self.pictures(trials)])
        self.corrections = torch.cat([self.corrections, torch.tensor([t["correction"] for t in trials])])
        self.rewards = torch.cat([self.rewards, torch.tensor([t["reward"] for t in trials])])
        chance, total = torch.Generator().manual_seed(len(self.rewards)), 0.0
        for _ in range(self.options["steps"]):
            i = torch.randint(len(self.rewards), (64,), generator=chance)
            expected = self.policy.rewards(self.images[i], self.corrections[i])
            loss = (25 * (expected - self.rewards[i]) ** 2).mean()
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()
            total += loss.item()
        return total / self.options["steps"]

    def save(self):
        """All that learning changes."""
        state = {"policy": self.policy.state_dict(), "adam": self.adam.state_dict(), "images": self.images,
                 "corrections": self.corrections, "rewards": self.rewards}
        file = io.BytesIO()
        torch.save(state, file)
        return base64.b64encode(file.getvalue()).decode()

    def load(self, state):
        state = torch.load(io.BytesIO(base64.b64decode(state)), weights_only=True)
        self.policy.load_state_dict(state["policy"])
        self.adam.load_state_dict(state["adam"])
        self.images, self.corrections, self.rewards = (state[k] for k in ("images", "corrections", "rewards"))


def own_files():
    """What you import from beside this file: a change of it makes another method."""
    here = os.path.dirname(os.path.abspath(__file__))
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    beside = {f for f in loaded if f and os.path.dirname(os.path.abspath(f)) == here and os.path.isfile(f)}
    return sorted(os.path.relpath(f) for f in beside)


for line in sys.stdin:
    question, answer = json.loads(line), {}
    if question["op"] == "hello":
        mine = Mine(question)
        answer = {"summary": "a network fitted to the rewards", "signal": "scalar", "context": "none",
                  "settings": SETTINGS, "files": own_files()}
    elif question["op"] == "act":
        explore = question["mode"] == "explore"
        answer = {"corrections": mine.act(question["views"], explore, question["draws"])}
    elif question["op"] == "learn":
        answer = {"loss": mine.learn(question["trials"])}
    elif question["op"] == "save":
        answer = {"state": mine.save()}
    elif question["op"] == "load":
        mine.load(question["state"])
    print(json.dumps(answer), file=answers, flush=True)
