"""What a key doesn't show, drawn as the key draws what it shows: its colours near by, and its lines and steps of light.

    the linear map of colours that holds near by  +  what that misses, as the frame around each pixel tells it

The second is a sum of hinges in random directions of what a pixel's surroundings are (random features: Rahimi and Recht
2008), fitted where the key shows something, most of all near what is missing. It is taken as far as it holds in parts
of the picture that it wasn't found from: strokes have little of it, drawn lines and steps nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Known = npt.NDArray[np.bool_]

CELL_PX = 16
AROUND_PX = (1.0, 2.5, 6.0)
LINES_PX = ((0.6, 1.5), (1.1, 2.4), (2.0, 5.0))
BLOCK_PX = 96
SAMPLES, FEWEST = 30_000, 1000
HINGES, DIRECTION = 200, 0.2
"""How many hinges, and how many of the features one direction has."""

AT_ONCE = 1 << 16
BESIDE_PX = 8
RIDGE = 1e-5
LEAST_RIDGE = 2e-5
NEAR = 0.15
"""Of the long side: what lies further from what is missing counts little."""

SHARES = (1.0, 0.75, 0.5, 0.25)
WORTH = 0.75
"""Only what leaves so much of the misses, or less, is taken: strokes pretend a little more than they hold."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


LEAST_STROKES = 10 / 255
"""What is missed by less than this is no stroke."""


@dataclass(frozen=True, eq=False)
class Redrawn:
    """A frame as a key draws it, [H, W, 3] in 0..1; and whether the key has strokes, of which the frame tells nothing:
    then the picture has its colours only.
    """

    picture: Floats
    strokes: bool = False


