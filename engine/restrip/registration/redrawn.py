"""What a key doesn't show, drawn as the key draws what it shows: its colours near by, and its lines and steps of light.

    the linear map of colours that holds near by  +  what that misses, as edges and light of the frame tell it

The second is taken as far as it holds in parts of the picture that it wasn't found from: strokes have little of it,
drawn lines and steps nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Known = npt.NDArray[np.bool_]

CELL_PX = 16
AROUND_PX = (1.0, 2.5, 6.0)
STEPS = 8
BLOCK_PX = 48
SAMPLES = 40_000
BESIDE_PX = 8
RIDGE = 1e-3
NEAR = 0.15
"""Of the long side: what lies further from what is missing counts little."""

SHARES = (1.0, 0.75, 0.5, 0.25)
WORTH = 0.85
"""Only what leaves so much of the misses, or less, is taken: strokes pretend a little more than they hold."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def redrawn(frame: Floats, key: Floats, known: Known) -> Floats:
    """A frame [H, W, 3] in 0..1 as a key draws it that is `known` [H, W] in part: wherever that isn't, and near it."""
    made = recoloured(frame, key, known)
    rows, columns = np.nonzero(known)
    every = max(1, len(rows) // SAMPLES)
    rows, columns = rows[every // 2 :: every], columns[every // 2 :: every]
    # Beside the border, too, where the two are compared.
    wanted = cv2.dilate((~known).astype(np.uint8), np.ones((2 * BESIDE_PX + 1,) * 2, np.uint8)) > 0
    if len(rows) < 1000 or not wanted.any():
        return made
    told: list[Floats] = []
    asked: list[Floats] = []
    for channel in _features(frame):
        few = channel[rows, columns]
        even = 1 / (float(few.std()) + 1e-4) if told else 1.0
        told.append(even * few)
        asked.append(even * np.clip(channel[wanted], few.min(), few.max()))
    away = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 3)[rows, columns]
    near = 1 / (1 + (away / (NEAR * max(known.shape))) ** 2)[:, None].astype(np.float32)
    seen, missed = near * np.stack(told, -1), near * (key - made)[rows, columns]
    blocks = (rows // BLOCK_PX + columns // BLOCK_PX) % 2 == 0
    share = _share(seen, missed, blocks)
    if share:
        made[wanted] += share * (np.stack(asked, -1) @ _fitted(seen, missed))
    return made


def _share(seen: Floats, missed: Floats, blocks: Known) -> float:
    """How much of what is fitted in one half of the blocks lowers the other half's misses most; 0 for none."""
    before, after = 0.0, np.zeros(len(SHARES))
    for some in (blocks, ~blocks):
        if some.all() or not some.any():
            return 0.0
        guess = seen[~some] @ _fitted(seen[some], missed[some])
        before += float((missed[~some] ** 2).sum())
        after += [float(((missed[~some] - share * guess) ** 2).sum()) for share in SHARES]
    best = int(after.argmin())
    return SHARES[best] if after[best] < WORTH * before else 0.0


def _fitted(seen: Floats, missed: Floats) -> Floats:
    """The linear map of features to what is missed, by ridge regression."""
    square = (seen.T @ seen).astype(np.float64)
    ridge = RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    return np.linalg.solve(square + ridge, (seen.T @ missed).astype(np.float64)).astype(np.float32)


def _features(frame: Floats) -> Iterator[Floats]:
    """What lines and steps are told from, [H, W] each: colours and those around, lines, light above some steps."""
    light = np.ascontiguousarray(frame @ LUMA)
    yield np.ones_like(light)
    for sigma in (0.0, *AROUND_PX):
        near = cv2.GaussianBlur(frame, (0, 0), sigma) if sigma else frame
        yield from (near[..., channel] for channel in range(3))
    for fine, broad in ((1.1, 2.4), (2.0, 5.0)):
        line = cv2.GaussianBlur(light, (0, 0), fine) - cv2.GaussianBlur(light, (0, 0), broad)
        yield from (line, np.abs(line))
    for step in np.linspace(0.06, 0.94, STEPS):
        yield np.maximum(light - np.float32(step), 0)


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
