"""What each small cell of two pictures says about how one lies on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.registration.structure import Floats, lighter_of, structure_of
from restrip.registration.warp import Doubles, Warp, places, resized

CELL = 8
"""Pixels of a level that speak with one voice."""

EDGE_PX = 0.02

EDGES = slice(None, 3), slice(3, None)
"""The channels that tell edges, and those of colours, which may come after them."""

AROUND = 3
"""Cells, a side, over which edges are compared."""

FOREIGN_CELLS = 2.25
FOREIGN, LEAST_FOREIGN = 0.3, 0.02
"""What agrees by less than such a share of what is usual, over an area of so many cells' sigma, and as large a part of
the picture, shows nothing of the frame: it was painted over."""


@dataclass(frozen=True, eq=False)
class Leaning:
    """Of every cell: the normal equations of how far its edges lie aside towards the light, with both moves [N, 2], by
    itself [N], and their right side [N].
    """

    across: Doubles
    left: Doubles
    right: Doubles


@dataclass(frozen=True, eq=False)
class CellMoves:
    """Of every cell: its middle [N, 2], its normal equations [N, 2, 2] and [N, 2], its correlation in -1..1 [N] and how
    much structure it has [N]; if asked, what it says of how far edges lie aside, and of how far colours do.
    """

    middles: Doubles
    left: Doubles
    right: Doubles
    agreement: Floats
    strength: Floats
    leaning: tuple[Leaning, ...] = ()

    def blocks(self, side_px: float) -> npt.NDArray[np.intp]:
        """Which square block of the picture each cell lies in, [N], numbered from 0 without gaps."""
        block = (self.middles // side_px).astype(int)
        return np.unique(block[:, 0] * 4096 + block[:, 1], return_inverse=True)[1]


@dataclass(frozen=True, eq=False)
class Pair:
    """The structure of a frame and of a key at one size, [H, W, C] float32 each, their `pictures` [H, W, 3] uint8, how
    far the key's edges and its colours lie aside towards the light in pixels, and which cells of the frame are asked,
    [rows, columns] 1 or 0; None for all.
    """

    frame: Floats
    key: Floats
    pictures: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    leans: tuple[float, ...] = (0.0, 0.0)
    asked: Floats | None = None

    @classmethod
    def of(cls, frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], alpha: Floats | None, long_side: int) -> Pair:
        """Of two pictures, [H, W, 3] uint8 of one size, made so small; `alpha` [H, W] in 0..1 is the key's."""
        height, width = frame.shape[:2]
        scale = min(1.0, long_side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = resized(frame, size), resized(key, size)
        ours, theirs = (structure_of(picture) for picture in small)
        return cls(ours, theirs if alpha is None else theirs * resized(alpha, size)[..., None], small)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.frame.shape[1], self.frame.shape[0]

    @property
    def back(self) -> Pair:
        """The frame for the key and the key for the frame."""
        return Pair(self.key, self.frame, self.pictures[::-1])

    def votes(self, warp: Warp, leans: Sequence[float] | None = None) -> CellMoves:
        """What the cells say under a map of this size. Cells that the key doesn't show whole say nothing. With `leans`
        these stand for the pair's own, and what the cells say of them is told.
        """
        field = warp.field()
        pulled, inside = self._pulled(field, self.leans if leans is None else leans), self._inside(field)
        if self.asked is not None:
            inside = inside * self.asked

        def summed(a: Floats, b: Floats) -> Floats:
            return _summed(a, b) * inside

        both, own, other = summed(self.frame, pulled), self._own * inside, summed(pulled, pulled)
        gain = float(np.clip(both.sum() / (other.sum() + 1e-9), 0.3, 1.5))
        theirs = _slopes(pulled, gain)
        dx, dy = (cv2.addWeighted(a, 0.5, b, 0.5, 0) for a, b in zip(self._slopes, theirs, strict=True))
        error = cv2.addWeighted(self.frame, 1, pulled, -gain, 0)
        xx, xy, yy = summed(dx, dx), summed(dx, dy), summed(dy, dy)
        # Only edges that both have answer to a move: those of one alone would make every step too short.
        along, across = (summed(a, b) for a, b in zip(self._slopes, theirs, strict=True))
        shared = _near(along + across)
        answer = np.clip(shared / (_near(xx + yy) + 1e-9), 0.2, 1)
        return CellMoves(
            self._middles,
            (np.stack([xx, xy, xy, yy], -1) * answer[..., None]).reshape(-1, 2, 2).astype(np.float64),
            np.stack([summed(dx, error), summed(dy, error)], -1).reshape(-1, 2).astype(np.float64),
            (_near(both) / np.sqrt(_near(own) * _near(other) + 1e-9)).ravel(),
            np.sqrt(own * other).ravel(),
            self._leaning(dx, dy, error, answer, inside) if leans is not None else (),
        )

    def _pulled(self, field: Floats, leans: Sequence[float]) -> Floats:
        """The key as the frame lies."""
        pulled: Floats = cv2.remap(self.key, field, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for channels, lean in zip(EDGES, leans, strict=True):
            if lean:
                aside, some = cv2.scaleAdd(self._lighter, lean, field), np.ascontiguousarray(self.key[..., channels])
                pulled[..., channels] = cv2.remap(some, aside, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return pulled

    def _leaning(self, dx: Floats, dy: Floats, error: Floats, answer: Floats, inside: Floats) -> tuple[Leaning, ...]:
        """How far edges and colours lie aside, by the slopes and errors that the moves are told by."""
        lighter, told = self._lighter, []
        for channels in EDGES:
            x, y, off = dx[..., channels], dy[..., channels], error[..., channels]
            aside = x * lighter[..., :1] + y * lighter[..., 1:]
            across = np.stack([_summed(x, aside), _summed(y, aside)], -1) * (answer * inside)[..., None]
            own, right = (_summed(aside, aside) * answer * inside, _summed(aside, off) * inside)
            told.append(
                Leaning(across.reshape(-1, 2).astype(float), own.ravel().astype(float), right.ravel().astype(float))
            )
        return tuple(told)

    def where_known(self, warp: Warp) -> Pair:
        """The pair without the cells of a large area that shows nothing of the frame under a map: painted over, it
        would only add to what strokes pretend.
        """
        said, shape = self.votes(warp), self._own.shape

        def around(values: Floats) -> Floats:
            return cv2.GaussianBlur(values.astype(np.float32).reshape(shape), (0, 0), FOREIGN_CELLS)

        known = (said.strength > 0).reshape(shape)
        agreement = around(said.strength * said.agreement) / (around(said.strength) + 1e-6)
        usual = float(np.median(agreement[known])) if known.any() else 0.0
        foreign = ((agreement < FOREIGN * usual) & known).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(foreign, connectivity=4)
        large = stats[:, cv2.CC_STAT_AREA] >= LEAST_FOREIGN * foreign.size
        large[0] = False
        if not large.any():
            return self
        # Beside it cells are compared together with foreign ones.
        apart = cv2.dilate(large[parts].astype(np.uint8), np.ones((AROUND, AROUND), np.uint8))
        return replace(self, asked=(1 - apart).astype(np.float32))

    @cached_property
    def _middles(self) -> Doubles:
        rows, columns = self._own.shape
        return (places((columns, rows)).reshape(-1, 2).astype(np.float64) + 0.5) * CELL - 0.5

    @cached_property
    def _slopes(self) -> tuple[Floats, Floats]:
        return _slopes(self.frame, 1.0)

    @cached_property
    def _lighter(self) -> Floats:
        return lighter_of(self.pictures[0])

    @cached_property
    def _own(self) -> Floats:
        return _summed(self.frame, self.frame)

    def _inside(self, field: Floats) -> Floats:
        """1 for cells whose corners the key shows, [rows, columns]."""
        rows, columns = self._own.shape
        shown = np.ones((rows, columns), bool)
        for top in (0, min(CELL, self.size[1]) - 1):
            for left in (0, min(CELL, self.size[0]) - 1):
                at = field[top : rows * CELL : CELL, left : columns * CELL : CELL]
                shown &= ((at >= -EDGE_PX) & (at <= np.array(self.size) - 1 + EDGE_PX)).all(-1)
        return shown.astype(np.float32)


def trust(agreement: Floats) -> Floats:
    """How much each cell counts: those that agree best fully, those that agree by chance hardly."""
    best = float(np.quantile(agreement, 0.8))
    counted: Floats = np.clip((agreement - 0.25 * best) / (0.75 * best + 1e-6), 0, 1)
    return counted * counted


def _near(values: Floats) -> Floats:
    return cv2.blur(values, (AROUND, AROUND))


def _slopes(picture: Floats, gain: float) -> tuple[Floats, Floats]:
    across, down = (cv2.Sobel(picture, cv2.CV_32F, x, 1 - x, ksize=3, scale=gain / 8) for x in (1, 0))
    return across, down


def _summed(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Floats:
    """The sums of a * b over cells, [rows, columns]; what is left at the right and the bottom has no cell."""
    rows, columns = max(1, a.shape[0] // CELL), max(1, a.shape[1] // CELL)
    high, wide = min(CELL, a.shape[0]), min(CELL, a.shape[1])
    parts = (x[: rows * high, : columns * wide].reshape(rows, high, columns, wide, -1) for x in (a, b))
    return np.einsum("iajbc,iajbc->ij", *parts)
