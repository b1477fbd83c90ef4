"""Clients that nobody here wrote move the arm of `rmrl twin`: urx, ur_aj, and the maker's own RTDE client.

urx 0.11 reads robot states of PolyScope 3.4 at the newest, so its twin sends those (`--client-interface 3.4`).
The maker's client (RTDE_Python_Client_Library) is not on PyPI under a name of its own; urpy carries it.

    pip install urx==0.11.0 ur_aj==0.1.5 urpy==1.2.0
    python tests/peers/twin_clients.py --rmrl target/release/rmrl
"""

import argparse
import json
import logging
import socket
import struct
import urllib.request

import ur_aj
import urx
from twin_peers import near, post, twin, until
from urpy.rtde import rtde


def status(host):
    with urllib.request.urlopen(f"http://{host}:63380/status", timeout=5) as answer:
        return json.load(answer)


def with_urx(host):
    # Without math3d between them, of which urx wants one older than this Python.
    robot = urx.URRobot(host, use_rt=True)
    try:
        assert robot.is_running()
        joints = robot.getj(wait=True)
        assert near(joints, status(host)["actual_q"], 1e-3)
        joints[0] += 0.2
        joints[5] -= 0.3
        reached = robot.movej(joints, acc=1.5, vel=1.0, threshold=0.005)
        assert near(reached, joints, 2e-3), (reached, joints)

        pose = robot.getl(wait=True)
        pose[2] += 0.05
        reached = robot.movel(pose, acc=0.5, vel=0.2, threshold=0.002)
        assert near(reached[:3], pose[:3], 0.5e-3), (reached, pose)

        before = robot.getl(wait=True)
        robot.speedx("speedl", [0, 0.05, 0, 0, 0, 0], 0.5, 1)
        until("the speed", lambda: robot.getl(wait=True)[1] > before[1] + 0.01)
        robot.stopl(1.0)
        until("rest", lambda: not robot.is_program_running())

        robot.set_digital_out(2, True)
        until("the output", lambda: robot.get_digital_out(2, wait=True) == 1)
        robot.set_digital_out(2, False)
        until("the output", lambda: robot.get_digital_out(2, wait=True) == 0)
        assert robot.get_force(wait=True) < 5.0

        post(host, "/fault", "protective-stop")
        until("the stop", lambda: not robot.is_running())
    finally:
        robot.close()


def with_ur_aj(host):
    """Reads one real-time packet of 30003 a connection, sends to 30001, and closes with unread bytes."""
    ur_aj.configure_robot(host)
    x, y, z, *turn = ur_aj.getpose()  # mm and deg
    assert near(ur_aj.getjoints(), [q * 57.29578 for q in status(host)["actual_q"]], 0.1)
    ur_aj.moveL(x + 40, y, z + 20, *turn, speed=0.3)
    assert near(ur_aj.getpose()[:3], [x + 40, y, z + 20], 0.5), ur_aj.getpose()
    sixth = ur_aj.jointangle(6)
    ur_aj.jointupdate(6, sixth + 15, speed=1.0)
    until("the joint", lambda: abs(ur_aj.jointangle(6) - sixth - 15) < 0.1)
    ur_aj.digitalout(3, True)
    until("the output", lambda: packet_digital_out(host) == 8)


def packet_digital_out(host):
    with socket.create_connection((host, 30003), timeout=5) as port:
        packet = b""
        while len(packet) < 1220:
            packet += port.recv(1220 - len(packet))
    # The 131st double of the maker's table.
    return struct.unpack_from("!d", packet, 4 + 8 * 130)[0]


# Of the maker's example: setpoints in registers, a watchdog, a program that follows.
FOLLOWS = """def follows():
  rtde_set_watchdog("input_int_register_24", 1, "STOP")
  while True:
    if read_input_integer_register(24) == 1:
      movej([read_input_float_register(24), read_input_float_register(25), read_input_float_register(26), read_input_float_register(27), read_input_float_register(28), read_input_float_register(29)], a=2, v=1)
      write_output_integer_register(24, 1)
    end
    sync()
  end
end
"""


def with_the_makers_client(host):
    client = rtde.RTDE(host, 30004)
    client.connect()
    assert client.get_controller_version()[0] == 5
    assert client.send_output_setup(["actual_q", "output_int_register_24", "runtime_state"])
    setpoint = client.send_input_setup([f"input_double_register_{i}" for i in range(24, 30)])
    watchdog = client.send_input_setup(["input_int_register_24"])
    assert client.send_start()
    goal = list(client.receive().actual_q)
    goal[0] -= 0.15
    goal[4] += 0.1
    for i, q in enumerate(goal):
        setattr(setpoint, f"input_double_register_{24 + i}", q)
    client.send(setpoint)
    watchdog.input_int_register_24 = 1
    client.send(watchdog)
    with socket.create_connection((host, 30001), timeout=5) as port:
        port.sendall(FOLLOWS.encode())

        def arrived():
            client.send(watchdog)
            state = client.receive()
            return state.output_int_register_24 == 1 and near(state.actual_q, goal, 2e-3)

        until("the setpoint", arrived)
    # Without the heartbeat the watchdog ends the program.
    until("the watchdog's stop", lambda: client.receive().runtime_state == 1)
    client.disconnect()


def main():
    logging.disable(logging.ERROR)  # urx tells of every byte before the first state, and of the stop
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rmrl", default="target/release/rmrl")
    rmrl = parser.parse_args().rmrl
    with twin(rmrl, "127.0.0.3", "--client-interface", "3.4") as host:
        with_urx(host)
    with twin(rmrl, "127.0.0.4") as host:
        with_ur_aj(host)
        with_the_makers_client(host)
    print("urx, ur_aj and the maker's RTDE client: connected, moved the arm")


if __name__ == "__main__":
    main()
