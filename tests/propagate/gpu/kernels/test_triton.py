"""Triton's kernels of motion, light and mixing, interpreted, against torch operations."""

from __future__ import annotations

import importlib.util
import os
from types import SimpleNamespace

import numpy as np
import pytest
from scenes import Pictures, brighter, occluder, sliding, styled, texture

from restrip.progress import silent
from restrip.propagate import PropagateSettings
from restrip.timeline import FrameRange

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
if importlib.util.find_spec("triton") is None:
    pytest.skip("Triton is not installed (it is for Linux on x86)", allow_module_level=True)
assert os.environ.get("TRITON_INTERPRET") == "1", "set before anything imports triton"

import interpreted  # noqa: E402
from triton.runtime.interpreter import InterpretedFunction  # noqa: E402

from restrip.propagate.energy.mix_weights import MixWeights  # noqa: E402
from restrip.propagate.gpu import flow, mixing, motion, planes, segment_walk, shading  # noqa: E402
from restrip.propagate.gpu.kernels import flow_triton, mixing_triton, motion_triton, shading_triton  # noqa: E402
from restrip.propagate.gpu.shares import shares_of  # noqa: E402
from restrip.propagate.gpu.stages import triton_stages  # noqa: E402
from restrip.propagate.gpu.strokes import handover  # noqa: E402


@pytest.fixture(autouse=True)
def large_tiles(monkeypatch):
    interpreted.large_tiles(monkeypatch)


@pytest.fixture
def small_windows(monkeypatch):
    interpreted.small_windows(monkeypatch)


def shown(pictures):
    return [motion.shown(torch.from_numpy(p)) for p in pictures]


