from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks.diffusion.consistency.anchor_fusion import ShownPicture, fused
from restrip.looks.diffusion.consistency.clean_mask import ISLAND_PX, clean_mask, guided, without_islands
from restrip.looks.diffusion.consistency.key_motion import Motion, motion

RNG = np.random.default_rng(0)
SIZE = (72, 96)


def shift(dx: float, dy: float, sure: np.ndarray | None = None) -> Motion:
    """B shows at x what A shows at x + (dx, dy)."""
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[...] = (dx, dy)
    seen = np.ones(SIZE, np.float32)
    return Motion(flow, seen, seen if sure is None else sure)


def ramp() -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    return np.stack([x, y, x + y], axis=-1) / 200


def left(share: float) -> np.ndarray:
    sure = np.zeros(SIZE, np.float32)
    sure[:, : round(SIZE[1] * share)] = 1
    return sure


GREY = np.full((*SIZE, 3), 128, np.uint8)
FLAT = np.full((*SIZE, 3), 0.3, np.float32)


def test_pictures_are_carried_by_parts_of_pixels() -> None:
    out = fused(FLAT, GREY, [ShownPicture(ramp(), shift(2.5, -1.25), 1.0)])
    inner = (slice(20, 50), slice(20, 70))
    expected = ramp() + np.array([2.5, -1.25, 1.25], np.float32) / 200
    assert np.allclose(out[inner], expected[inner], atol=0.002)


def test_nothing_outside_the_mask_to_the_bit_and_all_of_it_inside() -> None:
    out = fused(FLAT, GREY, [ShownPicture(np.full_like(FLAT, 0.8), shift(0, 0, left(0.5)), 1.0)])
    middle = SIZE[1] // 2
    assert np.allclose(out[:, : middle - 12], 0.8, atol=1e-3)
    assert np.allclose(out[:, middle + 1 :], 0.3, atol=1e-6)
    assert np.all(np.diff(out[30, :, 0]) <= 1e-6)  # one soft step, without a rim


def test_strength_mattes_and_layers() -> None:
    other = np.full_like(FLAT, 0.8)
    half = fused(FLAT, GREY, [ShownPicture(other, shift(0, 0), 0.5)])
    assert np.allclose(half, 0.55, atol=1e-3)
    matte = np.zeros(SIZE, np.float32)
    matte[:30] = 1
    kept = fused(FLAT, GREY, [ShownPicture(other, shift(0, 0), 1.0)], matte)
    assert np.allclose(kept[:28], 0.8, atol=1e-3) and np.allclose(kept[32:], 0.3, atol=1e-3)
    below, above = ShownPicture(other, shift(0, 0), 1.0), ShownPicture(np.zeros_like(FLAT), shift(0, 0, left(0.5)), 1.0)
    out = fused(FLAT, GREY, [below, above])
    assert np.allclose(out[:, :30], 0, atol=1e-3) and np.allclose(out[:, 60:], 0.8, atol=1e-3)
    assert fused(FLAT, GREY, []) is FLAT


def strokes(seed: int) -> np.ndarray:
    """Paint: smooth blobs with strokes on them, [h, w, 3] in 0..1."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.random((6, 8, 3)).astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = rng.integers(0, SIZE[1]), rng.integers(0, SIZE[0])
        end = int(x + rng.integers(-15, 15)), int(y + rng.integers(-15, 15))
        cv2.line(coarse, (int(x), int(y)), end, rng.random(3).tolist(), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(coarse, (0, 0), 0.7).clip(0, 1)


def energy(picture: np.ndarray) -> float:
    return float(sum(np.square(np.diff(picture, axis=axis)).mean() for axis in (0, 1)))


def specks(picture: np.ndarray) -> int:
    """Pixels that differ from all eight around them by more than a tenth, and the same way."""
    around = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    above, below = picture - cv2.dilate(picture, around), cv2.erode(picture, around) - picture
    return int((np.maximum(above, below).max(axis=2) > 0.1).sum())


@pytest.mark.parametrize("noise", [0.0, 0.35])
def test_detail_is_whole_and_there_are_no_specks(noise: float) -> None:
    """With a ragged doubt, spots of it, and a motion with single wrong pixels and a tear."""
    own, other = strokes(1), strokes(2)
    sure = np.clip(left(0.5) + RNG.normal(0, noise, SIZE), 0, 1).astype(np.float32)
    found = shift(0, 0, sure)
    if noise:
        spots = RNG.random(SIZE) < 0.01
        found.flow[spots] = RNG.normal(0, 12, (int(spots.sum()), 2))
        found.flow[36:, :, 0] += 9
    out = fused(own, GREY, [ShownPicture(other, found, 1.0)])
    assert specks(out) <= max(specks(own), specks(other))
    assert 0.8 * min(energy(own), energy(other)) < energy(out) < 1.08 * max(energy(own), energy(other))
    if not noise:
        halves = (slice(None), slice(0, 36)), (slice(None), slice(50, None))
        assert np.allclose(out[halves[0]], other[halves[0]], atol=0.02) and np.allclose(out[halves[1]], own[halves[1]])


def test_a_mask_has_no_islands_and_no_holes() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :48] = 1
    clean = mask.copy()
    mask[10:14, 10:14] = 0
    mask[60:63, 70:75] = 1
    assert np.array_equal(without_islands(mask, ISLAND_PX**2), clean)
    assert np.array_equal(without_islands(np.zeros_like(mask), 9), np.zeros_like(mask))
    assert np.array_equal(without_islands(np.ones_like(mask), 9), np.ones_like(mask))


def test_a_masks_border_lies_on_the_frames_edge() -> None:
    """The doubt ends some pixels off, raggedly; the frame has an edge at 48."""
    frame = GREY.copy()
    frame[:, 48:] = 20
    sure = left(0.5)
    sure[:, 42:48] = RNG.random((SIZE[0], 6)) < 0.3
    border = clean_mask(frame, shift(0, 0, sure))[8:-8].sum(axis=1)
    assert border.min() >= 47 and border.max() <= 49
    blind = clean_mask(GREY, shift(0, 0, sure))[8:-8].sum(axis=1)
    assert blind.mean() < 46
    flat = np.full(SIZE, 0.4, np.float32)
    assert np.allclose(guided(flat, RNG.random(SIZE).astype(np.float32)), 0.4, atol=1e-4)


def test_what_is_rebuilt_badly_either_way_is_not_sure() -> None:
    """A thing that is only in one of the two frames; and what doesn't move is sure everywhere."""
    a = (strokes(3) * 255).astype(np.uint8)
    b = a.copy()
    b[20:50, 30:60] = (255, 0, 255)
    for one, other in ((a, b), (b, a)):
        sure = motion(one, other).sure
        assert sure[26:44, 36:54].mean() < 0.1 and sure[:, 75:].mean() > 0.95
    assert motion(a, a).sure.min() > 0.99
