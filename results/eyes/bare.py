"""Judges policies that were trained under the lid on plates without one: the runs that pairs.py has made.

    python results/eyes/bare.py target/release/rmrl runs/eyes --method rm-rl --seeds 3
"""

import argparse
import pathlib
import subprocess

from pairs import start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rmrl")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--method", default="rm-rl")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--speed", type=float, default=20)
    options = parser.parse_args()
    rmrl = str(pathlib.Path(options.rmrl).resolve())
    twin, file = start(rmrl, options.out, "bare", options.speed)
    try:
        for seed in range(1, options.seeds + 1):
            run = options.out / f"{options.method}-images-{seed}" / options.method / f"{seed}.sqlite"
            subprocess.run([rmrl, "eval", str(run), "--backend", "real", "--robot", str(file), "--trials", "20"], check=True)
    finally:
        twin.kill()
        twin.wait()


if __name__ == "__main__":
    main()
