"""A map made exact: structure against structure, by Gauss and Newton (Lucas and Kanade 1981; Baker and Matthews 2004).

Every cell of the picture says which way it would move and how surely; the map's numbers, six for an affine one or those
of a spline (Rueckert et al. 1999), are the least squares of all of them. What agrees badly, such as what was painted
over, counts little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restrip.registration.cells import CellMoves, Pair, trust
from restrip.registration.warp import Doubles, Floats, Warp, basis

HALVES_PX = 64
TINY = 1e-6

SHIFT, SHIFT_ZOOM, SHIFT_TURN, SIMILAR, AFFINE = (0, 1), (0, 1, 2), (0, 1, 3), (0, 1, 2, 3), (0, 1, 2, 3, 4, 5)
"""Which of a map's six numbers are free: shift across and down, zoom, turn, stretch and slant."""


def columns_of(middles: Doubles, warp: Warp) -> Doubles:
    """How each of the six numbers moves points [N, 2], [N, 2, 6]; all but the shift as shares of the long side."""
    x, y = ((middles - warp.centre) / max(warp.size)).T
    zero, one = np.zeros(len(x)), np.ones(len(x))
    columns = [(one, zero), (zero, one), (x, y), (-y, x), (x, -y), (y, x)]
    return np.stack([np.stack(pair, -1) for pair in columns], -1)


def affine_of(numbers: Doubles, warp: Warp) -> Doubles:
    """The six numbers as what is added to an affine part, [2, 3]."""
    x, y, zoom, turn, stretch, slant = numbers
    linear = np.array([[zoom + stretch, slant - turn], [slant + turn, zoom - stretch]])
    return np.hstack([linear / max(warp.size), [[x], [y]]])


def numbers_of(affine: Doubles, warp: Warp) -> Doubles:
    """What was added to an affine part as the six numbers."""
    (a, b, x), (c, d, y) = affine
    reach = max(warp.size) / 2
    return np.array([x, y, (a + d) * reach, (c - b) * reach, (a - d) * reach, (b + c) * reach])


def equations(
    said: CellMoves, warp: Warp, some: npt.NDArray[np.bool_] | slice = slice(None), free: Sequence[int] = AFFINE
) -> tuple[Doubles, Doubles]:
    """The least squares of some cells' votes for a map's numbers, [P, P] and [P]."""
    moves = columns_of(said.middles[some], warp)[..., list(free)]
    weight = trust(said.agreement)[some]
    left = np.einsum("n,nap,nab,nbq->pq", weight, moves, said.left[some], moves, optimize=True)
    return left, np.einsum("n,nap,na->p", weight, moves, said.right[some], optimize=True)


def step_of(
    said: CellMoves, warp: Warp, some: npt.NDArray[np.bool_] | slice = slice(None), free: Sequence[int] = AFFINE
) -> Doubles:
    """What is added to a map's six numbers by the votes of some cells; those that aren't free stay."""
    return solved(*equations(said, warp, some, free), free)[0]


def solved(left: Doubles, right: Doubles, free: Sequence[int]) -> tuple[Doubles, Doubles]:
    """A map's six numbers, those that aren't free 0, and what else the equations are for after these."""
    found = np.linalg.solve(left + (1e-9 * np.trace(left) + TINY) * np.eye(len(left)), right)
    step = np.zeros(6)
    step[list(free)] = found[: len(free)]
    return step, found[len(free) :]


def outside(affine: Doubles, size: tuple[int, int]) -> bool:
    """Whether a map turns a picture over, or leads out of it."""
    return not 0.4 < np.linalg.det(affine[:, :2]) < 2.5 or bool(np.abs(affine[:, 2]).max() > max(size))


def refine_affine(pair: Pair, warp: Warp, *, rounds: int = 8, free: Sequence[int] = AFFINE) -> Warp:
    """The map with the free numbers of its affine part made exact."""
    for _ in range(rounds):
        step = step_of(pair.votes(warp), warp, free=free)
        affine = warp.affine + affine_of(step, warp)
        if outside(affine, warp.size):
            break  # There is nothing to hold on to.
        warp = Warp(warp.size, affine, warp.bend)
        if np.abs(step).max() < 0.01:
            break
    return warp


STIFFNESSES = (10.0, 4.0, 1.5, 0.5, 0.15)
SOFT = (*STIFFNESSES, 0.05, 0.015)
"""How stiff a bend may be, and where edges and colours tell it well."""

HOLDS, STIFF_HOLDS = 0.08, 0.25
"""Of what a bend explains where it was found, so much has to hold where it wasn't; more of the stiffest, with which
strokes pretend that all was stretched a little."""


