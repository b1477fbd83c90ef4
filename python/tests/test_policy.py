import json
import subprocess

import numpy as np
import pytest

import rmrl


def test_a_policy_places_as_the_program_evaluates_it(run, make):
    env = make(experiment="smoke", action="continuous").unwrapped
    with rmrl.policy(run) as policy:
        env.reset(seed=1)
        rows = []
        for index in range(5):
            # As `rmrl eval`: the phase's trials.
            image, _ = env.reset(options={"phase": "in-scene", "index": index})
            rows.append(env.step(policy(image))[-1]["translation_mm"])
    told = subprocess.run([rmrl.binary(), "eval", run, "--trials", "5", "--json"], check=True, capture_output=True)
    assert np.isclose(np.mean(rows), json.loads(told.stdout)["phases"]["in-scene"]["translation_mm"], rtol=1e-6)


def test_a_picture_of_another_shape_or_type_is_refused(run):
    with rmrl.policy(run) as policy:
        for image in (np.zeros((32, 32), np.uint8), np.zeros((64, 64)), np.zeros((64, 64, 3), np.uint8)):
            with pytest.raises(ValueError, match="must be"):
                policy(image)
        assert policy(np.zeros((64, 64), np.uint8)).shape == (3,)


def test_a_method_that_sees_the_truth_has_no_policy(tmp_path):
    command = [rmrl.binary(), "train", "smoke", "--method", "oracle", "--seed", "1", "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(rmrl.RmrlError, match="told the true offset"):
        rmrl.policy(tmp_path)


def test_a_method_that_knows_its_pose_wants_it(tmp_path):
    command = [rmrl.binary(), "train", "smoke", "--method", "direct-pose", "--seed", "1", "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    with rmrl.policy(tmp_path) as policy:
        assert policy.context == "pose"
        black = np.zeros((64, 64), np.uint8)
        with pytest.raises(rmrl.RmrlError, match="needs \"pose\""):
            policy(black)
        with pytest.raises(ValueError, match="x_mm"):
            policy(black, pose=[1, 2])
        assert np.allclose(policy(black, pose=[1, -2, 0.5]), [1, -2, 0.5], atol=1.0)


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(rmrl.RmrlError, match="--help"):
        rmrl.policy("--help")
