import os
import tempfile
from pathlib import Path

from ._data import load
from ._errors import RmrlError
from ._track import identity, scalars


def to_rerun(run, to=None):
    """A run as a recording for Rerun's viewer; returns its file, `to` or METHOD-SEED.rrd.

    Timeline `trial`: physical trials made by then. The scalars are those of `track`; `target/measured`
    is where each plate was placed (mm, x right and y down on the screen; 0, 0 is perfect), and
    `camera` its picture where that is stored. An earlier file is replaced.
    """
    try:
        import rerun
    except ModuleNotFoundError as error:
        raise RmrlError("Rerun is not installed: pip install 'rmrl[rerun]'") from error
    run = load(run)
    if run.trials.empty:
        raise RmrlError(f"{run.path}: holds no trial yet: there is nothing to show")
    target = Path(to or f"{run.method}-{run.seed}.rrd")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unborn-") as unborn:
        unborn = Path(unborn) / target.name
        recording = rerun.RecordingStream("rmrl", recording_id=identity(run))
        recording.save(unborn)
        for step, tag, value, _ in scalars(run):
            recording.set_time("trial", sequence=step)
            recording.log(tag, rerun.Scalars(value))
        learned = run.trials[run.trials.phase.isin(["prior", "train"]) & run.trials.outcome.notna()]
        images = run.images()
        for step, (id, trial) in enumerate(learned.iterrows(), 1):
            recording.set_time("trial", sequence=step)
            if id in images:
                recording.log("camera", rerun.Image(images[id]))
            if trial.outcome == "placed":
                recording.log("target/measured", rerun.Points2D([[trial.measured_x_mm, trial.measured_y_mm]]))
            else:
                recording.log("target/measured", rerun.Clear(recursive=False))
        recording.flush()
        recording.disconnect()
        os.replace(unborn, target)
    return target
