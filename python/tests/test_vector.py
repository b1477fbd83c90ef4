import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from conftest import alive

NOTHING = [3, 3, 3]


def test_a_vector_meets_the_trials_that_a_single_one_meets(make, make_vec):
    # What drifts is as old as the trial.
    drift = {"task.drift": [{"key": "fixture_x_mm", "at": 4, "to": 2.0}]}
    one = make(experiment="smoke", sets=drift)
    single = []
    for seed in (3, None, None, None, None, None, None, None):
        seen, info = one.reset(seed=seed)
        single.append((seen, one.step(NOTHING)[1]))
    envs = make_vec(experiment="smoke", sets=drift, num_envs=2)
    seen, _ = envs.reset(seed=3)
    for turn in range(4):
        before = seen
        seen, rewards, ended, cut, infos = envs.step([NOTHING] * 2)
        for at in range(2):
            trial = 2 * turn + at
            assert (before[at] == single[trial][0]).all() and rewards[at] == single[trial][1]
            assert (infos["final_obs"][at] == before[at]).all()
            assert infos["final_info"]["trial"][at] == trial and infos["trial"][at] == trial + 2
        assert ended.all() and not cut.any()


def test_a_vector_declares_that_it_resets_in_the_same_step(make_vec):
    envs = make_vec(num_envs=2, scene_id=True, signal="signed", render_mode="rgb_array")
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    seen, infos = envs.reset(seed=1)
    assert seen in envs.observation_space and seen["scene"].tolist() == [0, 1]
    seen, rewards, ended, cut, infos = envs.step(envs.action_space.sample())
    assert seen in envs.observation_space and seen["scene"].tolist() == [2, 3]
    assert infos["_final_obs"].all() and infos["final_info"]["is_success"].dtype == bool
    assert infos["final_info"]["unsigned"].shape == (2, 3)
    assert len(envs.render()) == 2


def test_other_ways_to_reset_are_refused(make_vec):
    for mode in (AutoresetMode.NEXT_STEP, "NextStep", AutoresetMode.DISABLED, "never"):
        with pytest.raises(ValueError, match="SAME_STEP"):
            make_vec(num_envs=2, autoreset_mode=mode)
    make_vec(num_envs=1, autoreset_mode="SameStep")


def test_a_vector_refuses_what_it_cannot_do(make_vec):
    envs = make_vec(num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs.step([NOTHING] * 2)
    for reset, said in (({"seed": [1, 2]}, "one number"), ({"options": {"phase": "in-scene", "index": 0}}, "training")):
        with pytest.raises(ValueError, match=said):
            envs.reset(**reset)
    envs.reset(seed=1)
    for actions in ([NOTHING], [NOTHING, [9, 9, 9]]):
        with pytest.raises(ValueError, match="must be"):
            envs.step(actions)
    assert envs.step([NOTHING] * 2)[4]["final_info"]["trial"].tolist() == [0, 1]
    with pytest.raises(ValueError, match="from 1 on"):
        make_vec(num_envs=0)


def test_a_vector_that_is_closed_twice_leaves_no_process(make_vec):
    envs = make_vec(num_envs=3)
    pid = envs.unwrapped.pid
    assert alive(pid)
    envs.close()
    envs.close()
    assert not alive(pid)
