"""The same trials in MuJoCo: scenes from the same MJCF and TOML files, the same gripper, the same
motion script, every move stepped.  pip install mujoco numpy

  python tests/peers/mujoco_trials.py --rmrl target/release/rmrl [--trials 200] [--out results/trust]

Exits with 1 unless on `open` at least 95 % are placed in both engines, medians within 0.3 mm / 0.3 deg;
in every other scene the classes agree in at least 70 % (lower end of the 95 % interval); and MuJoCo itself
answers what a textbook does.
"""

import argparse
import csv
import json
import math
import pathlib
import subprocess
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor

import mujoco
import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
FINGER_MASS = 0.5  # as in src/sim/world.rs: finger and the reflected inertia of its drive
FORCE_LIMIT = 1.5
PALM_DEPTH = 0.02
GUARD_SECONDS = 6e-3
GUIDED = 0.2  # mm, deg: a seated plate farther from where the hand let go was guided
FURNITURE, PLATE = 1, 2
SETS = [("open", "uniform"), ("shelf", "uniform"), ("shelf", "near"),
        ("shelf-tight", "uniform"), ("shelf-tight", "near"), ("hotel", "uniform"), ("hotel", "near")]


def read_toml(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


class Cell:
    """One scene in MuJoCo: a hand whose base follows a given pose, and the motion script."""

    def __init__(self, scene, dt=1e-3, friction_scale=1.0, gripper={}, furniture=None, binary=None):
        """`gripper` and `furniture` (friction) replace what the files say. A scene without MJCF asks the
        program `binary` for its geometry."""
        self.dt, self.friction_scale = dt, friction_scale
        self.scene = read_toml(ROOT / "scenes" / f"{scene}.toml")
        if furniture is not None:
            self.scene["friction"]["furniture"] = furniture
        robot = read_toml(ROOT / "robots" / "gantry.toml")
        self.speeds, self.gripper = robot["speeds"], robot["gripper"] | gripper
        self.home = np.array([*np.array(robot["home_mm"]) / 1e3, 0.0])
        spec = self.geometry(scene, binary)
        self.set_options(spec)
        self.set_scene(spec)
        self.add_hand(spec)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)
        body, geom = self.model.body, self.model.geom
        self.pick, self.place = (self.data.site(s).xpos.copy() for s in ("pick", "place"))
        self.plate_geom = geom("plate").id
        self.plate_q = self.model.jnt_qposadr[body("plate").jntadr[0]]
        first = self.model.joint("x")
        q, v = first.qposadr[0], first.dofadr[0]
        # Views into MuJoCo's own arrays.
        self.base_pose, self.base_speed = self.data.qpos[q : q + 4], self.data.qvel[v : v + 4]
        self.ctrl = self.data.ctrl
        self.finger_q = [self.model.joint(j).qposadr[0] for j in ("upper", "lower")]
        half = self.model.geom_size[self.plate_geom]
        self.reach = half[0] - self.gripper["overlap_mm"] / 2e3
        self.thick = 2 * half[2]

    def geometry(self, scene, binary):
        self.insert = self.scene["heights"].get("insert_mm", 0.0) / 1e3
        if "mjcf" in self.scene:
            return mujoco.MjSpec.from_file(str(ROOT / "scenes" / self.scene["mjcf"]))
        shelf = self.scene["shelf"]
        if "board_above_mm" in shelf or shelf.get("level", 1) < shelf.get("levels", 1):
            # As in src/config/shelf.rs: out to where the plate is clear of the board, and 16 mm of air.
            self.insert = (shelf["depth_mm"] - shelf["clearance_mm"] - 21 + 16) / 1e3
        command = [binary, "scenes", scene]
        xml = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return mujoco.MjSpec.from_string(xml)

    def set_options(self, spec):
        option = spec.option
        option.timestep = self.dt
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        option.impratio = 10
        # MuJoCo's friction is soft: without this the plate creeps in the hand.
        option.noslip_iterations = 5

    def contact(self, geom, friction):
        geom.friction = [friction * self.friction_scale, 0.0, 0.0]
        geom.condim = 3
        geom.solref = [0.003, 1.0]
        geom.solimp = [0.98, 0.99, 1e-4, 0.5, 2.0]

    def set_scene(self, spec):
        friction = self.scene["friction"]["furniture"]
        place = next(s for s in spec.sites if s.name == "place").pos
        plate = next(g for g in spec.geoms if g.name == "plate")
        for geom in spec.geoms:
            self.contact(geom, friction)
            geom.contype, geom.conaffinity = FURNITURE, 0
        plate.contype, plate.conaffinity = PLATE, FURNITURE
        clearance = self.scene.get("guide_clearance_mm")
        if clearance is None:
            return
        # As in src/config/scene.rs: each group moves by what its first box's face lacks.
        for prefix, axis, sign in (("guide_left", 1, 1), ("guide_right", 1, -1), ("back_stop", 0, 1)):
            main = next(g for g in spec.geoms if g.name == prefix)
            face = sign * (main.pos[axis] - place[axis]) - main.size[axis]
            shift = sign * (plate.size[axis] + clearance / 1e3 - face)
            for geom in spec.geoms:
                if geom.name.startswith(prefix):
                    moved = np.array(geom.pos)
                    moved[axis] += shift
                    geom.pos = moved

    def add_hand(self, spec):
        g = self.gripper
        width, length, thick, reach, open_half = (
            v / 1e3 for v in (g["pad_width_mm"], g["pad_length_mm"], g["pad_thickness_mm"],
                              g["overlap_mm"] / 2, g["opening_mm"] / 2))
        box = mujoco.mjtGeom.mjGEOM_BOX

        def hand_box(body, name, pos, size, mass):
            geom = body.add_geom(name=name, type=box, pos=pos, size=size, mass=mass)
            self.contact(geom, g["pad_friction"])
            geom.contype, geom.conaffinity = 0, FURNITURE | PLATE

        base = spec.worldbody.add_body(name="hand", gravcomp=1)
        slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
        # Driven by writing its speed before each step; its inertia makes that binding.
        for name, kind, axis in (("x", slide, [1, 0, 0]), ("y", slide, [0, 1, 0]),
                                 ("z", slide, [0, 0, 1]), ("w", hinge, [0, 0, 1])):
            base.add_joint(name=name, type=kind, axis=axis, armature=1e5)
        hand_box(base, "palm", [reach - length - PALM_DEPTH / 2, 0, 0],
                 [PALM_DEPTH / 2, width / 2, open_half + thick], 1.0)
        stiffness = g["stiffness_n_per_mm"] * 1e3
        damping = 2 * math.sqrt(stiffness * FINGER_MASS)
        limit = FORCE_LIMIT * g["force_n"]
        for name, side in (("upper", 1), ("lower", -1)):
            finger = base.add_body(name=name, gravcomp=1)
            finger.add_joint(name=name, type=slide, axis=[0, 0, side])
            hand_box(finger, f"{name}_pad", [reach - length / 2, 0, side * thick / 2],
                     [length / 2, width / 2, thick / 2], FINGER_MASS)
            motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
            motor.gaintype = mujoco.mjtGain.mjGAIN_FIXED
            motor.biastype = mujoco.mjtBias.mjBIAS_AFFINE
            motor.gainprm[0] = stiffness
            motor.biasprm[:3] = [0, -stiffness, -damping]
            motor.forcelimited, motor.forcerange = True, [-limit, limit]

    # --- what moves -------------------------------------------------------------------------

    def step(self, pose, half_opening):
        self.base_speed[:] = (pose - self.base_pose) / self.dt
        self.ctrl[:] = half_opening
        mujoco.mj_step(self.model, self.data)
        self.tool, self.half_opening = pose, half_opening

    def move(self, to, speed_mm_s, guard=False):
        """From rest to rest with the least jerk; a guarded move stops where something resists."""
        start, to = self.tool, np.array(to)
        way, turn = np.linalg.norm(to[:3] - start[:3]), abs(to[3] - start[3])
        seconds = 1.875 * max(way / (speed_mm_s / 1e3), turn / math.radians(self.speeds["turn_deg_s"]))
        count = math.ceil(seconds / self.dt)
        resisted = 0.0
        for i in range(1, count + 1):
            u = i / count
            self.step(start + (to - start) * u**3 * (10 + u * (6 * u - 15)), self.half_opening)
            if guard:
                resisted = resisted + self.dt if self.furniture_force() > self.speeds["guard_n"] else 0.0
                if resisted >= GUARD_SECONDS - 1e-9:
                    return

    def finger(self, to):
        start = self.half_opening
        count = math.ceil(abs(to - start) / (self.gripper["speed_mm_s"] / 1e3 * self.dt))
        for i in range(1, count + 1):
            self.step(self.tool, start + (to - start) * i / count)

    def wait(self, seconds):
        for _ in range(round(seconds / self.dt)):
            self.step(self.tool, self.half_opening)

    def furniture_force(self):
        """Size of the sum of all forces between plate and furniture, N."""
        total, force = np.zeros(3), np.zeros(6)
        for i, contact in enumerate(self.data.contact):
            pair = {contact.geom1, contact.geom2}
            other = (pair - {self.plate_geom}).pop()
            if self.plate_geom in pair and self.model.geom_bodyid[other] == 0:
                mujoco.mj_contactForce(self.model, self.data, i, force)
                sign = 1.0 if contact.geom2 == self.plate_geom else -1.0
                total += sign * contact.frame.reshape(3, 3).T @ force[:3]
        return np.linalg.norm(total)

    def grip_at(self, place, correction):
        """Tool pose (x, y, z, yaw) for a plate at this pose in the place's frame."""
        x, y, yaw = correction[0] / 1e3, correction[1] / 1e3, math.radians(correction[2])
        return place + [0, 0, 0, yaw] + np.array([
            x - self.reach * math.cos(yaw), y - self.reach * math.sin(yaw), self.thick / 2, 0])

    # --- one trial --------------------------------------------------------------------------

    def trial(self, offset, correction):
        mujoco.mj_resetData(self.model, self.data)
        data, heights = self.data, self.scene["heights"]
        x, y, yaw = offset[0] / 1e3, offset[1] / 1e3, math.radians(offset[2])
        q = self.plate_q
        data.qpos[q : q + 3] = self.pick + [x, y, 0]
        data.qpos[q + 3 : q + 7] = [math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)]
        opened = self.gripper["opening_mm"] / 2e3
        self.base_pose[:], data.qpos[self.finger_q] = self.home, opened
        self.tool, self.half_opening = self.home, opened
        free, slow = self.speeds["free_mm_s"], self.speeds["contact_mm_s"]
        pick, place = np.array([*self.pick, 0.0]), np.array([*self.place, 0.0])
        grip, seat = self.grip_at(pick, correction), self.grip_at(place, [0, 0, 0])
        carry_z = max(pick[2], place[2]) + heights["carry_mm"] / 1e3
        up = lambda pose, height: pose + [0, 0, height, 0]

        self.move(self.behind(grip), free)
        self.move(grip, free)
        interference = self.gripper["force_n"] / (self.gripper["stiffness_n_per_mm"] * 1e3)
        self.finger(self.thick / 2 - interference)
        self.wait(0.1)
        self.move(up(grip, heights["pick_contact_mm"] / 1e3), slow, guard=True)
        if sum(data.qpos[self.finger_q]) < self.thick - interference:
            return "no_grasp", None
        self.move(up(grip, carry_z - pick[2]), free)
        lowered, out = up(seat, heights["place_contact_mm"] / 1e3), np.array([-self.insert, 0, 0, 0])
        self.move(up(seat, carry_z - place[2]) + out, free)
        self.move(lowered + out, free)
        if self.insert:
            self.move(lowered, free)
        if sum(data.qpos[self.finger_q]) < self.thick - interference:
            return "dropped", None
        self.move(seat, slow, guard=True)
        self.finger(opened)
        self.wait(0.3)
        self.move(self.behind(self.tool), free)
        # From here the hand goes home through free air: nothing is left to happen.
        self.wait(0.1)
        return self.judge()

    def behind(self, pose):
        standoff = self.speeds["standoff_mm"] / 1e3
        return pose - standoff * np.array([math.cos(pose[3]), math.sin(pose[3]), 0, 0])

    def judge(self):
        q, limits = self.plate_q, self.scene["seated"]
        position, rotation = self.data.qpos[q : q + 3] - self.place, np.zeros(9)
        mujoco.mju_quat2Mat(rotation, self.data.qpos[q + 3 : q + 7])
        rotation = rotation.reshape(3, 3)
        z_mm = position[2] * 1e3
        tilt = math.degrees(math.acos(min(1.0, rotation[2, 2])))
        yaw = math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))
        pose = np.array([position[0] * 1e3, position[1] * 1e3, yaw])
        if z_mm < -limits["climbed_mm"] or tilt > 45 or np.hypot(*pose[:2]) > 60:
            return "dropped", pose
        short = pose[0] < -limits.get("short_mm", math.inf)
        if abs(z_mm) <= limits["height_mm"] and tilt <= limits["tilt_deg"] and not short:
            return "placed", pose
        return ("climbed" if z_mm > limits["climbed_mm"] else "jammed"), pose


