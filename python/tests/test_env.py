import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rmrl

IDS = ["rmrl/Place-narrow-v0", "rmrl/Place-wide-v0", "rmrl/Place-shelf-v0", "rmrl/Place-drift-v0"]
NOTHING = {"bins": [3, 3, 3], "continuous": np.zeros(3, np.float32)}


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("action", ["bins", "continuous"])
@pytest.mark.parametrize("scene_id", [False, True])
def test_gymnasium_finds_nothing_wrong(make, id, action, scene_id):
    env = make(id, action=action, scene_id=scene_id, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*alternative render modes.*")
        warnings.filterwarnings("ignore", message=".*recommend using a symmetric and normalized.*")
        check_env(env.unwrapped)


def test_a_seed_chooses_the_draws(make):
    env = make()

    def pictures(seed):
        seen = [env.reset(seed=seed)[0]]
        for _ in range(2):
            env.step([3, 3, 3])
            seen.append(env.reset()[0])
        return np.array(seen)

    first, other, again = pictures(1), pictures(2), pictures(1)
    assert (first == again).all()
    assert (first != other).any()


def test_without_a_seed_two_environments_meet_different_trials(make):
    assert (make().reset()[0] != make().reset()[0]).any()


def test_a_trial_that_was_not_attempted_is_prepared_again(make):
    env = make()
    first, info = env.reset(seed=1)
    assert info["trial"] == 0
    assert (env.reset()[0] == first).all()
    env.step([3, 3, 3])
    assert env.reset()[1]["trial"] == 1


def test_bins_are_the_centres_of_the_grid(make):
    bins, continuous = make(), make(action="continuous")
    rewards = []
    for env, action in ((bins, [6, 0, 4]), (continuous, [3.0, -3.0, 1.0])):
        env.reset(seed=5)
        rewards.append(env.step(np.array(action))[1])
    assert rewards[0] == rewards[1]


def test_any_experiment_and_changes_of_its_keys_can_be_had(make, tmp_path):
    file = tmp_path / "five.toml"
    file.write_text('extends = "smoke"\nname = "five"\n[task]\nrange = { mm = 5.0, deg = 4.0 }\n')
    env = make("rmrl/Place-v0", experiment=file, sets={"task.bins": 9}, action="continuous")
    assert env.unwrapped.task["experiment"] == "five"
    assert env.action_space.high.tolist() == [5.0, 5.0, 4.0]
    assert env.unwrapped.task["bins"] == 9


def test_pictures_are_of_the_tasks_size(make):
    env = make(experiment="smoke", sets={"task.image": {"px": 32, "mm": 128.0}})
    seen, _ = env.reset(seed=1)
    assert seen.shape == env.observation_space.shape == (32, 32, 1)
    assert env.unwrapped.task["image"]["mm_per_pixel"] == 4


def test_every_outermost_action_is_within_the_range(make):
    # 0.1 is larger as a 32-bit number.
    env = make(experiment="smoke", action="continuous", sets={"task.range": {"mm": 0.1, "deg": 0.1}})
    env.reset(seed=1)
    env.step(env.action_space.high)


def test_errors_are_told_only_where_the_signal_is_declared(make):
    for signal, keys in (("scalar", []), ("unsigned", ["unsigned"]), ("signed", ["signed", "unsigned"])):
        env = make(signal=signal)
        env.reset(seed=1)
        info = env.step([3, 3, 3])[-1]
        assert sorted({"unsigned", "signed"} & set(info)) == keys
        assert "translation_mm" not in info
        if keys:
            assert info["unsigned"].shape == (3,)


def test_success_agrees_with_the_error_as_measured(make):
    env = make(signal="unsigned")
    env.reset(seed=1)
    seen = set()
    for _ in range(60):
        info = env.step([3, 3, 3])[-1]
        assert info["is_success"] == (info["outcome"] == "placed" and bool((info["unsigned"] < 1).all()))
        seen.add(info["is_success"])
        env.reset()
    assert seen == {True, False}


def test_evaluation_tells_the_true_error_and_leaves_training_where_it_was(make):
    env = make()
    env.reset(seed=1)
    env.step([3, 3, 3])
    seen, info = env.reset(options={"phase": "held-out", "index": 2})
    assert (info["phase"], info["trial"]) == ("held-out", 2)
    info = env.step([3, 3, 3])[-1]
    assert info["translation_mm"] > 0
    assert env.reset()[1] == {"phase": "train", "trial": 1}
    score = env.unwrapped.score(lambda image: [3, 3, 3], trials=4)
    assert set(score) == {"translation_mm", "yaw_deg", "success"}


def test_a_plate_can_be_put_where_it_is_wanted(make):
    env = make(action="continuous", signal="unsigned")
    env.reset(seed=1, options={"offset": [1.5, -1, 2]})
    right = env.step(np.array([1.5, -1, 2]))[-1]
    assert (right["unsigned"] < 1).all()


def test_the_scene_is_told_where_it_is_declared(make):
    env = make(scene_id=True)
    seen, _ = env.reset(seed=1)
    assert seen["scene"] == 0
    seen, _ = env.reset(options={"phase": "held-out", "index": 0})
    assert seen in env.observation_space


def test_a_picture_is_rendered(make):
    env = make(render_mode="rgb_array")
    seen, _ = env.reset(seed=1)
    assert (env.render() == seen).all() and env.render().shape == (64, 64, 3)


@pytest.mark.parametrize("action", [(np.int64(1), 2, np.uint8(3)), np.array([1, 2, 3], np.int32), [6, 0, 3]])
def test_numbers_of_numpy_are_actions_too(make, action):
    env = make()
    env.reset(seed=1)
    env.step(action)


@pytest.mark.parametrize("kind, action, error, valid", [
    ("bins", [7, 0, 0], ValueError, "from 0 to 6"),
    ("bins", [-1, 0, 0], ValueError, "from 0 to 6"),
    ("bins", [1.0, 0, 0], TypeError, "integers"),
    ("bins", [True, False, True], TypeError, "integers"),
    ("bins", "left", TypeError, "integers"),
    ("bins", None, TypeError, "integers"),
    ("bins", 3, ValueError, "3 integers"),
    ("bins", [1, 2], ValueError, "3 integers"),
    ("bins", [[1, 2, 3]], ValueError, "3 integers"),
    ("bins", [[1], 2, 3], ValueError, "3 integers"),
    ("continuous", [9, 0, 0], ValueError, "+-3 mm"),
    ("continuous", [0, 0, -3.01], ValueError, "+-3 deg"),
    ("continuous", [float("nan"), 0, 0], ValueError, "+-3 mm"),
    ("continuous", [float("inf"), 0, 0], ValueError, "+-3 mm"),
    ("continuous", ["1", "2", "3"], TypeError, "3 numbers"),
    ("continuous", [1j, 0, 0], TypeError, "3 numbers"),
    ("continuous", np.zeros(4), ValueError, "3 numbers"),
])
def test_what_is_no_action_is_refused_and_the_trial_waits(make, kind, action, error, valid):
    env = make(action=kind).unwrapped
    env.reset(seed=1)
    with pytest.raises(error) as told:
        env.step(action)
    assert valid in str(told.value)
    assert env.step(NOTHING[kind])[-1]["trial"] == 0


@pytest.mark.parametrize("keywords, said", [
    ({"action": "both"}, "bins, continuous"),
    ({"signal": "all"}, "scalar, unsigned, signed"),
    ({"render_mode": "human"}, "rgb_array"),
    ({"sets": ["trials"]}, "KEY=VALUE"),
])
def test_what_is_no_keyword_is_refused_with_what_is_valid(keywords, said):
    with pytest.raises(ValueError, match=said):
        rmrl.PlaceEnv(**keywords)


@pytest.mark.parametrize("reset, error, said", [
    ({"seed": -1}, ValueError, "seed=-1"),
    ({"seed": 1.5}, TypeError, "seed=1.5"),
    ({"options": {"phase": "test"}}, ValueError, "in-scene"),
    ({"options": {"phase": "in-scene"}}, ValueError, "index"),
    ({"options": {"index": -1}}, ValueError, "index=-1"),
    ({"options": {"colour": 1}}, ValueError, "colour"),
    ({"options": {"offset": [0, 0]}}, ValueError, "x_mm"),
    ({"options": {"offset": [0, 0, float("nan")]}}, ValueError, "finite"),
    ({"options": {"offset": [90, 0, 0]}}, rmrl.RmrlError, "must be from"),
])
def test_a_wrong_reset_is_refused_with_what_is_valid(make, reset, error, said):
    env = make().unwrapped
    with pytest.raises(error, match=said):
        env.reset(**reset)
    env.reset(seed=1)
    env.step([3, 3, 3])


def test_an_error_of_the_program_is_an_exception_with_its_message():
    with pytest.raises(rmrl.RmrlError, match="narrow, wide"):
        rmrl.PlaceEnv("narow")
    with pytest.raises(rmrl.RmrlError, match="task.bins"):
        rmrl.PlaceEnv("narrow", sets={"task.bins": 1})


def test_a_step_needs_a_reset_before_it(make):
    env = make()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step([3, 3, 3])
    env.reset(seed=1)
    env.step([3, 3, 3])
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step([3, 3, 3])
