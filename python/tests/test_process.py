"""Where the program is found, what is said when it is gone, and that it never outlives its owner."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rmrl
from conftest import alive

SOURCE = Path(rmrl.__file__).parent.parent
UNIX = pytest.mark.skipif(os.name != "posix", reason="asks the processes of Unix")


def python(code, **environment):
    """Starts a Python that has this package, and can run what this one runs."""
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "RMRL": rmrl.binary(), "PYTHONPATH": path, **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def gone(pid):
    """Waits for its end, which comes by itself once nobody holds its input."""
    for _ in range(200):
        if not alive(pid):
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def test_a_package_without_its_program_says_so_in_one_line(tmp_path):
    code = "import rmrl, rmrl._binary as b; b.NAME = 'not-there'; rmrl.PlaceEnv()"
    child = python(code, RMRL="")
    assert "RmrlError: the program `rmrl` was not found" in child.communicate()[1].splitlines()[-1]
    child = python("import rmrl; rmrl.PlaceEnv()", RMRL=str(tmp_path / "rmrl"))
    assert "no program is there" in child.communicate()[1].splitlines()[-1]


@UNIX
@pytest.mark.parametrize("content, said", [
    ("#!/bin/sh\necho 'rmrl: not today' >&2\nexit 2\n", "^not today$"),
    ("#!/bin/sh\nexit 2\n", "ended with exit code 2"),
    ("#!/bin/sh\nread question\necho hello\n", "no JSON object"),
    ("#!/bin/sh\nread question\necho '{}'\n", "older than this package"),
    ("#!/not/there\n", "cannot be started"),
])
def test_a_program_that_is_not_this_rmrl_is_told(monkeypatch, tmp_path, content, said):
    other = tmp_path / "rmrl"
    other.write_text(content)
    other.chmod(0o755)
    monkeypatch.setenv("RMRL", str(other))
    with pytest.raises(rmrl.RmrlError, match=said):
        rmrl.PlaceEnv()


def test_what_the_command_line_refuses_is_one_line():
    with pytest.raises(rmrl.RmrlError, match="100000") as told:
        rmrl.PlaceVectorEnv(num_envs=100_000)
    assert len(str(told.value).splitlines()) == 1 and not str(told.value).startswith("error")


def test_a_python_that_is_too_old_is_told_which_one_is_not(tmp_path):
    code = "import sys; sys.version_info = (3, 9, 18); sys.version = '3.9.18 (main)'; import rmrl"
    assert python(code).communicate()[1].splitlines()[-1] == "ImportError: rmrl needs Python 3.10 or newer, and this is 3.9.18"


def test_a_closed_environment_says_so_however_often_it_is_closed():
    env = rmrl.PlaceEnv()
    pid = env.pid
    env.close()
    env.close()
    assert not alive(pid)
    with pytest.raises(rmrl.RmrlError, match="closed"):
        env.reset(seed=1)
    with pytest.raises(rmrl.RmrlError, match="closed"):
        env.reset()


@UNIX
def test_a_program_that_was_killed_is_an_error_and_another_seed_begins_again():
    env = rmrl.PlaceEnv()
    env.reset(seed=1)
    os.kill(env.pid, signal.SIGKILL)
    with pytest.raises(rmrl.RmrlError, match="exit code -9"):
        env.step([3, 3, 3])
    env.reset(seed=1)
    env.step([3, 3, 3])
    env.close()


MADE = "import os, sys, time, rmrl; env = rmrl.PlaceEnv(); env.reset(seed=1); print(env.pid, flush=True); "


@UNIX
@pytest.mark.parametrize("how", [
    "pass",
    "del env",
    "sys.exit(1)",
    "raise KeyboardInterrupt",
    "os._exit(0)",
    "os.kill(os.getpid(), 9)",
    "os.kill(os.getpid(), 15)",
])
def test_no_process_is_left_however_python_ends(how):
    child = python(MADE + how)
    pid = int(child.stdout.readline())
    child.wait(timeout=30)
    assert gone(pid)


@UNIX
def test_a_forked_child_does_not_keep_the_program_alive():
    child = python(MADE + "child = os.fork(); child or time.sleep(30); print(child, flush=True); os._exit(0)")
    pid, forked = int(child.stdout.readline()), int(child.stdout.readline())
    try:
        assert gone(pid)
        assert alive(forked)
    finally:
        os.kill(forked, signal.SIGKILL)
        child.communicate()


@UNIX
def test_a_forked_child_is_told_to_make_its_own_and_leaves_its_parents_alone():
    code = MADE + """
child = os.fork()
if not child:
    try:
        env.step([3, 3, 3])
    except rmrl.RmrlError as error:
        print(error, flush=True)
    del env
    os._exit(0)
os.waitpid(child, 0)
print(env.step([3, 3, 3])[1], flush=True)
"""
    out, err = python(code).communicate()
    _, told, reward = out.splitlines()
    assert "another process" in told and float(reward) < 0, err