def refine_bend(
    pair: Pair, warp: Warp, cells: tuple[int, int], *, rounds: int = 6, stiffnesses: Sequence[float] = STIFFNESSES
) -> Warp:
    """The map with a bend of `cells` (columns, rows), as stiff as it has to be: what is found from one half of the
    picture has to hold in the other. Where nothing holds it is left as it is, and one without a bend gets none.
    """
    columns, rows = cells
    bend = np.zeros((rows + 3, columns + 3, 2)) if warp.bend is None else warp.bend
    stiff = 0.0
    for _ in range(rounds):
        said = pair.votes(Warp(warp.size, warp.affine, bend))
        system = _System.of(said, warp.size, cells)
        # The nearer it comes, the finer the bend that still holds; what strokes pretend holds no longer.
        stiff = system.stiffness(said.middles, bend, stiffnesses) or stiff
        if not stiff:
            break
        step = system.solved(stiff, bend)
        bend = bend + step
        if np.abs(step).max() < 0.03:
            break
    return Warp(warp.size, warp.affine, bend) if stiff else warp


@dataclass(frozen=True, eq=False)
class _System:
    """The least squares of a bend: every cell's share of the control points [N, P], its weighted equations."""

    shape: Floats
    left: Floats
    right: Floats
    grid: tuple[int, int]

    @classmethod
    def of(cls, said: CellMoves, size: tuple[int, int], cells: tuple[int, int]) -> _System:
        columns, rows = cells
        down = basis(said.middles[:, 1], size[1], rows)
        across = basis(said.middles[:, 0], size[0], columns)
        shape = np.einsum("nr,nc->nrc", down, across).reshape(len(down), -1)
        weight = trust(said.agreement)
        left, right = said.left * weight[:, None, None], said.right * weight[:, None]
        shape, left, right = (values.astype(np.float32) for values in (shape, left, right))
        return cls(shape, left, right, (rows + 3, columns + 3))

    def sums(self, some: npt.NDArray[np.bool_] | slice = slice(None)) -> tuple[Doubles, Doubles]:
        """The normal equations of some of the cells."""
        shape, left, right = self.shape[some], self.left[some], self.right[some]
        xx, xy, yy = (shape.T @ (shape * left[:, a, b][:, None]) for a, b in ((0, 0), (0, 1), (1, 1)))
        whole = np.block([[xx, xy], [xy, yy]]).astype(np.float64)
        return whole, np.concatenate([shape.T @ right[:, a] for a in (0, 1)]).astype(np.float64)

    def solved(self, stiff: float, bend: Doubles, some: tuple[Doubles, Doubles] | None = None) -> Doubles:
        """The step from `bend` that costs least."""
        left, right = self.sums() if some is None else some
        cost = np.kron(np.eye(2), _stiffness(*self.grid)) * stiff * np.trace(left) / len(left)
        now = bend.transpose(2, 0, 1).ravel()
        step = np.linalg.solve(left + cost + TINY * np.eye(len(left)), right - cost @ now)
        return step.reshape(2, *self.grid).transpose(1, 2, 0)

    def stiffness(self, middles: Doubles, bend: Doubles, stiffnesses: Sequence[float]) -> float:
        """The one whose step from `bend` found in one half of the picture fits the other best; 0 when none."""
        block = (middles // HALVES_PX).astype(int).sum(-1) % 2 == 0
        halves = [self.sums(block), self.sums(~block)]
        best, most, explained = 0.0, 0.0, 0.0
        for stiff in stiffnesses:
            found, held = 0.0, 0.0
            for known, asked in (halves, halves[::-1]):
                step = self.solved(stiff, bend, known).transpose(2, 0, 1).ravel()
                found += float(2 * step @ known[1] - step @ known[0] @ step)
                held += float(2 * step @ asked[1] - step @ asked[0] @ step)
            if held > most:
                best, most, explained = stiff, held, found
        enough = STIFF_HOLDS if best == stiffnesses[0] else HOLDS
        return best if most > enough * explained else 0.0


def _stiffness(rows: int, columns: int) -> Doubles:
    """What bends cost: second differences, and a little of the bend itself."""

    def second(count: int) -> Doubles:
        return np.diff(np.eye(count), 2, axis=0)

    down, across = second(rows), second(columns)
    first_down, first_across = np.diff(np.eye(rows), axis=0), np.diff(np.eye(columns), axis=0)
    parts = [
        np.kron(down.T @ down, np.eye(columns)),
        np.kron(np.eye(rows), across.T @ across),
        2 * np.kron(first_down.T @ first_down, first_across.T @ first_across),
        0.02 * np.eye(rows * columns),
    ]
    return np.asarray(sum(parts), np.float64)
