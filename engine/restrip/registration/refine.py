"""A map made exact: structure against structure, by Gauss and Newton (Lucas and Kanade 1981; Baker and Matthews 2004).

Every cell of the picture says which way it would move and how surely; the map's numbers, six for an affine one or those
of a spline (Rueckert et al. 1999), are the least squares of all of them. What agrees badly, such as what was painted
over, counts little.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.registration.structure import Floats
from restrip.registration.warp import Doubles, Warp, basis, places

HALVES_PX = 64
TINY = 1e-6
AROUND = 3
CELL = 8
"""Pixels of a level that speak with one voice."""


@dataclass(frozen=True, eq=False)
class CellMoves:
    """Of every cell: its middle [N, 2], its normal equations [N, 2, 2] and [N, 2], its correlation in -1..1 [N] and how
    much structure it has [N].
    """

    middles: Doubles
    left: Doubles
    right: Doubles
    agreement: Floats
    strength: Floats


def votes(frame: Floats, key: Floats, warp: Warp) -> CellMoves:
    """What the cells of a frame's and a key's structure [H, W, C] say under a map."""
    height, width = frame.shape[:2]
    field = warp.field()
    inside = cv2.inRange(field, (1, 1), (width - 2, height - 2)).astype(np.float32)[..., None] / 255
    pulled = cv2.remap(key, field, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rows, columns = max(1, height // CELL), max(1, width // CELL)

    def product(a: Floats, b: Floats) -> Floats:
        return cv2.resize(cv2.multiply(a, b), (columns, rows), interpolation=cv2.INTER_AREA).sum(-1)

    ours, theirs = frame * inside, pulled * inside
    both, own, other = product(ours, theirs), product(ours, ours), product(theirs, theirs)
    gain = float(np.clip(both.sum() / (other.sum() + 1e-9), 0.3, 1.5))
    slopes = [
        [cv2.Sobel(picture, cv2.CV_32F, x, 1 - x, ksize=3, scale=scale / 8) * inside for x in (1, 0)]
        for picture, scale in ((frame, 1), (pulled, gain))
    ]
    dx, dy = ((a + b) / 2 for a, b in zip(*slopes, strict=True))
    error = ours - gain * theirs
    xx, xy, yy = product(dx, dx), product(dx, dy), product(dy, dy)

    def near(values: Floats) -> Floats:
        return cv2.blur(values, (AROUND, AROUND))

    # Only edges that both have answer to a move: those of one alone would make every step too short.
    ours_x, ours_y = slopes[0]
    theirs_x, theirs_y = slopes[1]
    shared = near(product(ours_x, theirs_x) + product(ours_y, theirs_y))
    answer = np.clip(shared / (near(xx + yy) + 1e-9), 0.2, 1)
    grid = places((columns, rows)).reshape(-1, 2).astype(np.float64)
    return CellMoves(
        (grid + 0.5) * np.array([width / columns, height / rows]) - 0.5,
        (np.stack([xx, xy, xy, yy], -1) * answer[..., None]).reshape(-1, 2, 2).astype(np.float64),
        np.stack([product(dx, error), product(dy, error)], -1).reshape(-1, 2).astype(np.float64),
        (near(both) / np.sqrt(near(own) * near(other) + 1e-9)).ravel(),
        np.sqrt(own * other).ravel(),
    )


def trust(agreement: Floats) -> Floats:
    """How much each cell counts: those that agree best fully, those that agree by chance hardly."""
    best = float(np.quantile(agreement, 0.8))
    counted: Floats = np.clip((agreement - 0.25 * best) / (0.75 * best + 1e-6), 0, 1)
    return counted * counted


def step_of(
    said: CellMoves, warp: Warp, some: npt.NDArray[np.bool_] | slice = slice(None), *, similar: bool = False
) -> tuple[Doubles, Doubles]:
    """What is added to the affine part [2, 3], by the votes of some cells; and the same for the map's own shape."""
    reach = max(warp.size)
    x, y = ((said.middles[some] - warp.centre) / reach).T
    zero, one = np.zeros(len(x)), np.ones(len(x))
    if similar:
        columns = [(one, zero), (zero, one), (x, y), (-y, x)]
    else:
        columns = [(one, zero), (zero, one), (x, zero), (y, zero), (zero, x), (zero, y)]
    moves = np.stack([np.stack(pair, -1) for pair in columns], -1)  # [N, 2, P]
    weight = trust(said.agreement)[some]
    left = np.einsum("n,nap,nab,nbq->pq", weight, moves, said.left[some], moves, optimize=True)
    right = np.einsum("n,nap,na->p", weight, moves, said.right[some], optimize=True)
    step = np.linalg.solve(left + (1e-9 * np.trace(left) + TINY) * np.eye(len(left)), right)
    linear = np.array([[step[2], -step[3]], [step[3], step[2]]]) if similar else step[2:].reshape(2, 2)
    return np.hstack([linear / reach, step[:2, None]]), step


