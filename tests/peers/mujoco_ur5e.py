"""MuJoCo's forward kinematics of robots/ur5e.urdf, which tests/ur5e.rs holds ours against.

Draws joints, lets MuJoCo read the URDF and place the flange, and compares with the table in
tests/golden/ur5e-mujoco.csv (six joints in rad, position in m, quaternion w x y z); `--write`
makes that table anew. Needs mujoco and numpy only.
"""

import argparse
import pathlib
import sys

import mujoco
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests" / "golden" / "ur5e-mujoco.csv"
ROWS = 200


def flange_poses():
    urdf = (ROOT / "robots" / "ur5e.urdf").read_text()
    # By default MuJoCo merges the flange into the wrist.
    keep = '<mujoco><compiler fusestatic="false"/></mujoco></robot>'
    model = mujoco.MjModel.from_xml_string(urdf.replace("</robot>", keep))
    data = mujoco.MjData(model)
    assert model.nq == 6, model.nq
    for joints in np.random.default_rng(7).uniform(-3.0, 3.0, (ROWS, 6)):
        data.qpos[:] = joints
        mujoco.mj_kinematics(model, data)
        flange = data.body("flange")
        yield np.concatenate([joints, flange.xpos, flange.xquat])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    rows = np.array(list(flange_poses()))
    if parser.parse_args().write:
        np.savetxt(TABLE, rows, delimiter=",", fmt="%.17g")
        return
    off = np.abs(rows - np.loadtxt(TABLE, delimiter=",")).max()
    print(f"MuJoCo {mujoco.__version__}: {ROWS} flange poses, at most {off:.1e} from the table")
    if off > 1e-9:
        sys.exit("the table is not MuJoCo's: run with --write and look at the difference")


if __name__ == "__main__":
    main()
