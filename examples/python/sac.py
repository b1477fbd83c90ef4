"""Stable-Baselines3's SAC on the task, with corrections in mm and deg: pip install . 'stable-baselines3>=2.6'

Some minutes without a GPU: a gradient step a trial, through five networks.
"""

import gymnasium
import rmrl  # makes rmrl/Place-... known
from stable_baselines3 import SAC

env = gymnasium.make("rmrl/Place-narrow-v0", action="continuous")
model = SAC("CnnPolicy", env, buffer_size=2000, learning_starts=100, batch_size=64, gamma=0.0, seed=1)
model.learn(env.unwrapped.task["trials"])
print(env.unwrapped.score(lambda image: model.predict(image, deterministic=True)[0]))