def refine_affine(frame: Floats, key: Floats, warp: Warp, *, rounds: int = 8, similar: bool = False) -> Warp:
    """The map with its affine part made exact; with `similar` it keeps its shape but for shift, zoom and turn."""
    for _ in range(rounds):
        step, moved = step_of(votes(frame, key, warp), warp, similar=similar)
        affine = warp.affine + step
        if not 0.4 < np.linalg.det(affine[:, :2]) < 2.5 or np.abs(affine[:, 2]).max() > max(warp.size):
            break  # There is nothing to hold on to.
        warp = Warp(warp.size, affine, warp.bend)
        if np.abs(moved).max() < 0.01:
            break
    return warp


STIFFNESSES = (10.0, 4.0, 1.5, 0.5, 0.15)
HOLDS = 0.25
"""Of what a bend explains where it was found, so much has to hold where it wasn't."""


def refine_bend(frame: Floats, key: Floats, warp: Warp, cells: tuple[int, int], *, rounds: int = 6) -> Warp:
    """The map with a bend of `cells` (columns, rows), as stiff as it has to be: what is found from one half of the
    picture has to hold in the other. Where nothing holds there is no bend.
    """
    columns, rows = cells
    bend = np.zeros((rows + 3, columns + 3, 2))
    stiff = 0.0
    for n in range(rounds):
        said = votes(frame, key, Warp(warp.size, warp.affine, bend))
        system = _System.of(said, warp.size, cells)
        if n == 0:
            stiff = system.stiffness(said.middles)
            if not stiff:
                return warp
        step = system.solved(stiff, bend)
        bend = bend + step
        if np.abs(step).max() < 0.03:
            break
    return Warp(warp.size, warp.affine, bend)


@dataclass(frozen=True, eq=False)
class _System:
    """The least squares of a bend: every cell's share of the control points [N, P], its weighted equations."""

    shape: Doubles
    left: Doubles
    right: Doubles
    grid: tuple[int, int]

    @classmethod
    def of(cls, said: CellMoves, size: tuple[int, int], cells: tuple[int, int]) -> _System:
        columns, rows = cells
        down = basis(said.middles[:, 1], size[1], rows)
        across = basis(said.middles[:, 0], size[0], columns)
        shape = np.einsum("nr,nc->nrc", down, across).reshape(len(down), -1)
        weight = trust(said.agreement)
        return cls(shape, said.left * weight[:, None, None], said.right * weight[:, None], (rows + 3, columns + 3))

    def sums(self, some: npt.NDArray[np.bool_] | slice = slice(None)) -> tuple[Doubles, Doubles]:
        """The normal equations of some of the cells."""
        shape, left, right = self.shape[some], self.left[some], self.right[some]
        blocks = [[shape.T @ (shape * left[:, a, b][:, None]) for b in (0, 1)] for a in (0, 1)]
        return np.block(blocks), np.concatenate([shape.T @ right[:, a] for a in (0, 1)])

    def solved(self, stiff: float, bend: Doubles, some: tuple[Doubles, Doubles] | None = None) -> Doubles:
        """The step from `bend` that costs least."""
        left, right = self.sums() if some is None else some
        cost = np.kron(np.eye(2), _stiffness(*self.grid)) * stiff * np.trace(left) / len(left)
        now = bend.transpose(2, 0, 1).ravel()
        step = np.linalg.solve(left + cost + TINY * np.eye(len(left)), right - cost @ now)
        return step.reshape(2, *self.grid).transpose(1, 2, 0)

    def stiffness(self, middles: Doubles) -> float:
        """The stiffness whose bend of one half of the picture fits the other best; 0 when none does."""
        block = (middles // HALVES_PX).astype(int).sum(-1) % 2 == 0
        halves = [self.sums(block), self.sums(~block)]
        still = np.zeros((*self.grid, 2))
        best, most = 0.0, 0.0
        for stiff in STIFFNESSES:
            found, held = 0.0, 0.0
            for known, asked in (halves, halves[::-1]):
                step = self.solved(stiff, still, known).transpose(2, 0, 1).ravel()
                found += float(2 * step @ known[1] - step @ known[0] @ step)
                held += float(2 * step @ asked[1] - step @ asked[0] @ step)
            if held > max(most, HOLDS * found):
                best, most = stiff, held
        return best


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
