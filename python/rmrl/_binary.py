import os
import shutil
import sys
import sysconfig
from pathlib import Path

from ._errors import RmrlError

NAME = "rmrl.exe" if sys.platform == "win32" else "rmrl"


def binary():
    """Path of the program `rmrl`: what RMRL names, else that of this package, else the PATH's.

    Raises RmrlError where there is none.
    """
    named = os.environ.get("RMRL")
    if named:
        found = shutil.which(named)
        if found is None:
            raise RmrlError(f"RMRL={named}: no program is there; name the file `rmrl`, or unset RMRL")
        return found
    scripts = [sysconfig.get_path("scripts")]
    try:  # pip install --user
        scripts.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    except KeyError:
        pass
    # pip install --target DIR leaves programs in DIR/bin.
    scripts.append(str(Path(__file__).resolve().parent.parent / "bin"))
    for folder in scripts:
        if found := shutil.which(str(Path(folder) / NAME)):
            return found
    if found := shutil.which(NAME):
        return found
    raise RmrlError(
        f"the program `rmrl` was not found in {scripts[0]} or on the PATH: "
        "`pip install .` in the project builds it, or set RMRL to its file"
    )
