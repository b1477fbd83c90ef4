"""MuJoCo opens every scene's MJCF, and with --rmrl PROGRAM the geometry that `rmrl scenes NAME`
prints of each, made from TOML or not: same frames, same plate, at rest.  pip install mujoco"""

import pathlib
import subprocess
import sys

import mujoco


def check(name, model):
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for site in ("pick", "place", "view"):
        assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, site) >= 0, f"{name}: no {site}"
    plate = model.body("plate")
    assert 0.03 < plate.mass[0] < 0.5, f"{name}: the plate weighs {plate.mass[0]} kg"
    before = data.body("plate").xpos.copy()
    while data.time < 0.5:
        mujoco.mj_step(model, data)
    moved = abs(data.body("plate").xpos - before).max()
    assert moved < 1e-3, f"{name}: the plate moves by {moved} m when left alone"
    print(f"{name}: {model.ngeom} geoms, plate {plate.mass[0]:.3f} kg")


scenes = sorted((pathlib.Path(__file__).parents[2] / "scenes").glob("*.xml"))
assert scenes, "no scenes found"
for path in scenes:
    check(path.name, mujoco.MjModel.from_xml_path(str(path)))
count = len(scenes)
if sys.argv[1:2] == ["--rmrl"]:

    def rmrl(*args):
        command = [sys.argv[2], *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    for line in rmrl("scenes").splitlines():
        name = line.split()[0]
        check(f"rmrl scenes {name}", mujoco.MjModel.from_xml_string(rmrl("scenes", name)))
        count += 1
print(f"{count} passed, 0 failed")
