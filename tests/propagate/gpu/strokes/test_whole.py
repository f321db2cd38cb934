"""Segments whose keys are strange to each other, on tensors of the CPU: whole strokes as the CPU's path keeps them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import Pictures, negative, occluder, strangers, styled, texture

from restrip.progress import silent
from restrip.propagate import PropagateSettings, propagate
from restrip.propagate.cpu import motion as cpu_motion
from restrip.timeline import FrameRange

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.gpu import segment_walk  # noqa: E402
from restrip.propagate.gpu.motion import Shown  # noqa: E402
from restrip.propagate.gpu.segment_walk import SegmentWalk  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.strokes import calm_motion  # noqa: E402
from restrip.propagate.gpu.strokes.field_stack import FieldStack  # noqa: E402

STAGES = torch_stages(torch.device("cpu"))
SIZE = (120, 90)


class CpuMotion:
    """The CPU's motion to a key, walked on tensors: what differs then is not the motion."""

    step: torch.Tensor | None = None

    def __init__(self, key: Shown, stages: object, effort: object = None) -> None:
        self._motion = cpu_motion.KeyMotion(key.rgb.numpy())

    def restart(self) -> None:
        self._motion.restart()

    def resume(self, flow: torch.Tensor, frame: Shown) -> None:
        self._motion.resume(flow.numpy(), frame.rgb.numpy())

    @property
    def flow(self) -> torch.Tensor:
        return torch.from_numpy(self._motion.flow)

    def next(self, frame: Shown) -> torch.Tensor:
        self._motion.next(frame.rgb.numpy())
        self.step = torch.from_numpy(self._motion.step)
        return self.flow


@pytest.fixture
def same_motion(monkeypatch):
    for module in (segment_walk, calm_motion):
        monkeypatch.setattr(module, "KeyMotion", CpuMotion)


def both(frames, keys, **settings):
    """A segment on tensors, and on the CPU."""
    how = PropagateSettings(baked=True, **settings)
    window = Pictures(frames, FrameRange(0, len(frames) - 1))
    return (
        list(SegmentWalk(window, keys, how, silent, STAGES).frames()),
        list(propagate(window, keys, how, silent)),
    )


def apart(ours, theirs):
    """Mean differences of all renditions, in 8-bit code values."""
    return [
        np.abs(np.float32(getattr(a, name).rgb8()) - getattr(b, name).rgb8()).mean()
        for a, b in zip(ours, theirs, strict=True)
        for name in ("left", "right", "baked")
    ]


@pytest.fixture(scope="module")
def moving():
    frames = occluder(5, SIZE, (2, 1))[0]
    return frames, (styled(frames, 0, texture(SIZE, 71, 1.0)), styled(frames, 4, texture(SIZE, 72, 1.0)))


def test_along_the_same_motion_pictures_are_the_cpus(same_motion, moving):
    ours, theirs = both(*moving)
    assert np.mean(apart(ours, theirs)) < 0.15  # of a paint that differs by 50 from pixel to pixel
    averaged = both(*moving, strokes="smooth")[0]
    assert np.mean(apart(ours, averaged)) > 5


def test_a_still_shot_is_the_cpus():
    frames, keys = strangers(5)
    assert np.mean(apart(*both(frames, keys))) < 0.05


def test_with_its_own_motion_it_is_as_crisp(moving):
    ours, theirs = both(*moving, strokes="crisp")

    def fine(picture):
        return np.square(picture - cv2.GaussianBlur(picture, (0, 0), 2)).mean()

    for a, b in zip(ours, theirs, strict=True):
        assert fine(np.float32(a.baked.rgb)) / fine(np.float32(b.baked.rgb)) == pytest.approx(1, abs=0.05)


def test_the_same_work_gives_the_same_pictures(moving):
    window, how = Pictures(moving[0], FrameRange(0, 4)), PropagateSettings(baked=True)
    one, other = (list(SegmentWalk(window, moving[1], how, silent, STAGES).frames()) for _ in range(2))
    assert not any(apart(one, other))


@pytest.mark.parametrize("side", [0, 1])
def test_one_keys_strokes_are_carried_whole(side):
    frames = occluder(4, SIZE, (2, 1))[0]
    key = styled(frames, 3 * side, texture(SIZE, 71, 1.0))
    keys = (key, None) if side == 0 else (None, key)
    window, how = Pictures(frames, FrameRange(0, 3 + (side == 0))), PropagateSettings(strokes="crisp")
    walk = SegmentWalk(window, keys, how, silent, STAGES)
    for ours, theirs in zip(walk.frames(), propagate(window, keys, how, silent), strict=True):
        one, other = ((c.left or c.right).rgb for c in (ours, theirs))
        assert (ours.left is None) == (theirs.left is None)
        assert np.float32(one).std() == pytest.approx(np.float32(other).std(), rel=0.05)


@pytest.mark.parametrize("side", [0, 1])
def test_one_keys_own_strokes_are_kept_unasked_where_it_knows_the_place(side):
    frames = occluder(4, SIZE, (2, 1))[0]
    key = styled(frames, 3 * side, texture(SIZE, 71, 1.0))
    keys = (key, None) if side == 0 else (None, key)
    window = Pictures(frames, FrameRange(0, 3 + (side == 0)))
    walk = SegmentWalk(window, keys, PropagateSettings(), silent, STAGES)
    for ours, theirs in zip(walk.frames(), propagate(window, keys, PropagateSettings(), silent), strict=True):
        one, other = (np.float32((c.left or c.right).rgb) for c in (ours, theirs))
        assert one.std() == pytest.approx(other.std(), rel=0.05)
        assert np.abs(one - other).mean() < 12


def test_keys_that_agree_are_averaged_as_ever():
    frames = occluder(4, SIZE, (2, 1))[0]
    keys = tuple(styled(frames, n, negative(frames[n])) for n in (0, 3))
    window = Pictures(frames, FrameRange(0, 3))
    auto, smooth = (
        list(SegmentWalk(window, keys, PropagateSettings(strokes=strokes, baked=True), silent, STAGES).frames())
        for strokes in ("auto", "smooth")
    )
    assert not any(apart(auto, smooth))


def test_deep_pictures_stay_deep_and_progress_counts_one_walk_back():
    frames, _ = strangers(4)
    deep = [frame.astype(np.uint16) * 257 for frame in frames]
    keys = tuple(styled(deep, n, texture((96, 72), n + 1, 1.0).astype(np.uint16) * 257) for n in (0, 3))
    seen = []
    window, how = Pictures(deep, FrameRange(0, 3)), PropagateSettings(strokes="crisp")
    walk = SegmentWalk(window, keys, how, lambda done, total, note="": seen.append((done, total)), STAGES)
    for one in walk.frames():
        assert one.left.deep and one.right.deep
    assert len(np.unique(one.left.rgb % 257)) > 20  # finer than eight bit
    assert seen[-1] == (6, 6)


def test_fields_put_aside_come_back_to_the_bit():
    stack, fields = FieldStack(), [torch.randint(0, 9, (4, 5, 2), dtype=torch.int16) for _ in range(2)]
    for field in fields:
        stack.push(field)
    assert torch.equal(stack.peek(), fields[1]) and len(stack) == 2
    assert all(torch.equal(stack.pop(), field) for field in reversed(fields)) and not len(stack)
