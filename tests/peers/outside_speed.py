#!/usr/bin/env python3
"""Trials a second of a method in Python that does nothing, beside those of `no-correction`.

usage: outside_speed.py RMRL [ROUNDS]      (standard library only; a quiet machine)

Both in turns, one job, some 1,100 trials each. Counted is the time from the session's begin to the last trial, as
the run's file has it: the start of the program and all talk with it, but not the report. A shared machine's speed
changes from one second to the next, so the figure is the ratio of the medians over all rounds.
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
# One learns, so that it makes 500 trials more; the other is evaluated on as many more.
EVALUATED = {"no-correction": 92, "nothing": 50}


def rate(rmrl, method, folder):
    """Trials a second of one run."""
    out = folder / "out"
    given = "./nothing.py" if method == "nothing" else method
    train = [rmrl, "train", "narrow", "--method", given, "--seed", "1", "--jobs", "1", "--trials", "500", "--fresh",
             "--out", out, "--set", f"evaluation.trials={EVALUATED[method]}"]
    subprocess.run(train, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = sqlite3.connect(f"file:{out / method / '1.sqlite'}?mode=ro", uri=True)
    [[trials, ended]] = run.execute("SELECT COUNT(*), MAX(recorded_unix_s) FROM trial")
    [[began]] = run.execute("SELECT begun_unix_s FROM session")
    run.close()
    return trials / (ended - began)


def main():
    rmrl = str(pathlib.Path(sys.argv[1]).resolve())
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    rates = {method: [] for method in EVALUATED}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for turn in range(rounds):
            for method in sorted(EVALUATED, reverse=turn % 2 == 1):
                (folder / method).mkdir(exist_ok=True)
                (folder / method / "nothing.py").write_text(NOTHING)
                rates[method].append(rate(rmrl, method, folder / method))
            print(" ".join(f"{m} {r[-1]:.0f}/s" for m, r in rates.items()), flush=True)
    medians = {method: statistics.median(r) for method, r in rates.items()}
    share = medians["nothing"] / medians["no-correction"]
    best = max(rates["nothing"]) / max(rates["no-correction"])
    print(f"share {share:.2f} (medians), {best:.2f} (best of each): {'' if share >= 0.8 else 'NOT '}at least 0.8")
    sys.exit(share < 0.8)


main()
