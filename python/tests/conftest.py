"""The tests drive the real program: the package's own, or what RMRL names."""

import os
import subprocess

import gymnasium
import pytest

import rmrl


@pytest.fixture
def make():
    """`gymnasium.make`, whose environments are closed after the test."""
    made = []

    def make(id="rmrl/Place-narrow-v0", **keywords):
        made.append(gymnasium.make(id, **keywords))
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture
def make_vec():
    made = []

    def make(id="rmrl/Place-narrow-v0", **keywords):
        made.append(gymnasium.make_vec(id, **keywords))
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished run of a role model method."""
    folder = tmp_path_factory.mktemp("runs")
    command = [rmrl.binary(), "train", "smoke", "--method", "rm-rl", "--seed", "1", "--out", folder]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.rglob("*.sqlite"))


def alive(pid):
    """Does this process run, and is no zombie?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return os.path.isdir("/proc/self") is False
