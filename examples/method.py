#!/usr/bin/env python3
"""A method of your own for rmrl: `rmrl compare narrow --methods no-correction,rm-rl,./method.py`.

It reads off the picture where the plate lies, and learns the matrix that makes the best correction of it. A
trial that went better than expected pulls the matrix towards what was tried; one that went worse pushes it
away. Change Mine; the lines below it speak the protocol.
"""
import base64, json, math, os, random, sys

answers = os.fdopen(os.dup(1), "w")  # Answers alone go to stdout;
os.dup2(2, 1)  # whatever prints to it, a library in C too, prints to stderr.

SETTINGS = {
    "uniform": {"default": 40, "min": 0, "max": 1000, "integer": True, "about": "first trials, at random"},
    "sigma": {"default": 0.5, "min": 0.01, "max": 3, "log": True, "about": "exploration after them, mm and deg"},
    "rate": {"default": 2.0, "min": 0.01, "max": 20, "log": True, "about": "size of the first step"},
    "rounds": {"default": 20, "min": 1, "max": 200, "integer": True, "about": "times that all trials are learned"},
}


class Mine:
    def __init__(self, hello):
        self.options = {key: setting["default"] for key, setting in SETTINGS.items()} | hello["options"]
        self.half = [hello["task"]["range"][unit] for unit in ("mm", "mm", "deg")]
        self.width = hello["task"]["image"]["width"]
        self.matrix, self.seen = [[0.0] * 4 for _ in range(3)], []

    def features(self, view):
        """1, centre (pixels) and turn (1 is 2.5 deg) of what is bright in the picture."""
        pixels = base64.b64decode(view["image"])
        dark = sum(pixels) / len(pixels)
        bright = [(i % self.width, i // self.width) for i, p in enumerate(pixels) if p > dark]
        x, y = (sum(place[axis] for place in bright) / len(bright) for axis in (0, 1))
        xx, yy, xy = (sum((p[i] - (x, y)[i]) * (p[j] - (x, y)[j]) for p in bright)
                      for i, j in ((0, 0), (1, 1), (0, 1)))
        turn = math.degrees(0.5 * math.atan2(2 * xy, xx - yy))
        return [1.0, x - self.width / 2, y - self.width / 2, turn / 2.5]

    def act(self, view, explore, draw):
        """x and y in mm, yaw in deg. The same draw gives the same choice."""
        chance, features = random.Random(draw), self.features(view)
        if explore and len(self.seen) < self.options["uniform"]:
            return [chance.uniform(-half, half) for half in self.half]
        sigma = explore * self.options["sigma"]
        best = [sum(m * f for m, f in zip(row, features)) + chance.gauss(0, sigma) for row in self.matrix]
        return [min(half, max(-half, b)) for b, half in zip(best, self.half)]

    def learn(self, trials):
        """After each batch. The reward is -(distance in mm + angle in deg) / 5; returns how far off that is."""
        self.seen += [(self.features(t), t["correction"], t["reward"]) for t in trials]
        steps, loss = self.options["rounds"] * len(self.seen), 0.0
        chance = random.Random(len(self.seen))
        for step in range(steps):
            features, tried, reward = chance.choice(self.seen)
            x, y, yaw = (t - sum(m * f for m, f in zip(row, features)) for t, row in zip(tried, self.matrix))
            distance, angle = math.sqrt(x * x + y * y + 0.1), math.sqrt(yaw * yaw + 0.1)  # 0.1: noise
            better = reward + (distance + angle) / 5
            rate = self.options["rate"] * (1 - step / steps) * better / 5
            for row, pull in zip(self.matrix, (x / distance, y / distance, yaw / angle)):
                row[:] = [m + rate * pull * f for m, f in zip(row, features)]
            loss += better**2 / steps
        return loss


for line in sys.stdin:
    question, answer = json.loads(line), {}
    if question["op"] == "hello":
        mine = Mine(question)
        answer = {"summary": "a matrix from the plate's place to the correction, fitted to the rewards",
                  "signal": "scalar", "context": "none", "settings": SETTINGS}
    elif question["op"] == "act":
        explore, pairs = question["mode"] == "explore", zip(question["views"], question["draws"])
        answer = {"corrections": [mine.act(view, explore, draw) for view, draw in pairs]}
    elif question["op"] == "learn":
        answer = {"loss": mine.learn(question["trials"])}
    elif question["op"] == "save":  # All that learning changes: floats in JSON come back as they were.
        answer = {"state": base64.b64encode(json.dumps([mine.matrix, mine.seen]).encode()).decode()}
    elif question["op"] == "load":
        mine.matrix, mine.seen = json.loads(base64.b64decode(question["state"]))
    print(json.dumps(answer), file=answers, flush=True)