class Rmrl:
    """The same trials through `rmrl env`, without noise."""

    def __init__(self, binary, scene):
        quiet = [f"task.{n}={{ mm = 0.0, deg = 0.0 }}" for n in ("jitter", "actuation", "measurement")]
        # Corrections 2 mm and 2 deg from an offset at the edge of the narrow range lie outside it, and `env` refuses them.
        reach = "task.range={ mm = 6.0, deg = 6.0 }"
        sets = [arg for key in [f"scene={scene}", reach, *quiet] for arg in ("--set", key)]
        command = [binary, "env", "narrow", "--seed", "1", "--signal", "signed", *sets]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "rmrl ended"}
        if "error" in answer:
            sys.exit(f"rmrl env: {answer['error']}")
        return answer

    def trial(self, offset, correction):
        self.ask(op="prepare", offset=list(offset))
        answer = self.ask(op="attempt", correction=list(correction))
        signed = answer.get("signed")
        return answer["outcome"], None if signed is None else np.array(signed)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def relative(correction, offset):
    """Where a hand that neither slips nor is guided puts the plate: correction^-1 * offset."""
    yaw = math.radians(correction[2])
    dx, dy = offset[0] - correction[0], offset[1] - correction[1]
    return np.array([math.cos(yaw) * dx + math.sin(yaw) * dy,
                     math.cos(yaw) * dy - math.sin(yaw) * dx, offset[2] - correction[2]])


