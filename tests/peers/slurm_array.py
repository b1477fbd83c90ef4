"""Does a comparison as a Slurm array give what one process gives, also when a task is stopped?

Sets Slurm up on this one machine (as root, without systemd), runs examples/cluster/slurm.sh twice, the
second time with one task that is told to stop in the middle and is queued again, merges with
`rmrl report`, and compares the report with that of a single process, byte by byte.

    apt-get install slurmctld slurmd slurm-client munge
    cargo build --release
    python3 tests/peers/slurm_array.py --rmrl target/release/rmrl --out results/peers/slurm.json
"""

import argparse
import contextlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "cluster" / "slurm.sh"
METHODS = "no-correction,reinforce,ppo,rm-rl"
EXTRA = f"--methods {METHODS} --seeds 4 --trials 300 --set evaluation.trials=10 --set contrast=[]"
FILES = ["summary.json", "curves.csv", "table.tex", "report.md"]
TASKS = 4

CONF = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket={dir}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={tasks} RealMemory=4000
PartitionName=main Nodes=ALL Default=YES State=UP
"""


def until(what, holds, seconds):
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() < begun + seconds, f"{what}: not within {seconds} s"
        time.sleep(0.2)


@contextlib.contextmanager
def slurm(folder):
    """A controller and one node, ended as they began."""
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=host, dir=folder, tasks=TASKS))
    os.environ["SLURM_CONF"] = str(conf)
    munge_socket = folder / "munge.socket"
    commands = [
        ["munged", "--force", "--foreground", f"--key-file={key}", f"--socket={munge_socket}",
         f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
         f"--seed-file={folder}/munged.seed"],
        ["slurmctld", "-D", "-f", str(conf)],
        ["slurmd", "-D", "-f", str(conf), "-N", host],
    ]
    processes = []
    try:
        for command in commands:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            processes.append(subprocess.Popen(command, **quiet))
            until("munge", munge_socket.exists, 20)
        until("the node", lambda: "idle" in told("sinfo", "-h", "-o", "%T"), 60)
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def told(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def submit(rmrl, folder, out):
    """An array job's number."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    own = {"RMRL": rmrl, "EXPERIMENT": "narrow", "OUT": str(out), "EXTRA": EXTRA, "TMPDIR": str(scratch)}
    command = ["sbatch", "--parsable", f"--array=0-{TASKS - 1}", f"--chdir={folder}", str(SCRIPT)]
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def states(job):
    lines = told("squeue", "-h", "-r", "-j", job, "-o", "%K %T").split("\n")
    return dict(line.split() for line in lines if line)


def finish(job, seconds=900):
    def over():
        # Slurm lets a requeued task wait two minutes; here there is nothing to wait for.
        for task, state in states(job).items():
            if state == "PENDING":
                told("scontrol", "update", f"JobId={job}_{task}", "StartTime=now")
        return not states(job)

    until(f"job {job}", over, seconds)


def restarts(job):
    text = told("scontrol", "show", "job", job)
    return sum(int(word.removeprefix("Restarts=")) for word in text.split() if word.startswith("Restarts="))


def report(rmrl, out):
    subprocess.run([rmrl, "report", out], check=True, stdout=subprocess.DEVNULL)
    return {name: (out / name).read_bytes() for name in FILES}


def run_files(*folders):
    return sum(len(list(folder.rglob("*.sqlite"))) for folder in folders)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--rmrl", default="target/release/rmrl")
    options.add_argument("--out", type=pathlib.Path)
    given = options.parse_args()
    rmrl = str(pathlib.Path(given.rmrl).resolve())
    absent = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]
    assert not absent, f"{absent} are not installed: apt-get install slurmctld slurmd slurm-client munge"

    # In a folder with a short path: a socket's is limited.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rmrl-slurm-"))
    alone = folder / "alone"
    command = [rmrl, "compare", "narrow", *EXTRA.split(), "--jobs", "1", "--out", str(alone)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = {name: (alone / name).read_bytes() for name in FILES}

    with slurm(folder):
        whole = folder / "whole"
        job = submit(rmrl, folder, whole)
        finish(job)
        assert report(rmrl, whole) == wanted, "an undisturbed array gives the same report"
        print(f"array job {job}: {TASKS} tasks, the same report to the byte")

        stopped = folder / "stopped"
        scratch = folder / "scratch"
        job = submit(rmrl, folder, stopped)
        until("task 1 works", lambda: states(job).get("1") == "RUNNING" and run_files(stopped, scratch), 120)
        time.sleep(2.0)
        # As --signal=B:TERM@60 does a minute before the end.
        told("scancel", "--batch", "--signal=TERM", f"{job}_1")
        until("task 1 is queued again", lambda: states(job).get("1") == "PENDING", 60)
        status = json.loads(told(rmrl, "status", str(stopped), "--json"))
        counts = {state: status[state] for state in ("complete", "running", "stopped", "to_come")}
        assert counts["stopped"] >= 1, f"its run is kept: {counts}"
        finish(job)
        again = restarts(job)
        assert again == 1, f"task 1 was queued again, once: {again}"
        assert report(rmrl, stopped) == wanted, "so does one with a task that was stopped"
        print(f"array job {job}: task 1 stopped ({counts}) and queued again, the same report to the byte")

    version = told("slurmctld", "-V").strip()
    outcome = {
        "program": told(rmrl, "--version").split("\n")[0],
        "slurm": version,
        "command": f"rmrl compare narrow {EXTRA}",
        "tasks": TASKS,
        "compared": FILES,
        "undisturbed": "equal to the byte",
        "task_1_stopped_by_sigterm_and_requeued": "equal to the byte",
        "status_when_it_was_queued_again": counts,
    }
    if given.out:
        given.out.write_text(json.dumps(outcome, indent=2) + "\n")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
