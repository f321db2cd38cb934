"""How far a style moves all edges to their lighter side."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import ClipReader, fit_picture
from restrip.registration.cells import Pair
from restrip.registration.find import find
from restrip.registration.leaning import with_leans
from restrip.registration.refine import SHIFT, refine_affine
from restrip.registration.structure import lighter_of
from restrip.registration.warp import Warp
from restrip.timeline import ClipRange, Rate


@pytest.fixture(scope="module")
def lit() -> np.ndarray:
    """Round shapes that are lit from the left: their left edges are harder than their right ones."""
    noise = np.random.default_rng(5)
    picture = np.full((240, 320, 3), 90, np.float32)
    across = np.arange(320, dtype=np.float32)[None, :, None]
    for _ in range(60):
        x, y, r = int(noise.integers(0, 320)), int(noise.integers(0, 240)), int(noise.integers(8, 26))
        mask = cv2.circle(np.zeros((240, 320), np.float32), (x, y), r, 1, -1)[..., None]
        colour = noise.uniform(60, 140, 3) + 90 * np.clip((x + r - across) / (2 * r), 0, 1)
        picture = picture * (1 - mask) + colour * mask
    return cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (0, 0), 0.8)


def leaning(frame: np.ndarray, by_px: float) -> np.ndarray:
    """The frame with all edges moved towards the light."""
    towards = lighter_of(frame)
    grid = np.dstack(np.meshgrid(np.arange(frame.shape[1]), np.arange(frame.shape[0]))).astype(np.float32)
    return cv2.remap(frame, grid - by_px * towards, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def test_lighter_points_from_dark_to_light() -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    towards = lighter_of(ramp)
    assert towards[8:-8, 8:-8, 0].min() > 0.7 and np.abs(towards[..., 1]).max() < 1e-3
    assert (lighter_of(np.full((48, 64, 3), 80, np.uint8)) == 0).all()


def test_edges_that_lie_aside_are_told_from_a_move(lit: np.ndarray) -> None:
    key = leaning(lit, 1.0)
    pair = Pair.of(lit, key, None, 320)
    still = Warp.still(pair.size)
    told, warp = with_leans(pair, refine_affine(pair, still, free=SHIFT), free=SHIFT)
    assert 0.5 < told.leans[0] < 1.5
    assert np.linalg.norm(warp.affine[:, 2]) < 0.2


def test_what_was_moved_only_leans_nowhere(lit: np.ndarray) -> None:
    key = cv2.warpAffine(lit, np.float32([[1, 0, 3], [0, 1, -2]]), (320, 240), borderMode=cv2.BORDER_REPLICATE)
    pair = Pair.of(lit, key, None, 320)
    moved = refine_affine(pair, Warp.still(pair.size))
    told, warp = with_leans(pair, moved)
    assert told is pair and warp is moved


def test_a_face_whose_edges_are_outlined_isnt_taken_for_moved(carphone: Path) -> None:
    with ClipReader(ClipRange((str(carphone),), Rate.of(30), 1, trim_in=60)) as reader:
        frame = fit_picture(reader.frame(0), (293, 240)).rgb8()
    key = cv2.stylization(frame, sigma_s=60, sigma_r=0.45)
    pair = Pair.of(frame, key, None, 480)
    still = Warp.still(pair.size)
    plain = refine_affine(pair, still)
    told, warp = with_leans(pair, plain)
    before, after = (float(np.linalg.norm(one.field() - still.field(), axis=-1).mean()) for one in (plain, warp))
    assert told.leans[0] > 0.8 and after < before / 2
    assert find(frame, key).verdict == "same"
