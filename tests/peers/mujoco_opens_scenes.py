"""MuJoCo opens every scene's MJCF: same frames, same plate.  pip install mujoco"""

import pathlib

import mujoco

scenes = sorted((pathlib.Path(__file__).parents[2] / "scenes").glob("*.xml"))
assert scenes, "no scenes found"
for path in scenes:
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    for site in ("pick", "place", "view"):
        assert mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, site) >= 0, f"{path}: no {site}"
    plate = model.body("plate")
    assert 0.03 < plate.mass[0] < 0.5, f"{path}: the plate weighs {plate.mass[0]} kg"
    print(f"{path.name}: {model.ngeom} geoms, plate {plate.mass[0]:.3f} kg")
print(f"{len(scenes)} passed, 0 failed")
