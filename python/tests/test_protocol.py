"""`rmrl env` itself, asked with what no JSON library would send."""

import json
import subprocess

import rmrl


def answers(*lines):
    command = [rmrl.binary(), "env", "smoke", "--seed", "1"]
    done = subprocess.run(command, input=b"\n".join(lines), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_line_that_is_not_utf_8_is_told_and_the_next_one_is_heard():
    told = answers(b'{"op":"describe"}', b'{"op":"\xff\xfe"}', b"", b'{"op":"prepare"}')
    assert "range" in told[0] and told[2]["trial"] == 0
    assert told[1]["error"] == "the line is not UTF-8, from byte 7"


def test_a_byte_order_mark_is_not_part_of_the_question():
    assert "range" in answers(b'\xef\xbb\xbf{"op":"describe"}')[0]


def test_a_correction_out_of_range_is_refused_and_the_trial_waits():
    attempt = b'{"op":"attempt","correction":[%s,0,0]}'
    told = answers(b'{"op":"prepare"}', attempt % b"9", attempt % b"1e400", attempt % b"NaN", attempt % b"3")
    assert "correction x = 9 mm: must be from -3 to 3" in told[1]["error"]
    assert "error" in told[2] and "error" in told[3]
    assert "reward" in told[4]


def test_an_environment_can_be_declared_from_what_is_described():
    told = answers(b'{"op":"describe"}')[0]
    assert told["image"] == {"width": 64, "height": 64, "mm_per_pixel": 2.5, "type": "uint8"}
    assert told["grid"]["x_mm"] == [-3, -2, -1, 0, 1, 2, 3]
    assert told["cap"] == {"x_mm": 3, "y_mm": 3, "yaw_deg": 3}
    assert told["checkpoints"][-1] == told["trials"] and told["batch"] == 20
    assert told["reward_floor"] < -2 and "translation_mm" in told["reward"]
