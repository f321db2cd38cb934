"""How steady: what changes from frame to frame along the source's motion, and where the source stands still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from between.footage import Picture

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Search = Callable[[Picture, Picture], Floats]


def dense_inverse_search(now: Picture, before: Picture) -> Floats:
    """Motion by OpenCV's DIS, along which Restrip moves paint too: it flatters Restrip."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(_gray(now), _gray(before), None)


def farneback(now: Picture, before: Picture) -> Floats:
    """Motion by OpenCV's Farneback, which nothing in Restrip uses."""
    return cv2.calcOpticalFlowFarneback(_gray(now), _gray(before), None, 0.5, 5, 21, 5, 7, 1.5, 0)


class Motion:
    """The source's motion from each frame to the one before, and where both see a place."""

    def __init__(self, frames: Sequence[Picture], search: Search) -> None:
        self._steps: list[tuple[Floats, Mask]] = []
        for before, now in pairwise(frames):
            back = search(now, before)
            there = search(before, now)
            apart = back + _pull(there, back, cv2.BORDER_REPLICATE, cv2.INTER_LINEAR)
            self._steps.append((back, np.hypot(apart[..., 0], apart[..., 1]) < 1))
        self.own = float(self.changes(frames).mean())

    def changes(self, pictures: Sequence[Picture]) -> Floats:
        """Mean difference of each picture to the one before, carried along the motion; code values, one a step."""
        found = []
        for (before, now), (back, seen) in zip(pairwise(pictures), self._steps, strict=True):
            carried = _pull(before.astype(np.float32), back, cv2.BORDER_REFLECT, cv2.INTER_CUBIC)
            found.append(np.abs(now - carried)[seen].mean() if seen.any() else 0)
        return np.float32(found)


class Source:
    """What steadiness is told by: the source's motion two ways, and its still places."""

    def __init__(self, frames: Sequence[Picture]) -> None:
        self.dis, self.farneback = Motion(frames, dense_inverse_search), Motion(frames, farneback)
        self.still = _still(frames)

    def unsteadiness(self, pictures: Sequence[Picture]) -> dict[str, float]:
        """Code values a step, less the source's own: "warp" by DIS, "warpF" by Farneback, its "worst" step.

        "jump" is the largest step by Farneback over the mean one; "still" the change a step where the source stands
        still, nan when it does so nowhere.
        """
        steps = self.farneback.changes(pictures)
        return {
            "warp": float(self.dis.changes(pictures).mean()) - self.dis.own,
            "warpF": float(steps.mean()) - self.farneback.own,
            "worst": float(steps.max()) - self.farneback.own,
            "jump": float(steps.max() / steps.mean()),
            "still": self.liveliness(pictures),
        }

    def liveliness(self, pictures: Sequence[Picture]) -> float:
        """Mean change a step where the source stands still."""
        if not self.still.any():
            return float("nan")
        return float(
            np.mean([np.abs(now.astype(np.float32) - before)[self.still].mean() for before, now in pairwise(pictures)])
        )


def _still(frames: Sequence[Picture]) -> Mask:
    """Where no frame differs from the middle one, but for grain."""
    calm = np.stack([cv2.GaussianBlur(frame.astype(np.float32), (0, 0), 3) for frame in frames])
    quiet = np.abs(calm - calm[len(frames) // 2]).max(3).max(0) < 4
    return cv2.erode(quiet.astype(np.uint8), np.ones((9, 9))) > 0


def _gray(picture: Picture) -> Picture:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _pull(values: Floats, flow: Floats, border: int, kind: int) -> Floats:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], kind, borderMode=border)
