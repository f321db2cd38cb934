"""The plainest map that a measure allows: a layer that was shifted was not also turned by a tenth of a degree.

Strokes draw the measure a little to and fro. How much is seen where the picture's blocks contradict each other: what a
plainer map misses by no more than that is no zoom, turn or stretch, and its shift is then found much more exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restrip.registration.cells import CellMoves, Pair, trust
from restrip.registration.refine import (
    AFFINE,
    SHIFT,
    SHIFT_TURN,
    SHIFT_ZOOM,
    SIMILAR,
    TINY,
    columns_of,
    equations,
    numbers_of,
    refine_affine,
)
from restrip.registration.warp import Doubles, Warp

BLOCK_PX, FEWEST_BLOCKS = 96, 40
"""Strokes are mostly shorter than this, so that blocks contradict each other; fewer blocks would know too little."""

LIKELY = 6.0
"""A plainer map is taken up to so many times the variance that blocks have, for each number that it leaves out."""


def plainest(pair: Pair, warp: Warp, strokes: float | None = None) -> tuple[Warp, Sequence[int]]:
    """The map with as few of shift, zoom, turn and stretch as the votes of a pair's cells allow, and which are free.

    `strokes` is by how much strokes may pretend, when the pair doesn't tell it.
    """
    said = pair.votes(warp)
    spread, strokes = spread_of(said, warp), strokes_px(said) if strokes is None else strokes
    points = said.middles[:: max(1, len(said.middles) // 400)]
    for free in (SHIFT, SHIFT_ZOOM, SHIFT_TURN, SIMILAR):
        plainer = without(warp, free)
        missed = numbers_of(warp.affine - plainer.affine, warp)
        fixed = [n for n in AFFINE if n not in free]
        surprise = missed[fixed] @ np.linalg.solve(spread[np.ix_(fixed, fixed)], missed[fixed]) / len(fixed)
        apart = np.linalg.norm(warp.at(points) - plainer.at(points), axis=-1).mean()
        if surprise < LIKELY or apart < strokes:
            return refine_affine(pair, plainer, rounds=4, free=free), free
    return warp, AFFINE


def strokes_px(said: CellMoves) -> float:
    """By how much strokes alone may pretend that a picture was moved: broad ones leave little of the frame's edges."""
    edges = said.agreement[said.strength > np.median(said.strength)]
    strong = float(np.median(edges)) if len(edges) else 0.0
    return 1.2 * max(0.0, 0.75 - strong)


def without(warp: Warp, free: Sequence[int]) -> Warp:
    """The map with its linear part as near as only some of zoom (2) and turn (3) come."""
    (a, b), (c, d) = warp.affine[:, :2]
    turn = np.arctan2(c - b, a + d) if 3 in free else 0.0
    zoom = np.hypot(a + d, c - b) / 2 if 2 in free else 1.0
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    return Warp(warp.size, np.hstack([np.array([[cos, -sin], [sin, cos]]), warp.affine[:, 2:]]), warp.bend)


def spread_of(said: CellMoves, warp: Warp) -> Doubles:
    """How far the six numbers can be trusted, as a covariance [6, 6], from how blocks of the picture differ (White
    1980, with clusters).
    """
    moves = columns_of(said.middles, warp)
    left, _ = equations(said, warp)
    pulls = np.einsum("n,nap,na->np", trust(said.agreement), moves, said.right)
    side = min(BLOCK_PX, (warp.size[0] * warp.size[1] / FEWEST_BLOCKS) ** 0.5)
    group = said.blocks(side)
    sums = np.zeros((group.max() + 1, 6))
    np.add.at(sums, group, pulls)
    apart = sums - sums.mean(0)
    inverse = np.linalg.inv(left + (1e-9 * np.trace(left) + TINY) * np.eye(6))
    return np.asarray(inverse @ (apart.T @ apart) @ inverse + 1e-6 * np.eye(6))
