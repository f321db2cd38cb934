from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks.style_transfer import upsample as module
from restrip.looks.style_transfer.upsample import upsample


def enlarged(painted: np.ndarray, small: np.ndarray, frame: np.ndarray) -> np.ndarray:
    return np.concatenate([band for _, band in upsample(painted, small, frame)])


def shrunk(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def disc(size: int, radius: float) -> np.ndarray:
    """A red disc on a dark green ground, [size, size, 3] uint8, its edge one pixel wide."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    edge = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.stack([40 + 170 * edge, 90 - 60 * edge, np.full_like(edge, 60)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [(97, 61), (61, 97), (200, 100), (333, 40)])
def test_the_bands_cover_the_frame_once_from_top_to_bottom(size):
    frame = np.random.default_rng(2).integers(0, 255, (size[1], size[0], 3), np.uint8)
    small = shrunk(frame, (max(1, size[0] // 3), max(1, size[1] // 3)))
    rows = [row for part, band in upsample(small, small, frame) for row in range(part.start, part.stop)]
    assert rows == list(range(size[1]))
    assert enlarged(small, small, frame).shape == frame.shape


def test_the_result_does_not_depend_on_where_bands_are_cut(monkeypatch, bunny):
    small = shrunk(bunny.rgb, (100, 56))
    painted = np.ascontiguousarray(small[..., ::-1])
    whole = enlarged(painted, small, bunny.rgb)
    monkeypatch.setattr(module, "BAND_ROWS", 16)
    # OpenCV samples at 1/32 of a pixel, which rounds now and then to the other side.
    np.testing.assert_allclose(enlarged(painted, small, bunny.rgb), whole, atol=5e-4)


@pytest.mark.parametrize("look", [lambda rgb: 1 - rgb, lambda rgb: np.roll(rgb, 1, axis=2)])
def test_an_edge_that_the_frame_knows_comes_back_at_full_sharpness(look):
    frame = disc(240, 80)
    small = shrunk(frame, (60, 60))
    painted = np.ascontiguousarray(look(small))
    truth = look(frame.astype(np.float32) / 255)
    guided = enlarged(painted, small, frame)
    plain = cv2.resize(painted, (240, 240), interpolation=cv2.INTER_CUBIC)
    assert np.abs(guided - truth).mean() < 0.4 * np.abs(plain - truth).mean()
    steepest = np.abs(np.diff(guided[120], axis=0)).max()
    assert steepest > 0.6 * np.abs(np.diff(truth[120], axis=0)).max()
    assert steepest > 2 * np.abs(np.diff(plain[120], axis=0)).max()


def test_strokes_that_the_frame_knows_nothing_of_stay_crisp():
    frame = np.full((200, 200, 3), 128, np.uint8)
    y, x = np.mgrid[:50, :50]
    painted = np.repeat(np.where((x + y) // 6 % 2, 0.8, 0.2)[..., None], 3, axis=2).astype(np.float32)
    result = enlarged(painted, shrunk(frame, (50, 50)), frame)
    plain = cv2.resize(painted, (200, 200), interpolation=cv2.INTER_CUBIC)
    inside = slice(40, 160), slice(40, 160)
    assert np.abs(np.diff(result, axis=1))[inside].max() > 1.2 * np.abs(np.diff(plain, axis=1))[inside].max()
    assert np.abs(result - plain)[inside].mean() < 0.06


def test_nothing_goes_beyond_what_is_painted_near_by(bunny):
    small = shrunk(bunny.rgb, (80, 45))
    painted = np.ascontiguousarray(np.round(small * 3) / 3)
    result = enlarged(painted, small, bunny.rgb)
    assert result.min() >= painted.min() - 1e-5 and result.max() <= painted.max() + 1e-5


def test_8_and_16_bit_frames_give_the_same_picture(bunny):
    small = shrunk(bunny.rgb, (80, 45))
    shallow = enlarged(small, small, bunny.rgb)
    np.testing.assert_allclose(enlarged(small, small, bunny.with_depth(True).rgb), shallow, atol=1e-5)
