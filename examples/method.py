#!/usr/bin/env python3
"""A method of your own for rmrl: `rmrl compare narrow --methods no-correction,rm-rl,./method.py`.

Reward-weighted regression (Peters and Schaal, 2007) on what can be read off the picture: the correction
is linear in where the bright plate lies. Change Mine; the lines below it speak the protocol.
"""
import base64, json, math, os, random, sys

answers = os.fdopen(os.dup(1), "w")  # Answers alone go to stdout;
os.dup2(2, 1)  # whatever prints to it, a library in C too, prints to stderr.


class Mine:
    def __init__(self, hello):
        options, self.half = hello["options"], [hello["task"]["range"][k] for k in ("mm", "mm", "deg")]
        self.width = hello["task"]["image"]["width"]
        self.sigma = options.get("sigma", 0.4)  # of exploration, in half ranges
        self.temperature = options.get("temperature", 0.15)  # of rewards
        self.weights, self.seen = [[0.0] * 4 for _ in range(3)], []

    def features(self, image):
        """1, centre and turn of what is bright: about -1 to 1."""
        pixels, w = base64.b64decode(image), self.width
        bright = [(i % w, i // w) for i, p in enumerate(pixels) if p > 100]
        n = max(len(bright), 1)
        x, y = (sum(place[axis] for place in bright) / n for axis in (0, 1))
        xx, yy, xy = (sum((a[i] - m) * (a[j] - k) for a in bright) / n
                      for i, j, m, k in ((0, 0, x, x), (1, 1, y, y), (0, 1, x, y)))
        turn = 0.5 * math.atan2(2 * xy, xx - yy)
        return [1.0, x - w / 2, y - w / 2, math.degrees(turn) / 3]

    def act(self, view, explore, draw):
        """Millimetres and degrees: x, y, yaw. The same draw gives the same choice."""
        chance, f = random.Random(draw), self.features(view["image"])
        mean = [sum(w * v for w, v in zip(row, f)) for row in self.weights]
        moved = [m + explore * chance.gauss(0, self.sigma) for m in mean]
        return [h * min(1, max(-1, m)) for m, h in zip(moved, self.half)]

    def learn(self, trials):
        """After each batch; returns the loss, for the journal."""
        for t in trials:
            action = [c / h for c, h in zip(t["correction"], self.half)]
            self.seen.append((self.features(t["image"]), action, t["reward"]))
        best = max(r for _, _, r in self.seen)
        weighted = [(f, a, math.exp((r - best) / self.temperature)) for f, a, r in self.seen]
        self.weights = [self.regression(weighted, axis) for axis in range(3)]
        return -sum(t["reward"] for t in trials) / len(trials)

    def regression(self, weighted, axis, ridge=0.3):
        """Ridge regression of one axis, by Gauss and Jordan."""
        rows = [[sum(w * f[i] * f[j] for f, _, w in weighted) + ridge * (i == j) for j in range(4)]
                + [sum(w * f[i] * a[axis] for f, a, w in weighted)] for i in range(4)]
        for i in range(4):
            rows[i] = [v / rows[i][i] for v in rows[i]]
            rows = [r if j == i else [v - r[i] * u for v, u in zip(r, rows[i])] for j, r in enumerate(rows)]
        return [row[4] for row in rows]


for line in sys.stdin:
    q, answer = json.loads(line), {}
    if q["op"] == "hello":
        mine = Mine(q)
        answer = {"summary": "reward-weighted regression", "signal": "scalar", "context": "none"}
    elif q["op"] == "act":
        explore = q["mode"] == "explore"
        answer = {"corrections": [mine.act(v, explore, d) for v, d in zip(q["views"], q["draws"])]}
    elif q["op"] == "learn":
        answer = {"loss": mine.learn(q["trials"])}
    elif q["op"] == "save":  # All that learning changes: floats in JSON come back as they were.
        state = json.dumps([mine.weights, mine.seen]).encode()
        answer = {"state": base64.b64encode(state).decode()}
    elif q["op"] == "load":
        mine.weights, mine.seen = json.loads(base64.b64decode(q["state"]))
    print(json.dumps(answer), file=answers, flush=True)
