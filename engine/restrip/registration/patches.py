"""Strokes where a key shows nothing: whole patches of its own paint, from where its frame looks alike.

Texture transfer by quilting (Efros and Freeman 2001): block after block from the key's border outwards, each from the
place whose frame fits best and whose paint fits what lies there already; their seams run where both agree, by a minimal
cut (Kwatra et al. 2003).

    key | block          +---------+
    ----+-----+          |laid \\   |   the seam: what was laid to the left, the new block to the right
        | new |          |     / new|
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Known = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

CELLS_ACROSS, LEAST_CELL_PX = 144, 5
"""Of the long side: pictures of every size are compared in as many cells, as strokes mostly grow with them."""

BLOCK, STEP = 4, 3
"""Cells a side of a block, and from one to the next."""

GUESSED = 0.7
"""What the frame in the key's colours counts where nothing is laid yet, beside paint that is."""

TRIED, TRIED_CELL_PX = 12, 6
"""How many of the best blocks are laid to the pixel to see which fits best, in pictures that have cells of that size
at most."""

FEWEST = 50
KEPT = 0.5
"""Cells of the key beside its border that a seam may run through."""

SOFT_PX = 0.7


def patched(frame: Floats, key: Floats, painted: Known, wanted: Known, made: Floats) -> Floats:
    """A key [H, W, 3] with its own paint laid wherever it is `wanted` [H, W], from where it is `painted` [H, W].

    `made` is the frame in the key's colours, [H, W, 3], and stays there when there is too little paint to choose from.
    """
    cell = max(LEAST_CELL_PX, round(max(wanted.shape) / CELLS_ACROSS))
    quilt = _Quilt(np.where(painted[..., None], key, made), painted.copy(), painted, cell)
    if min(wanted.shape) >= BLOCK * cell:
        sources = _Sources.of(np.dstack([frame, made]), key, painted, cell)
        if len(sources.places) >= FEWEST:
            for y, x in _blocks(wanted, cell):
                block = slice(y, y + BLOCK * cell), slice(x, x + BLOCK * cell)
                quilt.lay(block, sources.best(quilt.picture[block], quilt.laid[block], (y, x)))
    return np.where((painted | wanted)[..., None], quilt.picture, key)


def _blocks(wanted: Known, cell: int) -> list[tuple[int, int]]:
    """The top left corners of blocks that have something to fill, those nearest to what is known first."""
    side, step = BLOCK * cell, STEP * cell
    away = cv2.distanceTransform(wanted.astype(np.uint8), cv2.DIST_L2, 3)
    starts = [sorted({*range(0, whole - side, step), whole - side}) for whole in wanted.shape]
    found = [(y, x) for y in starts[0] for x in starts[1] if away[y : y + side, x : x + side].any()]
    return sorted(found, key=lambda at: float(away[at[0] : at[0] + side, at[1] : at[1] + side].mean()))


