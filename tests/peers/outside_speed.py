#!/usr/bin/env python3
"""Trials a second of a method in Python that does nothing, beside those of `no-correction`.

usage: outside_speed.py RMRL [ROUNDS]      (standard library only; a quiet machine)

Both in turns, one job, about 2,100 trials each. The time that `rmrl report` takes is taken off.
"""
import pathlib, sqlite3, statistics, subprocess, sys, tempfile, time

NOTHING = """
import json, sys
for line in sys.stdin:
    question, answer = json.loads(line), {}
    if question["op"] == "hello":
        answer = {"summary": "does nothing", "signal": "scalar", "context": "none"}
    elif question["op"] == "act":
        answer = {"corrections": [[0, 0, 0] for _ in question["views"]]}
    elif question["op"] == "save":
        answer = {"state": ""}
    print(json.dumps(answer), flush=True)
"""
# One learns, so that it makes 1,000 trials more; the other is evaluated on as many more.
EVALUATED = {"no-correction": 95, "nothing": 50}


def rate(rmrl, method, folder):
    """Trials a second of one run."""
    out = folder / "out"
    given = "./nothing.py" if method == "nothing" else method
    train = [rmrl, "train", "narrow", "--method", given, "--seed", "1", "--jobs", "1", "--fresh", "--out", out,
             "--set", f"evaluation.trials={EVALUATED[method]}"]
    seconds = timed(train, folder) - timed([rmrl, "report", out], folder)
    run = sqlite3.connect(f"file:{out / method / '1.sqlite'}?mode=ro", uri=True)
    [[trials]] = run.execute("SELECT COUNT(*) FROM trial WHERE outcome IS NOT NULL")
    run.close()
    return trials / seconds


def timed(command, folder):
    began = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def main():
    rmrl = str(pathlib.Path(sys.argv[1]).resolve())
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for _ in range(rounds):
            rates = {}
            for method in EVALUATED:
                (folder / method).mkdir(exist_ok=True)
                (folder / method / "nothing.py").write_text(NOTHING)
                rates[method] = rate(rmrl, method, folder / method)
            shares.append(rates["nothing"] / rates["no-correction"])
            print(" ".join(f"{m} {r:.0f}/s" for m, r in rates.items()), f"share {shares[-1]:.2f}", flush=True)
    share = statistics.median(shares)
    print(f"median share {share:.2f}: {'' if share >= 0.8 else 'NOT '}at least 0.8")
    sys.exit(share < 0.8)


main()
