"""Stable-Baselines3 with the package. Needs PyTorch: left out where that is not installed."""

import warnings

import pytest

import rmrl

stable_baselines3 = pytest.importorskip("stable_baselines3")


@pytest.mark.parametrize("action", ["bins", "continuous"])
@pytest.mark.parametrize("scene_id", [False, True])
def test_stable_baselines3_finds_nothing_wrong(make, action, scene_id):
    from stable_baselines3.common.env_checker import check_env

    env = make(action=action, scene_id=scene_id, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Corrections are in mm and deg.
        warnings.filterwarnings("ignore", message=".*symmetric and normalized Box.*")
        check_env(env.unwrapped)


def test_ppo_and_sac_train(make):
    from stable_baselines3 import PPO, SAC

    PPO("CnnPolicy", make(), n_steps=8, batch_size=8, n_epochs=1, seed=1).learn(16)
    sac = SAC("CnnPolicy", make(action="continuous"), buffer_size=100, learning_starts=8, seed=1)
    sac.learn(12)


def test_several_processes_of_stable_baselines3_leave_none_behind():
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import SubprocVecEnv

    from conftest import alive

    envs = make_vec_env("rmrl:rmrl/Place-narrow-v0", n_envs=2, seed=1, vec_env_cls=SubprocVecEnv)
    envs.reset()
    pids = envs.get_attr("pid")
    envs.close()
    assert pids and not any(map(alive, pids))
