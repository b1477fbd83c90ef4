"""Stable-Baselines3's PPO on the task: pip install . 'stable-baselines3>=2.6'

A batch is 20 trials, as that of rmrl's own learners; SB3's default is 2,048, more than a run has.
"""

import gymnasium
import rmrl  # makes rmrl/Place-... known
from stable_baselines3 import PPO

env = gymnasium.make("rmrl/Place-narrow-v0")
model = PPO("CnnPolicy", env, n_steps=20, batch_size=20, gamma=1.0, seed=1).learn(env.unwrapped.task["trials"])
print(env.unwrapped.score(lambda image: model.predict(image, deterministic=True)[0]))
