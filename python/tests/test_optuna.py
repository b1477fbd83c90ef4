import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna")

EXAMPLE = Path(__file__).parents[2] / "examples/python/optuna_tune.py"
WORDS = ["smoke", "--method", "ppo", "--seeds", "1", "--checkpoints", "20", "80"]
SPACE = ["--space", "lr=1e-4..1e-1:log", "--space", "epochs=1..8"]


def start(out, budget=5, space=SPACE):
    return subprocess.Popen([sys.executable, EXAMPLE, *WORDS, *space, "--budget", str(budget), "--out", str(out)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def whole(out, **keywords):
    process = start(out, **keywords)
    said, errors = process.communicate(timeout=500)
    return process.returncode, said, errors


def study(out):
    return optuna.load_study(study_name="rmrl", storage=f"sqlite:///{out / 'study.db'}")


def ended(out):
    """(state, setting, what was told on the way) of each setting that came to its end."""
    told = [trial for trial in study(out).trials if trial.state.is_finished()]
    told = [trial for trial in told if trial.state.name != "FAIL" or "failed" in trial.user_attrs]
    return [(trial.state.name, trial.params, trial.intermediate_values) for trial in told]


def test_optuna_tunes_a_method_and_prunes_what_is_not_worth_going_on_with(tmp_path):
    code, said, errors = whole(tmp_path)
    assert code == 0, errors
    states = [state for state, *_ in ended(tmp_path)]
    assert len(states) == 5 and set(states) <= {"COMPLETE", "PRUNED"}, states
    best = study(tmp_path).best_params
    assert f"--set ppo.lr={best['lr']!r}" in said and f"--set ppo.epochs={best['epochs']}" in said


def gone(group):
    """Waits until nobody of a killed group is left: a run belongs to whoever dies last."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("a killed group lives on")


@pytest.mark.skipif(os.name != "posix", reason="kills a group of processes")
def test_a_study_that_was_killed_comes_to_what_an_undisturbed_one_does(tmp_path):
    # More settings than are drawn at random (10), so that a draw depends on what came of those before.
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    code, _, errors = whole(undisturbed, budget=12)
    assert code == 0, errors
    cut = 0
    for lines, seconds in ((1, 0.3), (2, 0.05), (3, 0.6)):
        process = start(killed, budget=12)
        for _ in range(lines):
            assert process.stdout.readline(), process.stderr.read()
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        gone(process.pid)
        cut += any(trial.state.name == "RUNNING" for trial in study(killed).trials)
    assert cut, "no kill met a setting"
    code, _, errors = whole(killed, budget=12)
    assert code == 0, errors
    assert [trial.user_attrs.get("failed") for trial in study(killed).trials if "failed" in trial.user_attrs] == []
    assert ended(killed) == ended(undisturbed) and len(ended(killed)) == 12


def test_a_setting_that_fails_is_recorded_and_the_study_goes_on(tmp_path):
    # A learning rate below zero is refused.
    code, said, errors = whole(tmp_path, budget=6, space=["--space", "lr=-5e-2..1e-1"])
    assert code == 0, errors
    states = {"FAIL": 0, "COMPLETE": 0, "PRUNED": 0}
    for state, params, _ in ended(tmp_path):
        states[state] += 1
        assert (state == "FAIL") == (params["lr"] <= 0)
    assert states["FAIL"] and states["COMPLETE"] and sum(states.values()) == 6, states
    assert said.count(": failed: ") == states["FAIL"] and "lr" in said
    # Told again, there is nothing left to do.
    code, again, errors = whole(tmp_path, budget=6, space=["--space", "lr=-5e-2..1e-1"])
    assert code == 0 and again == said.splitlines()[-1] + "\n", errors


def test_a_study_without_a_setting_that_works_says_why(tmp_path):
    code, said, errors = whole(tmp_path, budget=2, space=["--space", "lr=-2.0..-1.0"])
    assert code == 1 and len(ended(tmp_path)) == 2
    assert errors.splitlines()[-1].startswith("optuna_tune: no setting came to its end") and "lr" in errors, errors


def test_a_range_that_is_none_is_refused_with_what_is_valid():
    done = subprocess.run([sys.executable, EXAMPLE, "smoke", "--method", "ppo", "--space", "lr=fast"],
                          capture_output=True, text=True)
    assert done.returncode == 2 and "must be KEY=LOW..HIGH" in done.stderr