def compose(a, b):
    yaw = math.radians(a[2])
    return np.array([a[0] + math.cos(yaw) * b[0] - math.sin(yaw) * b[1],
                     a[1] + math.sin(yaw) * b[0] + math.cos(yaw) * b[1], a[2] + b[2]])


def classify(outcome, pose, expected):
    if outcome != "placed":
        return outcome
    return "guided" if np.abs(pose - expected).max() > GUIDED else "seated"


def wilson(k, n, z=1.96):
    p, d = k / n, 1 + z * z / n
    middle, half = (p + z * z / 2 / n) / d, z / d * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return middle - half, middle + half


def fits(scene, pose):
    """Does a plate let go here lie between guides and stop? None for a scene without them."""
    clearance = scene.get("guide_clearance_mm")
    if clearance is None:
        return None
    x, y, yaw = pose[0], pose[1], math.radians(pose[2])
    # The long sides where the guides begin and end, the front where the stop does (shelf.xml).
    sides = [y + side * 42.74 / math.cos(yaw) + math.tan(yaw) * (along - x)
             for side in (-1, 1) for along in (-25, 60)]
    front = [x + 63.88 / math.cos(yaw) - math.tan(yaw) * (across - y) for across in (-30, 30)]
    return max(map(abs, sides)) <= 42.74 + clearance and max(front) <= 63.88 + clearance


