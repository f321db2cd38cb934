"""Cuts are found, and what only looks like one isn't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import ClipReader, Frame, find_cuts
from restrip.media.cuts import SMALL
from restrip.timeline import ClipRange, Rate


class Clip:
    """Small pictures made by a function of the frame's number."""

    def __init__(self, length: int, picture: Callable[[int], np.ndarray]) -> None:
        self.clip = ClipRange(("none",), Rate.of(25), length)
        self._picture = picture

    def picture_number(self, number: int) -> int:
        return number

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        assert size == SMALL
        return Frame(np.ascontiguousarray(np.clip(self._picture(number), 0, 255).astype(np.uint8)))


def scene(seed: int) -> np.ndarray:
    """A smooth random picture, larger than what is shown of it."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 230, (8, 16, 3)).astype(np.uint8)
    return cv2.resize(small, (256, 72), interpolation=cv2.INTER_CUBIC).astype(float)


def view(seed: int, shift: int = 0) -> np.ndarray:
    return scene(seed)[:36, shift % 190 : shift % 190 + 64]


def test_bikes(bikes: Path) -> None:
    """Real footage; the cuts were looked up frame by frame."""
    with ClipReader(ClipRange((str(bikes),), Rate.of(25), 250)) as reader:
        done: list[tuple[int, int]] = []
        assert find_cuts(reader, lambda n, total, note="": done.append((n, total))) == (30, 76, 137, 187, 242)
        assert done[-1] == (250, 250)
    with ClipReader(ClipRange((str(bikes),), Rate.of(25), 60, trim_in=60)) as reader:
        assert find_cuts(reader) == (16,)
    with ClipReader(ClipRange((str(bikes),), Rate.of(50), 120, trim_in=120)) as reader:
        assert find_cuts(reader) == (32,)


def test_one_shot_has_no_cut(bigbuckbunny: Path) -> None:
    with ClipReader(ClipRange((str(bigbuckbunny),), Rate.of(25), 132)) as reader:
        assert find_cuts(reader) == ()


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_flash_is_no_cut(length: int) -> None:
    flash = range(20, 20 + length)
    assert find_cuts(Clip(60, lambda n: view(1, n) + (150 if n in flash else 0))) == ()
    assert find_cuts(Clip(60, lambda n: np.full((36, 64, 3), 255.0) if n in flash else view(1, n))) == ()


def test_a_cut_beside_a_flash() -> None:
    def picture(n: int) -> np.ndarray:
        return view(1, n) + (150 if n == 20 else 0) if n < 40 else view(2, n)

    assert find_cuts(Clip(60, picture)) == (40,)


@pytest.mark.parametrize("at", [1, 2, 3, 5, 30, 57, 58, 59])
def test_a_cut_anywhere(at: int) -> None:
    assert find_cuts(Clip(60, lambda n: view(1 if n < at else 2, n))) == (at,)


def test_short_shots() -> None:
    assert find_cuts(Clip(40, lambda n: view(n // 8))) == (8, 16, 24, 32)


def test_motion_pans_and_exposure_are_no_cuts() -> None:
    assert find_cuts(Clip(60, lambda n: view(1, 3 * n))) == ()
    assert find_cuts(Clip(60, lambda n: view(1, n) * (1.0 if n < 30 else 0.55))) == ()
    assert find_cuts(Clip(60, lambda n: view(1) * (1 - n / 60) + view(2) * (n / 60))) == ()


def test_a_cut_to_black() -> None:
    assert find_cuts(Clip(60, lambda n: view(1, n) if n < 30 else np.zeros((36, 64, 3)))) == (30,)


def test_short_clips() -> None:
    assert find_cuts(Clip(1, view)) == ()
    assert find_cuts(Clip(2, view)) == (1,)
    assert find_cuts(Clip(2, lambda n: view(1))) == ()
