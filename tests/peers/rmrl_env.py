"""The task of `rmrl env` as a Gymnasium environment: one-step episodes.

Observation: 64x64x1 uint8 image. Action: one bin an axis (x, y, yaw). Reward: as declared.
"""

import base64
import json
import subprocess

import gymnasium as gym
import numpy as np

SIDE = 64


class PlateEnv(gym.Env):
    """Speaks JSON lines with `rmrl env EXPERIMENT --seed SEED`."""

    def __init__(self, binary, experiment="narrow", seed=1):
        command = [binary, "env", experiment, "--seed", str(seed)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.spec_of_task = self.ask({"op": "describe"})
        bins = self.spec_of_task["bins"]
        self.action_space = gym.spaces.MultiDiscrete([bins] * 3)
        self.observation_space = gym.spaces.Box(0, 255, (SIDE, SIDE, 1), np.uint8)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def correction(self, bins):
        """Bins to millimetres and degrees: the grid's centres."""
        half = np.array([self.spec_of_task["range"][k] for k in ("mm", "mm", "deg")])
        return (-half + np.asarray(bins) * 2 * half / (self.spec_of_task["bins"] - 1)).tolist()

    def prepare(self, **trial):
        answer = self.ask({"op": "prepare", **trial})
        image = np.frombuffer(base64.b64decode(answer["image"]), np.uint8)
        return image.reshape(SIDE, SIDE, 1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.prepare(), {}

    def step(self, action):
        answer = self.ask({"op": "attempt", "correction": self.correction(action)})
        blank = np.zeros((SIDE, SIDE, 1), np.uint8)
        return blank, answer["reward"], True, False, answer

    def score(self, policy, phase):
        """Mean error (mm, deg) and success rate of a greedy policy, as the report measures it."""
        rows = []
        for index in range(self.spec_of_task["evaluation_trials"]):
            image = self.prepare(phase=phase, index=index)
            answer = self.ask({"op": "attempt", "correction": self.correction(policy(image))})
            score = answer["score"]
            rows.append([score["translation_mm"], score["yaw_deg"], score["success"]])
        return np.mean(rows, axis=0).tolist()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
