"""rmrl from Python: the task for Gymnasium, and what runs have left, for pandas and trackers.

    import gymnasium, rmrl
    env = gymnasium.make("rmrl/Place-narrow-v0")

The work is done by the program `rmrl`, which this package starts: docs/python.md.
"""

import sys
from importlib import import_module

if sys.version_info < (3, 10):  # pip refuses it too; a PYTHONPATH does not.
    raise ImportError(f"rmrl needs Python 3.10 or newer, and this is {sys.version.split()[0]}")

from ._binary import binary
from ._errors import RmrlError
from ._registration import register

register()

# Loaded when they are first asked for, so that `import rmrl` needs numpy and Gymnasium alone.
_LATER = {
    "PlaceEnv": "env",
    "PlaceVectorEnv": "vector",
    "Policy": "_policy",
    "Run": "_data",
    "load": "_data",
    "policy": "_policy",
    "to_lerobot": "_lerobot",
    "to_rerun": "_rerun",
    "track": "_track",
}

__all__ = ["RmrlError", "binary", "register", *_LATER]


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'rmrl' has no attribute {name!r}")
    return getattr(import_module(f".{_LATER[name]}", __name__), name)


def __dir__():
    return sorted(__all__)