def block(friction, floor):
    """A plate-sized block on a floor: `floor` is its geom's size and place."""
    xml = f"""<mujoco><option timestep="0.001" cone="elliptic" impratio="10" noslip_iterations="5"
      integrator="implicitfast"/><default><geom condim="3" friction="{friction} 0 0"
      solref="0.003 1" solimp="0.98 0.99 0.0001 0.5 2"/></default><worldbody>
      <geom type="box" {floor}/><body pos="0 0 0.007175"><freejoint/>
      <geom type="box" size="0.06388 0.04274 0.007175" mass="0.1"/></body></worldbody></mujoco>"""
    model = mujoco.MjModel.from_xml_string(xml)
    return model, mujoco.MjData(model)


def run(model, data, seconds):
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)


def sliding_friction(friction):
    """Friction that stops a sliding block where MuJoCo stops it: v^2 / (2 g d)."""
    model, data = block(friction, 'size="2 2 0.05" pos="0 0 -0.05"')
    run(model, data, 0.2)
    start, data.qvel[0] = data.qpos[0], 0.4
    run(model, data, 1.5)
    return 0.4**2 / (2 * 9.81 * (data.qpos[0] - start))


def free_fall():
    """Metres fallen in 0.4 s."""
    model, data = block(0.3, 'size="0.1 0.1 0.05" pos="0 0 -2"')
    start = data.qpos[2]
    run(model, data, 0.4)
    return start - data.qpos[2]


