"""Plain bars that a program laid beside a key, or above and below it, to give it another shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame

Bars = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

PLAIN = 6.0
"""Code values of 8 bits that a bar may differ by."""

BLOCK_PX = 8
"""Beside its border a bar that was stored as JPEG has ringing, as far as a block reaches."""

LEAST_PX, LEAST, MOST = 3, 0.015, 0.3
"""How broad a bar is: in pixels and of the short side at least, of the side that it is cut from at most."""

BLACK = 24.0
"""Code values of 8 bits: programs that give a picture another shape leave black beside it, also that of video."""


def bars_of(key: Frame) -> Bars:
    """How many pixels of a key are plain bars of one colour: left, top, right, bottom; none where one side only has
    one, or the two differ."""
    rgb = key.rgb8()
    least = max(LEAST_PX, LEAST * min(key.size))
    left, right = _ends(rgb.swapaxes(0, 1), least)
    top, bottom = _ends(rgb, least)
    return left, top, right, bottom


def is_border(bars: Bars, key: Frame, lies_right: bool) -> bool:
    """Whether bars of a key are a border that somebody painted: around all of the picture or not black, which bars
    mostly are; both when the picture between them doesn't lie right, as it does for who paints.
    """
    around, black = min(bars) > 0, _colour_of(bars, key) <= BLACK
    return around or not black if lies_right else around and not black


def _colour_of(bars: Bars, key: Frame) -> float:
    """The brightest channel of bars."""
    rgb = key.rgb8()
    line = rgb[0] if bars[1] else rgb[:, 0]
    return float(np.median(line, axis=0).max())


def _ends(lines: npt.NDArray[np.uint8], least: float) -> tuple[int, int]:
    """How many lines at either end of a picture [N, M, 3] are bars, none where either has fewer than the least."""
    # Most keys have none, which their outermost lines say in no time.
    if not all(_plain(_off(end, np.median(end, axis=1)[0]))[0] for end in (lines[:1], lines[-1:])):
        return 0, 0
    colour = np.median(lines, axis=1).astype(np.float32)
    found = []
    for own, rows in ((colour, lines), (colour[::-1], lines[::-1])):
        most = int(len(rows) * MOST)
        off = _off(rows[:most], own[0])
        plain = (np.abs(own[:most] - own[0]).max(-1) <= PLAIN) & _plain(off)
        bar = most if plain.all() else int(np.argmin(plain))
        near = off[bar : bar + BLOCK_PX].mean(1) <= 2 * PLAIN
        found.append(bar + (len(near) if near.all() else int(np.argmin(near))) if bar else 0)
    alike = float(np.abs(colour[0] - colour[-1]).max()) <= PLAIN
    return (found[0], found[1]) if alike and min(found) >= least else (0, 0)


def _off(lines: npt.NDArray[np.uint8], colour: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """How far each pixel of lines [N, M, 3] is from a colour [3], in its worst channel."""
    apart: npt.NDArray[np.float32] = np.abs(lines.astype(np.float32) - colour.astype(np.float32)).max(-1)
    return apart


def _plain(off: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which lines are of one colour, from which their pixels [N, M] are so far `off`."""
    return np.asarray(np.quantile(off, 0.98, axis=1) <= PLAIN)


def parts_of(bars: Bars, own: tuple[int, int], size: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Where bars of a key of the size `own` lie on a picture of `size`, rows and columns."""
    left, top, right, bottom = (round(bar * size[n % 2] / own[n % 2]) for n, bar in enumerate(bars))
    parts = [(slice(None), slice(0, left)), (slice(0, top), slice(None))]
    parts += [(slice(None), slice(size[0] - right, None)), (slice(size[1] - bottom, None), slice(None))]
    return [part for part, bar in zip(parts, (left, top, right, bottom), strict=True) if bar]


def hides(frame: npt.NDArray[np.uint8], part: tuple[slice, slice]) -> bool:
    """Whether the frame [H, W, 3] has something there that a bar hides."""
    return float(frame[part].std(axis=(0, 1)).max()) > 2 * PLAIN
