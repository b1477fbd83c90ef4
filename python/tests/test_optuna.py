import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna")

EXAMPLE = Path(__file__).parents[2] / "examples/python/optuna_tune.py"
WORDS = ["smoke", "--method", "ppo", "--space", "lr=1e-4..1e-1:log", "--space", "epochs=1..8", "--seeds", "1",
         "--checkpoints", "20", "80", "--budget", "5"]


def start(out):
    return subprocess.Popen([sys.executable, EXAMPLE, *WORDS, "--out", str(out)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def study(out):
    return optuna.load_study(study_name="rmrl", storage=f"sqlite:///{out / 'study.db'}")


def test_optuna_tunes_a_method_and_prunes_what_is_not_worth_going_on_with(tmp_path):
    process = start(tmp_path)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    states = [trial.state.name for trial in study(tmp_path).trials]
    assert len(states) == 5 and set(states) <= {"COMPLETE", "PRUNED"}, states
    best = study(tmp_path).best_params
    assert f"--set ppo.lr={best['lr']!r}" in said and f"--set ppo.epochs={best['epochs']}" in said


@pytest.mark.skipif(os.name != "posix", reason="kills a group of processes")
def test_a_study_that_was_killed_goes_on_where_it_was(tmp_path):
    process = start(tmp_path)
    process.stdout.readline()  # one setting is told
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    told = [trial.params for trial in study(tmp_path).trials if trial.state.is_finished()]
    process = start(tmp_path)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    ended = [t for t in study(tmp_path).trials if t.state.name in ("COMPLETE", "PRUNED")]
    assert [trial.params for trial in ended[: len(told)]] == told and len(ended) == 5


def test_a_range_that_is_none_is_refused_with_what_is_valid():
    done = subprocess.run([sys.executable, EXAMPLE, "smoke", "--method", "ppo", "--space", "lr=fast"],
                          capture_output=True, text=True)
    assert done.returncode == 2 and "must be KEY=LOW..HIGH" in done.stderr
