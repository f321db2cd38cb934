from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks.diffusion.consistency.key_motion import Motion, at_size, carried, motion


def texture(width: int = 160, height: int = 120) -> np.ndarray:
    rng = np.random.default_rng(1)
    noise = cv2.GaussianBlur(rng.random((height + 80, width + 80, 3)).astype(np.float32), (0, 0), 3)
    return (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)


@pytest.mark.parametrize("dx", [0, 3, 12])
def test_a_shift_is_found_and_undone(dx: int) -> None:
    whole = texture()
    a, b = whole[40:160, 40:200], whole[40:160, 40 - dx : 200 - dx]  # things move right by dx
    found = motion(np.ascontiguousarray(a), np.ascontiguousarray(b))
    inner = (slice(20, 100), slice(30, 130))
    assert np.median(found.flow[inner][..., 0]) == pytest.approx(-dx, abs=0.3)
    assert found.seen[inner].mean() > 0.95
    back = carried(a.astype(np.float32), found.flow)
    assert np.abs(back[inner] - b[inner]).mean() < 3


def test_what_comes_into_the_picture_is_not_seen() -> None:
    whole = texture()
    a, b = whole[40:160, 40:200], whole[40:160, 10:170]
    found = motion(np.ascontiguousarray(a), np.ascontiguousarray(b))
    assert found.seen[:, :20].mean() < 0.2


def test_two_different_pictures_share_nothing() -> None:
    a = np.zeros((80, 100, 3), np.uint8)
    assert motion(a, np.full_like(a, 200)).seen.mean() < 0.05


def test_another_size() -> None:
    flow = np.zeros((48, 64, 2), np.float32)
    flow[...] = (8, -4)
    small = at_size(Motion(flow, *(np.ones((48, 64), np.float32) for _ in range(2))), (16, 24))
    assert small.flow.shape == (24, 16, 2) and small.seen.shape == (24, 16)
    assert small.flow[3, 3].tolist() == [2, -2]
