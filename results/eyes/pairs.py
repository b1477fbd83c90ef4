"""Trains on a twin's cameras and, with the same seeds, on the twin's own answers; compares what came of it.

    cargo build --release
    python results/eyes/pairs.py target/release/rmrl runs/eyes --method rm-rl --seeds 5 --speed 30

A twin for each run, at so many times life; a run that a busy computer stopped goes on with --resume. Prints the errors after
200 trials and the ratio images / answers (geometric mean over the pairs, 95 % by Student's t).
"""

import argparse
import csv
import json
import math
import pathlib
import re
import subprocess
import urllib.request

ROBOTS = pathlib.Path(__file__).resolve().parents[2] / "robots"
PORTS = ["rtde", "dashboard", "script", "primary", "gripper"]
# Student's t at 97.5 % by degrees of freedom.
T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


def start(rmrl, out, kind, speed):
    """A twin, and the shipped robot file with its ports: as it is (`images`), without cameras (`answers`), or of bare plates (`bare`)."""
    command = [rmrl, "twin", "--robot", str(ROBOTS / "ur5e-twin.toml"), "--ports", "free", "--json", "--speed", str(speed)]
    twin = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ports = json.loads(twin.stdout.readline())["listening"]
    text = (ROBOTS / "ur5e-twin.toml").read_text()
    text = re.sub(r"eyes_url = .*", f'eyes_url = "http://127.0.0.1:{ports["http"]}"', text)
    keys = "".join(f"{name}_port = {ports[name]}\n" for name in PORTS)
    text = text.replace('host = "127.0.0.1"\n', 'host = "127.0.0.1"\n' + keys, 1)
    if kind == "answers":
        text = text[: text.index("[eyes] ")] + text[text.index("[twin] ") :]
    if kind == "bare":
        text = re.sub(r'(?m)^plate = "lid"', 'plate = "bare"', text)
        page = f"http://127.0.0.1:{ports['http']}/person"
        urllib.request.urlopen(urllib.request.Request(page, data=b"lid off")).read()
    file = out / f"{kind}.toml"
    file.write_text(text)
    return twin, file


def train(rmrl, out, kind, seed, options):
    run = out / f"{options.method}-{kind}-{seed}"
    twin, file = start(rmrl, out, kind, options.speed)
    command = [rmrl, "train", "narrow", "--method", options.method, "--seed", str(seed), "--backend", "real", "--robot", str(file),
               "--trials", "200", "--set", "evaluation.every=200", "--set", "evaluation.trials=20", "--set", "demonstration=[]",
               "--out", str(run), "--resume"]
    try:
        for _ in range(60):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 3 or "stale state" not in done.stderr:
                break
    finally:
        twin.kill()
        twin.wait()
    if done.returncode:
        raise SystemExit(done.stderr)
    with open(run / "curves.csv", newline="") as rows:
        # In-scene and held-out at the end.
        last = list(csv.DictReader(rows))[-2:]
    return {(row["phase"], unit): float(row[column]) for row in last for unit, column in options.columns.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rmrl")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--method", default="rm-rl")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--speed", type=float, default=30)
    options = parser.parse_args()
    options.columns = {"mm": "translation_mm", "deg": "yaw_deg"}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "ur5e.urdf").write_text((ROBOTS / "ur5e.urdf").read_text())
    rmrl = str(pathlib.Path(options.rmrl).resolve())
    pairs = []
    for seed in range(1, options.seeds + 1):
        pair = [train(rmrl, options.out, kind, seed, options) for kind in ("images", "answers")]
        print(seed, *pair, flush=True)
        pairs.append(pair)
    for key in pairs[0][0]:
        logs = [math.log(images[key] / answers[key]) for images, answers in pairs]
        mean = sum(logs) / len(logs)
        sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / max(len(logs) - 1, 1))
        half = T.get(len(logs) - 1, 1.96) * sd / math.sqrt(len(logs))
        low, middle, high = (math.exp(x) for x in (mean - half, mean, mean + half))
        print(f"{key[0]:10} {key[1]:4} images / answers {middle:.2f} [{low:.2f}, {high:.2f}]")


if __name__ == "__main__":
    main()