def bisect(low, high, holds, times=12):
    """Where `holds`, true at `low` and false at `high`, changes."""
    for _ in range(times):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def tipping_overhang():
    """How far over an edge, mm, a block's centre stands when it tips."""

    def stays(overhang_mm):
        model, data = block(0.3, f'size="1 1 0.05" pos="{-1 - overhang_mm / 1e3} 0 -0.05"')
        run(model, data, 2.0)
        return 1 - 2 * (data.qpos[4] ** 2 + data.qpos[5] ** 2) > 0.9998

    return bisect(-20.0, 20.0, stays)


def grip_limit(force, friction):
    """Share of `2 mu F` at which a plate slips out of the pads; it is pulled along the fingers."""

    def holds(share):
        # Only the pads' friction counts: the larger one of a pair rules.
        hand = Cell("open", gripper={"force_n": force, "pad_friction": friction}, furniture=0.01)
        model, data, half = hand.model, hand.data, hand.thick / 2
        mass = share * 2 * friction * force / 9.81
        plate = model.body("plate").id
        model.body_inertia[plate] *= mass / model.body_mass[plate]
        model.body_mass[plate] = mass
        model.opt.gravity[:] = 0.0
        q = hand.plate_q
        hand.base_pose[:], data.qpos[hand.finger_q] = hand.home, half
        data.qpos[q : q + 3] = hand.home[:3] + [hand.reach, 0, -half]
        hand.tool = hand.home
        hand.half_opening = half - force / (hand.gripper["stiffness_n_per_mm"] * 1e3)
        hand.wait(0.1)
        model.opt.gravity[0] = 9.81
        hand.wait(0.2)
        start = data.qpos[q]
        hand.wait(0.5)
        return data.qpos[q] - start < 2e-3

    return bisect(0.3, 1.6, holds, times=8)


# Pads of this force (N) and friction, as in tests/physics.rs.
GRIPS = [(40.0, 0.8), (10.0, 0.3), (5.0, 0.1)]


