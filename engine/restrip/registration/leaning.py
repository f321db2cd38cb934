"""How far a style moves all edges to their lighter or darker side.

Filters that outline, and looks whose strokes end beyond an edge, move each edge towards the light by about as much. A
picture whose light comes from one side has more edges of one kind, so that it would seem to be moved, enlarged or bent
though nothing was. So this distance is one more number of the map while it is made exact, where it is sure: one for
edges, one for colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from restrip.registration.cells import CellMoves, Leaning, Pair, trust
from restrip.registration.plainest import BLOCK_PX
from restrip.registration.refine import AFFINE, TINY, affine_of, columns_of, equations, outside, solved
from restrip.registration.warp import Doubles, Warp

SURE = 4.0
"""Times its own spread between blocks of the picture."""

LEAST_PX, MOST_PX = 0.25, 4.0
NEAR_PX = 0.01


def with_leans(pair: Pair, warp: Warp, *, rounds: int = 8, free: Sequence[int] = AFFINE) -> tuple[Pair, Warp]:
    """A pair that knows how far the key's edges and colours lie aside towards the light, and the map with the free
    numbers of its affine part made exact beside that; both as they are where nothing is sure.
    """
    said = pair.votes(warp, pair.leans)
    sure = [bool(lean) or _sure(said, told) for lean, told in zip(pair.leans, said.leaning, strict=True)]
    asked = [n for n, one in enumerate(sure) if one]
    if not sure[0]:  # Colours alone lie aside where areas were filled in other ones.
        return pair, warp
    leans, moved = np.array(pair.leans), warp
    for _ in range(rounds):
        step, aside = _step(pair.votes(moved, leans.tolist()), moved, free, asked)
        affine = moved.affine + affine_of(step, moved)
        leans[asked] += aside
        if outside(affine, moved.size) or np.abs(leans).max() > MOST_PX:
            return pair, warp
        moved = Warp(moved.size, affine, moved.bend)
        if max(np.abs(step).max(), np.abs(aside).max()) < NEAR_PX:
            break
    return replace(pair, leans=tuple(leans.tolist())), moved


def _step(said: CellMoves, warp: Warp, free: Sequence[int], asked: Sequence[int]) -> tuple[Doubles, Doubles]:
    """What is added to a map's six numbers, and to how far edges or colours lie aside."""
    left, right = equations(said, warp, free=free)
    weight, moves = trust(said.agreement), columns_of(said.middles, warp)[..., list(free)]
    told = [said.leaning[n] for n in asked]
    across = np.stack([np.einsum("n,nap,na->p", weight, moves, one.across) for one in told], -1)
    own = np.diag([float(weight @ one.left) for one in told])
    left = np.block([[left, across], [across.T, own]])
    right = np.concatenate([right, [weight @ one.right for one in told]])
    return solved(left, right, free)


def _sure(said: CellMoves, told: Leaning) -> bool:
    """Whether edges lie aside far enough, and by as much in all blocks of the picture (White 1980, with clusters)."""
    weight = trust(said.agreement)
    group = said.blocks(BLOCK_PX)
    own, pull = (np.bincount(group, weight * values) for values in (told.left, told.right))
    lean = pull.sum() / (own.sum() + TINY)
    spread = np.sqrt(np.square(pull - lean * own).sum()) / (own.sum() + TINY)
    return bool(abs(lean) > max(LEAST_PX, SURE * spread))
