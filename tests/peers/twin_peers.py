"""Clients that nobody here wrote talk to `rmrl twin`: ur-rtde 1.6 and pyRobotiqUR.

ur-rtde knows only the standard ports, so the twin gets a loopback address of its own; ur-rtde skips
its check for remote control on 127.0.0.1 and makes it on 127.0.0.2. Its own control program is
uploaded and runs in the twin's interpreter.

    pip install ur-rtde==1.6.5 pyRobotiqUR==0.2.2
    python tests/peers/twin_peers.py --rmrl target/release/rmrl
"""

import argparse
import contextlib
import json
import math
import subprocess
import time
import urllib.request

import dashboard_client
import rtde_control
import rtde_receive
from pyrobotiqur import RobotiqGripper


@contextlib.contextmanager
def twin(rmrl, host, *options):
    """A twin on this address, ended as Ctrl-C ends it."""
    command = [rmrl, "twin", "--robot", "ur5e-twin", "--listen", host, "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        ports = json.loads(process.stdout.readline())["listening"]
        assert ports["host"] == host and ports["rtde"] == 30004, ports
        yield host
    finally:
        process.send_signal(2)
        assert process.wait(timeout=10) == 0, "the twin ends cleanly"


def post(host, path, text):
    request = urllib.request.Request(f"http://{host}:63380{path}", data=text.encode())
    urllib.request.urlopen(request, timeout=5).read()


def until(what, holds):
    """However busy this machine is: only robot time counts."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + 30, f"{what} did not come"
        time.sleep(0.05)


def near(a, b, by):
    return all(abs(x - y) <= by for x, y in zip(a, b, strict=True))


def receive_and_dashboard(host):
    receive = rtde_receive.RTDEReceiveInterface(host)
    before = receive.getTimestamp()
    until("time passes", lambda: receive.getTimestamp() > before + 0.5)
    assert receive.getRobotMode() == 7 and receive.getSafetyMode() == 1
    assert near(receive.getActualQ(), receive.getTargetQ(), 1e-3)
    assert receive.getRuntimeState() == 1

    dashboard = dashboard_client.DashboardClient(host)
    dashboard.connect()
    assert dashboard.robotmode() == "Robotmode: RUNNING"
    assert dashboard.safetystatus() == "Safetystatus: NORMAL"
    assert dashboard.isInRemoteControl()
    assert dashboard.polyscopeVersion().startswith("5.25")
    assert not dashboard.running()
    post(host, "/fault", "protective-stop")
    until("the stop", receive.isProtectiveStopped)
    assert dashboard.safetystatus() == "Safetystatus: PROTECTIVE_STOP"

    def unlocked():
        # Refused sooner than five seconds of robot time after the stop.
        with contextlib.suppress(RuntimeError):
            dashboard.unlockProtectiveStop()
        return dashboard.safetystatus() == "Safetystatus: NORMAL"

    assert not unlocked()
    until("the unlocking", unlocked)
    dashboard.disconnect()
    receive.disconnect()


def control_program(host):
    """ur-rtde's own program: joint and linear moves, payload, watchdog, stop."""
    control = rtde_control.RTDEControlInterface(host)
    receive = rtde_receive.RTDEReceiveInterface(host)
    joints = receive.getActualQ()
    joints[0] += 0.2
    assert control.moveJ(joints, 1.0, 1.4)
    until("arrival", lambda: near(receive.getActualQ(), joints, 1e-3))

    assert control.setTcp([0, 0, 0.17, 0, 0, 0])
    time.sleep(0.2)
    pose = receive.getActualTCPPose()
    pose[2] += 0.05
    assert control.moveL(pose, 0.25, 1.2)
    until("arrival", lambda: near(receive.getActualTCPPose()[:3], pose[:3], 0.2e-3))

    assert control.setPayload(1.1, [0, 0, 0.05])
    assert math.isclose(receive.getPayload(), 1.1)
    found = control.getInverseKinematics(pose, receive.getActualQ())
    assert near(found, receive.getActualQ(), 2e-3)

    target = pose.copy()
    target[1] += 0.1
    assert control.moveL(target, 0.1, 0.5, True)
    until("motion", lambda: receive.getActualTCPPose()[1] - pose[1] > 0.01)
    control.stopL(2.0)
    until("rest", lambda: max(map(abs, receive.getActualQd())) == 0.0)
    way = receive.getActualTCPPose()[1] - pose[1]
    assert 0.01 < way < 0.099, f"stopped on its way, after {way} m"

    assert control.setWatchdog(1.0)
    for _ in range(100):
        assert control.kickWatchdog()
        time.sleep(0.02)
    assert control.isProgramRunning()
    until("the watchdog's stop", lambda: receive.getRuntimeState() == 1)
    control.disconnect()
    receive.disconnect()


def local_control(host):
    try:
        rtde_control.RTDEControlInterface(host)
    except RuntimeError as refused:
        assert "remote control" in str(refused), refused
    else:
        raise AssertionError("ur-rtde was let in although the pendant says local")


def gripper(host):
    with RobotiqGripper(host) as fingers:
        fingers.activate()
        assert fingers.get_fault() == 0
        position, found = fingers.close()
        assert (position, int(found)) == (230, 3), "closed on nothing"
        position, found = fingers.move(100)
        assert abs(position - 100) <= 1 and int(found) == 3
        position, found = fingers.open()
        assert (position, int(found)) == (3, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rmrl", default="target/release/rmrl")
    rmrl = parser.parse_args().rmrl
    with twin(rmrl, "127.0.0.1") as host:
        receive_and_dashboard(host)
        gripper(host)
    with twin(rmrl, "127.0.0.2") as host:
        control_program(host)
        post(host, "/person", "local")
        local_control(host)
    print("ur-rtde and pyRobotiqUR: receive, dashboard, control program, remote control, gripper")


if __name__ == "__main__":
    main()