def redrawn(frame: Floats, key: Floats, known: Known) -> Redrawn:
    """A frame [H, W, 3] in 0..1 as a key draws it that is `known` [H, W] in part: wherever that isn't, and near it."""
    made = recoloured(frame, key, known)
    rows, columns = np.nonzero(known)
    every = max(1, len(rows) // SAMPLES)
    rows, columns = rows[every // 2 :: every], columns[every // 2 :: every]
    # Beside the border, too, where the two are compared.
    wanted = cv2.dilate((~known).astype(np.uint8), np.ones((2 * BESIDE_PX + 1,) * 2, np.uint8)) > 0
    if len(rows) < FEWEST or not wanted.any():
        return Redrawn(made)
    told: list[Floats] = []
    asked: list[Floats] = []
    for channel in _features(frame, made):
        few = channel[rows, columns]
        middle, even = few.mean(), 1 / (float(few.std()) + 1e-3)
        told.append(even * (few - middle))
        asked.append(even * (np.clip(channel[wanted], few.min(), few.max()) - middle))
    hinges = _Hinges.among(np.stack(told, -1))
    away = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 3)[rows, columns]
    near = 1 / (1 + (away / (NEAR * max(known.shape))) ** 2)[:, None].astype(np.float32)
    seen, missed = near * hinges.of(np.stack(told, -1)), near * (key - made)[rows, columns]
    blocks = (rows // BLOCK_PX + columns // BLOCK_PX) % 2 == 0
    fit, share = _held(seen, missed, blocks)
    if not share:
        return Redrawn(made, float((missed**2).sum()) > 3 * LEAST_STROKES**2 * float((near**2).sum()))
    answers = np.stack(asked, -1)
    parts = [hinges.of(answers[n : n + AT_ONCE]) @ fit for n in range(0, len(answers), AT_ONCE)]
    made[wanted] += share * np.vstack(parts)
    return Redrawn(made)


@dataclass(frozen=True, eq=False)
class _Hinges:
    """Features [N, C] as they are, and how far they are beyond a place in each of some directions: `across` [C, H],
    `beyond` [H].
    """

    across: Floats
    beyond: Floats

    @classmethod
    def among(cls, some: Floats) -> _Hinges:
        """Each bends where one of these features [N, C] lies. The same for the same features."""
        random = np.random.default_rng(0)
        across = random.normal(0, 1, (some.shape[1], HINGES)).astype(np.float32)
        across *= random.random(across.shape) < DIRECTION
        through = some[random.integers(0, len(some), HINGES)]
        return cls(across, (through * across.T).sum(1))

    def of(self, some: Floats) -> Floats:
        """[N, 1 + C + H]."""
        return np.hstack([np.ones((len(some), 1), np.float32), some, np.maximum(some @ self.across - self.beyond, 0)])


def _held(seen: Floats, missed: Floats, blocks: Known) -> tuple[Floats, float]:
    """The fit of all, and how much of what is fitted in one half of the blocks lowers the other half's misses most; 0
    for none.
    """
    halves = [_sums(seen[some], missed[some]) for some in (blocks, ~blocks)]
    fit = _fitted(halves[0][0] + halves[1][0], halves[0][1] + halves[1][1])
    if blocks.all() or not blocks.any():
        return fit, 0.0
    before, after = 0.0, np.zeros(len(SHARES))
    for half, others in zip(halves, (~blocks, blocks), strict=True):
        guess = seen[others] @ _fitted(*half)
        before += float((missed[others] ** 2).sum())
        after += [float(((missed[others] - share * guess) ** 2).sum()) for share in SHARES]
    best = int(after.argmin())
    return fit, SHARES[best] if after[best] < WORTH * before else 0.0


def _sums(seen: Floats, missed: Floats) -> tuple[Doubles, Doubles]:
    return (seen.T @ seen).astype(np.float64), (seen.T @ missed).astype(np.float64)


def _fitted(square: Doubles, right: Doubles) -> Floats:
    """The linear map of features to what is missed, by ridge regression."""
    ridge = RIDGE * np.diag(square) + LEAST_RIDGE * np.trace(square) / len(square)
    return np.linalg.solve(square + np.diag(ridge), right).astype(np.float32)


def _features(frame: Floats, made: Floats) -> Iterator[Floats]:
    """What lines and steps are told from, [H, W] each: colours and those around, lines, and the key's colours."""
    light = np.ascontiguousarray(frame @ LUMA)
    for sigma in (0.0, *AROUND_PX):
        near = cv2.GaussianBlur(frame, (0, 0), sigma) if sigma else frame
        yield from (near[..., channel] for channel in range(3))
    for fine, broad in LINES_PX:
        yield cv2.GaussianBlur(light, (0, 0), fine) - cv2.GaussianBlur(light, (0, 0), broad)
    yield from (made[..., channel].copy() for channel in range(3))


def recoloured(frame: Floats, key: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """A frame [H, W, 3] in 0..1 in the colours of a key that is known in part: the linear map that holds near by."""
    height, width = known.shape
    size = max(1, width // CELL_PX), max(1, height // CELL_PX)
    weight = known.astype(np.float32)
    ours = np.dstack([frame, np.ones_like(weight)])
    columns = [ours[..., a] * ours[..., b] for a in range(4) for b in range(4)]
    columns += [ours[..., a] * key[..., c] for a in range(4) for c in range(3)]
    cells = np.dstack([cv2.resize(column * weight, size, interpolation=cv2.INTER_AREA) for column in columns])
    sums = sum(
        cv2.GaussianBlur(cells, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) * share
        for sigma, share in ((1.5, 1.0), (5.0, 0.05), (20.0, 0.002))
    )
    left = sums[..., :16].reshape(-1, 4, 4).astype(np.float64)
    right = sums[..., 16:].reshape(-1, 4, 3).astype(np.float64)
    ridge = (1e-3 * left[:, 3, 3] + 1e-9)[:, None, None] * np.diag([1.0, 1.0, 1.0, 0.0])
    ridge = ridge + 1e-9 * np.eye(4)
    prior = np.vstack([np.eye(3), np.zeros((1, 3))])
    maps = np.linalg.solve(left + ridge, right + ridge @ prior).reshape(size[1], size[0], 12)
    maps = cv2.resize(maps.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.einsum("hwa,hwac->hwc", ours, maps.reshape(height, width, 4, 3), optimize=True)