def textbook():
    """What MuJoCo answers where a textbook has the answer: lines, and what is wrong with them."""
    frictions = {mu: sliding_friction(mu) for mu in (0.1, 0.3, 0.8)}
    fallen, overhang = free_fall(), tipping_overhang()
    grips = {grip: grip_limit(*grip) for grip in GRIPS}
    lines = [
        "- Friction that MuJoCo delivers to a sliding block, from its stopping distance: "
        + ", ".join(f"{mu} -> {got:.4f}" for mu, got in frictions.items()) + ".",
        f"- MuJoCo lets a body fall {fallen:.4f} m in 0.4 s (analytic 0.7848), and tips a block whose "
        f"centre stands {abs(overhang):.2f} mm off an edge (analytic 0).",
        "- A plate slips out of MuJoCo's pads at this share of `2 mu F`: "
        + ", ".join(f"{share:.3f} ({force:g} N, {mu})" for (force, mu), share in grips.items()) + ".",
    ]
    checks = [(f"friction {mu} arrives as {got:.4f}", abs(got / mu - 1) <= 0.03) for mu, got in frictions.items()]
    checks += [(f"free fall of {fallen:.4f} m", abs(fallen - 0.7848) <= 0.002),
               (f"tipping at {overhang:.2f} mm", abs(overhang) <= 1.0)]
    checks += [(f"grip {grip} slips at {share:.3f}", 0.9 <= share <= 1.05) for grip, share in grips.items()]
    return lines, [f"MuJoCo against the textbook: {what}" for what, ok in checks if not ok]


def complaints(scene, draws, rows, both, median):
    """What keeps a set from passing. Written so that NaN does not pass."""
    name = f"{scene}, {draws}"
    if scene == "open":
        if not len(both) >= 0.95 * len(rows):
            return [f"{name}: {len(both)} of {len(rows)} placed in both, less than 95 %"]
        if not all(difference <= 0.3 for difference in median):
            return [f"{name}: medians differ by {median[0]:.3f} mm / {median[1]:.3f} deg, more than 0.3"]
        return []
    low, _ = wilson(sum(r["rmrl"][0] == r["mujoco"][0] for r in rows), len(rows))
    return [] if low >= 0.70 else [f"{name}: the classes agree in at least {100 * low:.1f} %, less than 70 %"]


def compare(scene, draws, trials, binary, dt, friction_scale):
    """Rows of one set: expected pose, and class and pose from both engines."""
    # Keyed by the set, so that sets can be run alone.
    rng = np.random.default_rng([7, SETS.index((scene, draws))])
    ours, theirs, rows = Rmrl(binary, scene), Cell(scene, dt, friction_scale, binary=binary), []
    for _ in range(trials):
        offset = rng.uniform(-3, 3, 3)
        correction = rng.uniform(-3, 3, 3) if draws == "uniform" else compose(offset, rng.uniform(-2, 2, 3))
        expected = relative(correction, offset)
        a, b = ours.trial(offset, correction), theirs.trial(offset, correction)
        rows.append({"offset": offset, "correction": correction, "expected": expected,
                     "rmrl": (classify(*a, expected), a[1]), "mujoco": (classify(*b, expected), b[1])})
    ours.close()
    return rows