def most_agree(ours, theirs, within, share=0.99):
    """Whether so many of the numbers are so near each other: where two places fit alike, rounding decides."""
    assert ours.shape == theirs.shape
    apart = (ours - theirs).abs().flatten().sort().values
    assert apart[int(share * (len(apart) - 1))] <= within, apart[-len(apart) // 50 :: 5]


def dense(size, step):
    frames = [f.gray for f in shown(sliding(3, size, step))]
    lights = torch.tensor(((1.0, 0.0), (0.8, 10.0)))
    targets = torch.stack([shading.exposed(t, found) for t, found in zip(frames[1:], lights, strict=True)])
    return flow_triton.dense(frames[0], frames[1:], lights), flow.dense(frames[0], targets)


def test_dense_motion_is_torchs(small_windows):
    ours, theirs = dense((63, 57), (2.5, -1))
    most_agree(ours, theirs, 0.01)
    assert (theirs[0, 9:-9, 9:-9] + torch.tensor((2.5, -1))).abs().mean() < 0.1


@pytest.mark.skipif(not os.environ.get("RESTRIP_SLOW_TESTS"), reason="a minute: set RESTRIP_SLOW_TESTS=1")
@pytest.mark.parametrize("size", [(71, 57), (33, 90)])
def test_dense_motion_is_torchs_with_its_own_windows(size):
    most_agree(*dense(size, (3, 1)), 0.01)


@pytest.mark.parametrize("direct", [False, True])
def test_motion_to_a_key_is_torchs(small_windows, direct):
    pictures, _ = occluder(3, (35, 29), (2, 1))
    key, frame = shown([pictures[0], brighter(pictures[2], 0.8, 12)])
    step, rest = (torch.full((29, 35, 2), value) for value in (-0.8, -0.7))
    step[9:19, 12:30] += torch.from_numpy(np.random.default_rng(0).normal(0, 2, (10, 18, 2)).astype(np.float32))
    args = (frame, key, [step, torch.zeros_like(step)] if direct else [step], rest if direct else None)
    theirs = motion.led(*args)
    most_agree(motion_triton.led(*args), theirs, 0.01)
    assert (theirs - step).abs().mean() > 0.1


def test_luma_is_torchs():
    rgb = torch.from_numpy(texture((45, 23), 2))
    assert torch.equal(motion_triton.shown(rgb).gray, motion.shown(rgb).gray)


@pytest.mark.parametrize(
    ("found", "flowing"), [((1.0, 0.0), True), ((0.5, 0.0), False), ((0.7, 40.0), True), ((0.02, 5.0), False)]
)
def test_lights_are_torchs(found, flowing):
    picture = texture((77, 45), 5)
    key, frame = shown([picture, brighter(picture, *found)])
    lead = torch.full((45, 77, 2), 1.75) if flowing else torch.zeros((45, 77, 2))
    lead[20:, :, 1] *= -0.5
    theirs = motion.relit_for(frame, key, lead, 0.7)
    ours = motion_triton.relit_for(frame, key, lead, 0.7)
    torch.testing.assert_close(ours[2], theirs[2], rtol=1e-3, atol=0.02)
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert one.dtype == torch.uint8
        assert (one.int() - other.int()).abs().max() <= 1
    if not flowing:
        every = shading.exposure(frame.colour[:, ::3, ::3], key.colour[:, ::3, ::3])
        torch.testing.assert_close(
            shading_triton.lights(frame.rgb, [frame.rgb, key.rgb], 3, None)[1, :2], every, rtol=1e-3, atol=0.02
        )


@pytest.mark.parametrize(("deep", "both"), [(False, True), (True, True), (False, False)])
def test_renditions_are_torchs(deep, both):
    rng = np.random.default_rng(2)
    h, w, shares = 21, 45, [MixWeights(1.0, 0.1), MixWeights(0.1, 1.0), MixWeights(0.7, 0.6)]
    sides = [
        [
            (
                torch.from_numpy(rng.uniform(-900, 67000, (h, w, 3))).float(),
                torch.from_numpy(rng.exponential(20, (h, w))).float(),
            )
            for _ in range(2)
        ]
        for _ in range(2)
    ]
    made = []
    for weighed, rendered in (
        (mixing_triton.weighed, mixing_triton.rendered),
        (mixing.VoteTensors.of, mixing.rendered),
    ):
        left, right = (weighed(predictions) for predictions in sides)
        of = shares_of([shares if both else [MixWeights(1, 0)]], [0.0], torch.device("cpu"))[0]
        out = rendered(left, right if both else left, of, deep)
        made.append(planes.unsigned(out) if deep else out)
    assert made[0].shape == (3 if both else 1, h, w, 3)
    assert (made[0].int() - made[1].int()).abs().max() <= 1
    assert made[1].float().std() > 30


@pytest.mark.parametrize(("strokes", "fewest", "most"), [("smooth", 50, 250), ("crisp", 150, 450)])
def test_a_frame_is_few_starts_and_waits_for_nothing(monkeypatch, strokes, fewest, most):
    """Tensors without data can't be asked for any: so nothing waits for the device but the pictures at the end.

    Left to choose, a segment waits once for how strange its keys are, and with whole strokes once for when places are
    handed over.
    """
    starts = []
    monkeypatch.setattr(InterpretedFunction, "run", lambda kernel, *args, **how: starts.append(kernel.__name__))
    for module, kind in ((segment_walk, np.uint8), (handover, np.float32)):
        coming = lambda made, kind=kind: SimpleNamespace(array=lambda: np.zeros(made.shape, kind))  # noqa: E731
        monkeypatch.setattr(module, "Coming", coming)
    picture, counts = texture((320, 180), 1), []
    for count in (2, 3):
        starts.clear()
        frames = [picture] * (count + 1)
        keys = styled(frames, 0, picture), styled(frames, count, picture)
        window, meta = Pictures(frames, FrameRange(0, count)), triton_stages(torch.device("meta"))
        walk = segment_walk.SegmentWalk(window, keys, PropagateSettings(strokes=strokes), silent, meta)
        assert len(list(walk.frames())) == count
        counts.append(len(starts))
    assert fewest < counts[1] - counts[0] < most
