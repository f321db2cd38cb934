"""Long chains: a static camera, grain, and a ball that goes to and fro for 120 frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import Pictures, negative, psnr, texture

from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import FrameRange

SIZE, FRAMES = (96, 64), 121
NEAR, FAR = range(15, 26), range(110, 121)


@pytest.fixture(scope="module")
def shot() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The frames, and the truth of a style that a grainless camera would have seen."""
    ground, ball, rng = texture(SIZE, 1), texture((30, 30), 2), np.random.default_rng(0)
    y, x = np.mgrid[0:30, 0:30]
    mask = np.clip((12 - np.hypot(x - 14.5, y - 14.5)) / 2, 0, 1).astype(np.float32)
    frames, truth = [], []
    for n in range(FRAMES):
        at = SIZE[0] / 2 + 24 * np.sin(n / 15) - 15, SIZE[1] / 2 + 6 * np.cos(n / 11) - 15
        to = np.float32([[1, 0, at[0]], [0, 1, at[1]]])
        front, cover = (cv2.warpAffine(p, to, SIZE, flags=cv2.INTER_LINEAR) for p in (ball, mask))
        clean = ground * (1 - cover[..., None]) + front * cover[..., None]
        frames.append(np.clip(np.rint(clean + rng.normal(0, 2, clean.shape)), 0, 255).astype(np.uint8))
        truth.append(negative(np.rint(clean).astype(np.uint8)))
    return frames, truth


@pytest.mark.parametrize("side", [0, 1])
def test_a_key_far_away_is_nearly_as_good_as_a_near_one(shot, side):
    frames, truth = shot
    at = 0 if side == 0 else FRAMES - 1
    key = StyledKey(at, Frame(frames[at]), Frame(truth[at]))
    window = Pictures(frames, FrameRange(0, FRAMES if side == 0 else FRAMES - 1))
    out = propagate(window, (key, None) if side == 0 else (None, key), PropagateSettings(), silent)
    score = [psnr((one.left or one.right).rgb, truth[n]) for n, one in enumerate(out)]
    if side == 1:
        score.append(99.0)
        score.reverse()
    near, far = (float(np.mean([score[n] for n in part if n < FRAMES])) for part in (NEAR, FAR))
    assert near > 34
    assert far > near - 1.5