def median_and_p90(values):
    mm, deg = np.maximum(values[:, 0], values[:, 1]), values[:, 2]
    return [(np.quantile(mm, q), np.quantile(deg, q)) for q in (0.5, 0.9)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rmrl", default=str(ROOT / "target/release/rmrl"))
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--dt", type=float, default=1.0, help="MuJoCo's step, ms")
    parser.add_argument("--friction", type=float, default=1.0, help="MuJoCo's friction, of nominal")
    parser.add_argument("--out", type=pathlib.Path, help="folder for mujoco.md and mujoco.csv")
    args = parser.parse_args()
    lines = ["| trials | class agrees | 95 % Wilson | placed in both | rmrl - MuJoCo p50 | p90 "
             "| rmrl - analytic p50 | MuJoCo - analytic p50 |", "|---|---|---|---|---|---|---|---|"]
    notes, table, failed = [], [], []
    text = lambda pair: f"{pair[0]:.3f} mm / {pair[1]:.3f}°"
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(compare, *each, args.trials, args.rmrl, args.dt / 1e3, args.friction) for each in SETS]
        book = pool.submit(textbook)
    for (scene, draws), job in zip(SETS, jobs):
        rows = job.result()
        same = sum(r["rmrl"][0] == r["mujoco"][0] for r in rows)
        seated = lambda r, engine: r[engine][0] in ("seated", "guided")
        same_seated = sum(seated(r, "rmrl") == seated(r, "mujoco") for r in rows)
        both = [r for r in rows if seated(r, "rmrl") and seated(r, "mujoco")]
        gap = lambda a, b: median_and_p90(np.array([np.abs(a(r) - b(r)) for r in both]))
        pose = lambda engine: lambda r: r[engine][1]
        expected = lambda r: r["expected"]
        engines = [(math.nan, math.nan)]
        if both:
            engines = gap(pose("rmrl"), pose("mujoco"))
            figures = [text(engines[0]), text(engines[1]), text(gap(pose("rmrl"), expected)[0]),
                       text(gap(pose("mujoco"), expected)[0])]
        else:
            figures = ["-"] * 4
        failed += complaints(scene, draws, rows, both, engines[0])
        low, high = wilson(same, len(rows))
        lines.append(f"| `{scene}`, {draws} | {same}/{len(rows)} | {100 * low:.1f}-{100 * high:.1f} % "
                     f"| {len(both)} | " + " | ".join(figures) + " |")
        counts = {}
        for r in rows:
            pair = (r["rmrl"][0], r["mujoco"][0])
            counts[pair] = counts.get(pair, 0) + 1
        confusion = ", ".join(f"{a}/{b} {n}" for (a, b), n in sorted(counts.items()))
        low, high = wilson(same_seated, len(rows))
        note = (f"- `{scene}`, {draws} (rmrl/MuJoCo): {confusion}. Seated at all agrees in {same_seated}/"
                f"{len(rows)} ({100 * low:.1f}-{100 * high:.1f} %).")
        toml = read_toml(ROOT / "scenes" / f"{scene}.toml")
        if fits(toml, rows[0]["expected"]) is not None:
            free = [r for r in rows if fits(toml, r["expected"])]
            hit = {e: sum(seated(r, e) for r in free) for e in ("rmrl", "mujoco")}
            note += (f" Of {len(free)} plates let go between guides and stop, which geometry says must "
                     f"seat, rmrl seats {hit['rmrl']}, MuJoCo {hit['mujoco']}.")
        notes.append(note)
        for r in rows:
            cell = lambda v: [""] * 3 if v is None else [f"{x:.5f}" for x in v]
            table.append([scene, draws, *cell(r["offset"]), *cell(r["correction"]), *cell(r["expected"]),
                          r["rmrl"][0], *cell(r["rmrl"][1]), r["mujoco"][0], *cell(r["mujoco"][1])])
        print(lines[-1] + "\n" + note, file=sys.stderr, flush=True)
    lines_of_book, wrong = book.result()
    notes += lines_of_book
    failed += wrong
    report = "\n".join(lines) + "\n\n" + "\n".join(notes) + "\n"
    print(report)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        head = (f"# The same trials in MuJoCo {mujoco.__version__}\n\n`python tests/peers/mujoco_trials.py "
                f"--rmrl target/release/rmrl --trials {args.trials} --out results/trust`\n\n"
                "Same MJCF, clearances, frictions, gripper and motion script; no noise; MuJoCo steps every\n"
                "move at 1 ms. *Analytic* is the pose in which a hand that does not slip lets go; *guided*:\n"
                "seated more than 0.2 mm or 0.2° from it. mm on the worse of x and y.\n\n")
        (args.out / "mujoco.md").write_text(head + report)
        with open(args.out / "mujoco.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            axes = lambda name: [f"{name}_x_mm", f"{name}_y_mm", f"{name}_yaw_deg"]
            writer.writerow(["scene", "draws", *axes("offset"), *axes("correction"), *axes("analytic"),
                             "rmrl", *axes("rmrl"), "mujoco", *axes("mujoco")])
            writer.writerows(table)
    for complaint in failed:
        print(f"failed: {complaint}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
