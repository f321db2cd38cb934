"""Hard shots: footage that a propagation gets wrong most easily, found or made from a real frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from between.footage import CLIPS, Picture, frames_of, path_of

Maker = Callable[[Path | None], "list[Picture] | None"]


@dataclass(frozen=True)
class Shot:
    """What is hard about it, its frames, and the look of each key; `matte` cuts the subject out: as the clip's own
    alpha, or as a job's matte if it `limits`, outside which the source stays.
    """

    name: str
    frames: Maker
    looks: tuple[str, str] = ("look 19", "look 19")
    matte: Callable[[Sequence[Picture]], list[Picture]] | None = None
    limits: bool = False


def cut(clip: str, first: int, apart: int = 20) -> Maker:
    """Frames of a clip, from key to key."""

    def frames(folder: Path | None) -> list[Picture] | None:
        path = path_of(CLIPS[clip], folder)
        return None if path is None else frames_of(path, first, apart + 1, CLIPS[clip].size)

    return frames


def camera(zoom: float = 1.0, roll: float = 0.0, pan: float = 0.0, apart: int = 20) -> Maker:
    """One frame of Big Buck Bunny, seen by a camera that zooms in by `zoom`, rolls by degrees, pans by pixels."""

    def frames(folder: Path | None) -> list[Picture] | None:
        path = path_of(CLIPS["bunny"], folder)
        assert path is not None
        still = frames_of(path, 60, 1, (1280, 720))[0]
        out = []
        for n in range(apart + 1):
            part = n / apart
            view = cv2.getRotationMatrix2D((560, 330), roll * (part - 0.5), 0.62 * zoom**part)
            view[:, 2] += np.array([320, 180]) - (560, 330) + np.array([pan * (part - 0.5), 0])
            out.append(cv2.warpAffine(still, view, (640, 360), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT))
        return out

    return frames


def flashes(folder: Path | None) -> list[Picture] | None:
    """Two flashes over a moving shot: the whole picture far too bright for one frame, a part of it for two."""
    frames = cut("bunny", 30)(folder)
    assert frames is not None
    out = [frame.astype(np.float32) for frame in frames]
    out[5] = out[5] * 1.9 + 50
    y, x = np.mgrid[0 : frames[0].shape[0], 0 : frames[0].shape[1]]
    lamp = np.exp(-((x - 420) ** 2 + (y - 160) ** 2) / (2 * 130.0**2))[..., None]
    for n in (10, 11):
        out[n] = out[n] * (1 + 1.4 * lamp) + 60 * lamp
    return [np.clip(frame, 0, 255).astype(np.uint8) for frame in out]


def crowd(folder: Path | None) -> list[Picture] | None:
    """Thirty heads of the carphone clip, each at its own time, size and speed, that pass in front of each other."""
    path = path_of(CLIPS["carphone"], folder)
    assert path is not None
    people = frames_of(path, 0, 90, (440, 360))
    ground = frames_of(path_of(CLIPS["bikes"], folder) or path, 150, 1, (640, 360))[0]
    y, x = np.mgrid[0:360, 0:440]
    head = np.exp(-((np.maximum(0, ((x - 215) / 75) ** 2 + ((y - 140) / 108) ** 2 - 1) * 6) ** 2)).astype(np.float32)
    rng = np.random.default_rng(7)
    seats = sorted(
        (float(rng.uniform(120, 330)), float(rng.uniform(0, 640)), float(rng.uniform(-5, 5)), int(rng.integers(0, 68)))
        for _ in range(30)
    )
    out = []
    for n in range(21):
        picture = ground.astype(np.float32)
        for low, left, speed, when in seats:
            scale = 0.25 + low / 900
            view = np.float32([[scale, 0, left + speed * (n - 10) - 215 * scale], [0, scale, low - 140 * scale]])
            here = cv2.warpAffine(head, view, (640, 360), flags=cv2.INTER_AREA)[..., None]
            face = cv2.warpAffine(
                people[when + n], view, (640, 360), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
            )
            picture += here * (face - picture)
        out.append(picture.astype(np.uint8))
    return out


def grey_body(frames: Sequence[Picture]) -> list[Picture]:
    """A soft matte [H, W] uint8 of the rabbit's body: grey, light and in one piece."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41))
    out = []
    for frame in frames:
        hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
        grey = ((hsv[..., 1] < 70) & (hsv[..., 2] > 95)).astype(np.uint8)
        grey[:, :110], grey[:, 360:] = 0, 0
        _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((7, 7))))
        body = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8) * 255
        out.append(cv2.GaussianBlur(cv2.morphologyEx(body, cv2.MORPH_CLOSE, disc), (0, 0), 1.5))
    return out


SHOTS = (
    Shot("head turn", cut("carphone", 74), ("look 3", "look 3")),
    Shot("sharp head turn (wolf)", cut("wolf", 14), ("look 3", "look 3")),
    Shot("running limbs", cut("bikes", 190)),
    Shot("running limbs (runner)", cut("runner", 40)),
    Shot("camera pan", camera(pan=-260)),
    Shot("camera zoom", camera(zoom=1.9)),
    Shot("camera roll", camera(roll=40)),
    Shot("motion blur", cut("bikes", 80), ("look 11", "look 11")),
    Shot("very fast (boxer)", cut("boxer", 0)),
    Shot("flashes", flashes),
    Shot("keys 40 apart", cut("bunny", 18, 40)),
    Shot("hair and grass", cut("bunny", 0), ("look 11", "look 11")),
    Shot("hair (runner)", cut("runner", 80)),
    Shot("crowd", crowd, ("look 3", "look 3")),
    Shot("keys of two styles", cut("bunny", 30), ("look 3", "look 11")),
    Shot("alpha", cut("bunny", 45), matte=grey_body),
    Shot("matte", cut("bunny", 45), matte=grey_body, limits=True),
)
