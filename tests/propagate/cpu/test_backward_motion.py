"""Motion to a key that lies ahead."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import Pictures, negative, sliding, styled

from restrip.progress import silent
from restrip.propagate import PropagateSettings, propagate
from restrip.propagate.backward_walk import BLOCK_FRAMES, blocks_of, walked_frames
from restrip.propagate.cpu import backward_motion as module
from restrip.propagate.cpu.backward_motion import backward
from restrip.timeline import FrameRange

SIZE = (72, 56)


def walk(frames, first, block, folder):
    """The flows of frames first.. to the last picture as the key, and how often it stepped before each."""
    key = styled(frames, len(frames) - 1, negative(frames[-1]))
    window, stepped, flows, counts = Pictures(frames, FrameRange(first, len(frames) - 1)), [], [], []
    for flow in backward(window, key, str(folder), lambda: stepped.append(1), block):
        flows.append(flow)
        counts.append(len(stepped))
    assert window.reads <= len(stepped) + len(blocks_of(window.frames, block))
    return flows, counts


@pytest.mark.parametrize(
    ("first", "end", "length", "expected"),
    [
        (0, 0, 4, []),
        (5, 6, 4, [(5, 6)]),
        (5, 9, 4, [(5, 9)]),
        (5, 10, 4, [(5, 9), (9, 10)]),
        (0, 12, 4, [(0, 4), (4, 8), (8, 12)]),
    ],
)
def test_blocks_cover_the_frames_in_order(first, end, length, expected):
    assert blocks_of(FrameRange(first, end), length) == [FrameRange(a, b) for a, b in expected]


def test_usual_segments_are_one_block():
    assert len(blocks_of(FrameRange(7, 7 + BLOCK_FRAMES))) == 1
    assert walked_frames(FrameRange(7, 7 + BLOCK_FRAMES)) == BLOCK_FRAMES
    assert walked_frames(FrameRange(0, BLOCK_FRAMES + 10)) == BLOCK_FRAMES + 20


def test_motion_leads_from_each_frame_to_the_key(tmp_path):
    frames = sliding(8, SIZE, (1.5, -0.5))
    flows, counts = walk(frames, 1, 100, tmp_path)
    assert len(flows) == 6
    for n, flow in zip(range(1, 7), flows, strict=True):
        there = flow[16:-16, 16:-16] - [-1.5 * (7 - n), 0.5 * (7 - n)]
        assert np.abs(there).mean() < 0.15, n
    assert counts == [6] * 6  # all of it before the first


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_blocks_give_the_same_motion_as_one_walk(first, block, tmp_path):
    frames = sliding(10, SIZE, (1.5, -0.5))
    whole, _ = walk(frames, first, 100, tmp_path)
    flows, counts = walk(frames, first, block, tmp_path)
    assert len(flows) == len(whole) == 9 - first
    for n, (flow, expected) in enumerate(zip(flows, whole, strict=True), first):
        # Where a walk is taken up again its motion has been at half size and 16 bit.
        assert np.abs(flow - expected)[12:-12, 12:-12].mean() < 0.05, n
    walked = 2 * (9 - first) - min(block, 9 - first)
    assert counts[-1] == walked
    assert counts[0] == 9 - first
    assert not list(tmp_path.iterdir())


def test_each_block_is_walked_when_its_first_frame_is_asked_for(tmp_path):
    _, counts = walk(sliding(9, SIZE, (1, 0)), 0, 3, tmp_path)
    assert counts == [8, 8, 8, 11, 11, 11, 13, 13]


def test_a_long_segment_is_carried_in_blocks(monkeypatch, tmp_path):
    frames = sliding(9, SIZE, (1.5, 0.5))
    keys = tuple(styled(frames, n, negative(frames[n])) for n in (0, 8))
    window, seen = Pictures(frames, FrameRange(0, 8)), []
    once = list(propagate(window, keys, PropagateSettings(), silent))
    for function in (module.backward, walked_frames):
        monkeypatch.setattr(function, "__defaults__", (3,))
    report = lambda done, total, note="": seen.append((done, total))  # noqa: E731
    for one, in_blocks in zip(once, propagate(window, keys, PropagateSettings(), report), strict=True):
        assert np.abs(one.right.rgb.astype(int) - in_blocks.right.rgb).mean() < 0.5
    assert seen == [(n, 21) for n in range(1, 22)]  # 8 + 5 again + 8


def test_an_abandoned_walk_leaves_nothing(tmp_path):
    frames = sliding(6, SIZE, (1, 0))
    key = styled(frames, 5, negative(frames[5]))
    flows = backward(Pictures(frames, FrameRange(0, 5)), key, str(tmp_path), lambda: None, 2)
    next(flows)
    flows.close()
    assert not list(tmp_path.iterdir())
