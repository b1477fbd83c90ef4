import base64
import os

import numpy as np

from ._process import Process


def policy(run):
    """What a run has learned, to be called: a picture in, a correction out."""
    return Policy(run)


class Policy:
    """The greedy policy of a run: its SQLite file, or a folder that holds just one.

    `policy(image)`: 64 x 64 (x 1) uint8, or of the size that `described["image"]` says, -> [x_mm, y_mm, yaw_deg]. A method whose `context` is
    "scene-id" may also be told `instance=`, else the scene is unknown to it; one with "pose" needs
    `pose=[x_mm, y_mm, yaw_deg]`.
    An observation of `PlaceEnv`, a Dict with the scene too, can be given as it is.
    """

    def __init__(self, run):
        # "./": a run may not be taken for a flag.
        self._process = Process("policy", os.path.join(".", os.fspath(run)))
        self.described = self._process.ask(op="describe")
        self._shape = (self.described["image"]["height"], self.described["image"]["width"])

    @property
    def context(self):
        return self.described["context"]

    def __call__(self, image, instance=None, pose=None):
        if isinstance(image, dict):
            image, instance = image["image"], image["scene"]
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.shape not in (self._shape, (*self._shape, 1)):
            raise ValueError(f"image of shape {image.shape}, {image.dtype}: must be {self._shape}, uint8")
        question = {"image": base64.b64encode(image.tobytes()).decode()}
        if instance is not None:
            question["instance"] = int(instance)
        if pose is not None:
            question["pose"] = [float(part) for part in pose]
            if len(question["pose"]) != 3 or not np.isfinite(question["pose"]).all():
                raise ValueError(f"pose {pose!r}: must be [x_mm, y_mm, yaw_deg]")
        return np.array(self._process.ask(op="act", **question)["correction"])

    def close(self):
        self._process.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