@dataclass(frozen=True, eq=False)
class _Sources:
    """Blocks of paint to choose from: `places` [N, 2] in cells, top and left; how all of the picture looks, its `guide`
    [rows, columns, 6] and its `paint` [rows, columns, 3] by cells; and the key itself.
    """

    places: Places
    guide: Floats
    paint: Floats
    key: Floats
    painted: Known
    cell: int

    @classmethod
    def of(cls, guide: Floats, key: Floats, painted: Known, cell: int) -> _Sources:
        """Of a key and what its places are told by, [H, W, 6]: the frame's colours, and these in the key's."""
        rows, columns = painted.shape[0] // cell, painted.shape[1] // cell
        part = slice(0, rows * cell), slice(0, columns * cell)
        guide, paint, whole = (
            cv2.resize(picture[part], (columns, rows), interpolation=cv2.INTER_AREA)
            for picture in (guide, key, painted.astype(np.float32))
        )
        views = np.lib.stride_tricks.sliding_window_view(whole > 1 - 1e-4, (BLOCK, BLOCK))
        return cls(np.argwhere(views.all((-1, -2))), guide, paint, key, painted, cell)

    def best(self, picture: Floats, laid: Known, at: tuple[int, int]) -> Floats:
        """The paint [B, B, 3] for a block at pixel `at`, of which `picture` [B, B, 3] is `laid` [B, B] in part."""
        row, column = (
            min(start // self.cell, whole - BLOCK) for start, whole in zip(at, self.paint.shape, strict=False)
        )
        guide = self.guide[row : row + BLOCK, column : column + BLOCK].ravel()
        there, shown = (
            cv2.resize(one, (BLOCK, BLOCK), interpolation=cv2.INTER_AREA) for one in (picture, laid.astype(np.float32))
        )
        weight = np.repeat(np.where(shown > 1 - 1e-4, 1, GUESSED).ravel(), there.shape[2]).astype(np.float32)
        cost = _apart(*self._guides, guide, np.ones_like(guide)) + _apart(*self._paints, there.ravel(), weight)
        few = np.argsort(cost, kind="stable")[:TRIED]
        found = [self._nearest(self.places[n] * self.cell, picture, laid) for n in few]
        y, x = min(found)[1]
        return self.key[y : y + len(picture), x : x + len(picture)]

    def _nearest(self, place: Places, picture: Floats, laid: Known) -> tuple[float, tuple[int, int]]:
        """How far paint near a place is from a block's picture, where that is least, and where this is."""
        side, reach, less = len(picture), self.cell // 2, max(1, self.cell // TRIED_CELL_PX)
        top, left = (max(0, int(start) - reach) for start in place)
        part = slice(top, top + side + 2 * reach), slice(left, left + side + 2 * reach)
        if not self.painted[part].all():
            top, left = (int(start) for start in place)
            part = slice(top, top + side), slice(left, left + side)
        weight = np.where(laid, 1, GUESSED).astype(np.float32)
        around, block, mask = (
            cv2.resize(one, None, fx=1 / less, fy=1 / less, interpolation=cv2.INTER_AREA) if less > 1 else one
            for one in (self.key[part], picture, np.repeat(weight[..., None], 3, -1))
        )
        scores = cv2.matchTemplate(around, block, cv2.TM_SQDIFF, mask=mask)
        least, _, (x, y), _ = cv2.minMaxLoc(scores)
        end_y, end_x = self.painted.shape[0] - side, self.painted.shape[1] - side
        return least, (min(top + y * less, end_y), min(left + x * less, end_x))

    @cached_property
    def _guides(self) -> tuple[Floats, Floats]:
        return _looks(self.guide, self.places)

    @cached_property
    def _paints(self) -> tuple[Floats, Floats]:
        return _looks(self.paint, self.places)


def _looks(picture: Floats, places: Places) -> tuple[Floats, Floats]:
    """Blocks [N, BLOCK * BLOCK * C] of a picture of cells, and their squares."""
    views = np.lib.stride_tricks.sliding_window_view(picture, (BLOCK, BLOCK, picture.shape[2]))
    looks = np.ascontiguousarray(views[places[:, 0], places[:, 1], 0]).reshape(len(places), -1)
    return looks, looks * looks


def _apart(some: Floats, squares: Floats, one: Floats, weight: Floats) -> Floats:
    """Mean squared differences of [N, D] from [D] by weight, but for what is the same for all."""
    return np.asarray((squares @ weight - 2 * (some @ (weight * one))) / float(weight.sum()), np.float32)


@dataclass(eq=False)
class _Quilt:
    """A picture that grows: what is `laid` of it, and where it is the key and may change at its border only."""

    picture: Floats
    laid: Known
    painted: Known
    cell: int

    def lay(self, block: tuple[slice, slice], paint: Floats) -> None:
        """A block of paint, up to the best seam with what is there."""
        laid = self.laid[block]
        depth = cv2.distanceTransform(np.pad(self.painted[block].astype(np.uint8), 1, "edge"), cv2.DIST_L2, 3)
        free = depth[1:-1, 1:-1] <= max(1.0, KEPT * self.cell)
        new = _beyond_seam(self.picture[block], paint, laid, free).astype(np.float32)
        # The seam is as soft as a pixel; further inside, the key stays to the bit.
        share = np.where(laid, cv2.GaussianBlur(new, (0, 0), SOFT_PX) * free, 1)[..., None]
        self.picture[block] = np.where(
            share == 0, self.picture[block], share * paint + (1 - share) * self.picture[block]
        )
        self.laid[block] = True


def _beyond_seam(there: Floats, paint: Floats, laid: Known, free: Known) -> Known:
    """Where new paint [B, B, 3] shows: wherever nothing is laid, and elsewhere, if it is free, beyond a minimal cut."""
    edge = np.ones_like(laid)
    edge[1:-1, 1:-1] = False
    ours, theirs = laid.astype(np.uint8) * 255, np.where(laid & (edge | ~free), 0, 255).astype(np.uint8)
    if not (ours & theirs).any() or not theirs.any():
        return ~laid
    # Its stubs know no arrays, which it takes and gives.
    finder: Any = cv2.detail.GraphCutSeamFinder("COST_COLOR")
    pictures = [np.ascontiguousarray(picture * np.float32(255)) for picture in (there, paint)]
    cut = finder.find(pictures, [(0, 0), (0, 0)], [ours, theirs])[1]
    return np.asarray((cut.get() if isinstance(cut, cv2.UMat) else cut) > 0) | ~laid
