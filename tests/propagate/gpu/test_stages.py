"""Each stage of propagation on tensors against the CPU's kernels: torch operations, and Triton's, interpreted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scenes import negative, shifted, texture

from restrip.media.frame import Frame
from restrip.propagate import StyledKey
from restrip.propagate.cpu import shading
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.exemplar import EDGE, SLOPES, Exemplar
from restrip.propagate.cpu.predictors import Light, Matcher, matched, warped
from restrip.propagate.cpu.shading import Exposure

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.gpu import matcher  # noqa: E402
from restrip.propagate.gpu import shading as light_of  # noqa: E402
from restrip.propagate.gpu.exemplar import KeyTensors  # noqa: E402
from restrip.propagate.gpu.motion import shown  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.transfers import upload  # noqa: E402

CPU = torch.device("cpu")
SIZE = (53, 38)


@dataclass
class Scene:
    """A frame, a key that shows it moved, and the motion between them with some of it wrong."""

    frame: np.ndarray
    key: StyledKey
    flow: np.ndarray
    picture: Exemplar
    tensors: KeyTensors


@pytest.fixture(scope="module")
def scene() -> Scene:
    wide = texture((90, 80), 3)
    frame, source = shifted(wide, SIZE, 10, 10), shifted(wide, SIZE, 12.5, 9)
    rng = np.random.default_rng(1)
    flow = np.empty((SIZE[1], SIZE[0], 2), np.float32)
    flow[:] = (-2.5, 1)
    flow[8:20, 8:30] += rng.normal(0, 6, (12, 22, 2)).astype(np.float32)
    picture = (negative(source).astype(np.uint16) * 257 + rng.integers(0, 200, source.shape)).clip(0, 65535)
    key = StyledKey(0, Frame(source), Frame(picture.astype(np.uint16)))
    tensors = KeyTensors.of(key, torch.from_numpy(describe(source)), shown(upload(source, CPU)))
    return Scene(frame, key, flow, Exemplar.of(key.source, key.picture), tensors)


def test_descriptors_are_the_cpus(stages, scene):
    ours = stages.describe(torch.from_numpy(scene.frame)).numpy().astype(int)
    assert ours.shape == (*scene.frame.shape[:2], 16)
    apart = np.abs(ours - describe(scene.frame))
    assert apart.max() <= 1  # the order of sums decides halves
    assert (apart > 0).mean() < 0.002


def test_a_packed_key_is_the_cpus(scene):
    packed = scene.tensors.packed.numpy().view(np.uint16)
    np.testing.assert_array_equal(
        packed[..., [0, 1, 2, 3, 4, 5, 7]], scene.picture.packed[EDGE:-EDGE, EDGE:-EDGE][..., [0, 1, 2, 3, 4, 5, 7]]
    )
    assert (
        np.abs(packed[..., 6].astype(int) - scene.picture.packed[EDGE:-EDGE, EDGE:-EDGE][..., 6]).max() <= 1
    )  # luma x 64
    np.testing.assert_allclose(scene.tensors.slopes.numpy(), scene.picture.slopes / SLOPES, rtol=2e-3, atol=0.6)


def test_matches_are_the_cpus_bit_for_bit(stages, scene):
    described = describe(scene.frame)
    step = np.full_like(scene.flow, 0.4)
    ours = matcher.Matcher(scene.tensors.described, stages)
    theirs = Matcher(scene.picture)
    flow, before = torch.from_numpy(scene.flow), None
    for steps in (None, step):  # the second starts from what the first has found
        field = ours.match(torch.from_numpy(described), flow, before)
        np.testing.assert_array_equal(field.numpy(), theirs.match(described, scene.flow, steps))
        before = field, torch.from_numpy(step)


@pytest.mark.parametrize(("gain", "exposure"), [(0.0, Exposure()), (0.9, Exposure(0.8, 12.0))])
def test_readings_are_the_cpus(stages, scene, gain, exposure):
    light = torch.tensor((gain, exposure.gain, exposure.offset))
    frame = torch.from_numpy(scene.frame)
    field = Matcher(scene.picture).match(describe(scene.frame), scene.flow, None)
    theirs = (
        warped(scene.frame, scene.picture, scene.flow, Light(gain, exposure)),
        matched(scene.frame, scene.picture, field, Light(gain, exposure)),
    )
    ours = (
        stages.read(frame, scene.tensors, torch.from_numpy(scene.flow), light),
        stages.vote(frame, scene.tensors, torch.from_numpy(field), light),
    )
    for (style, errors), cpu in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(errors.numpy(), cpu.errors, rtol=1e-3, atol=0.05)
        # 16-bit code values; slopes of flat places lose digits on the way, so a few differ by more.
        apart = np.abs(style.numpy() - cpu.style)
        assert np.quantile(apart, 0.99) < 8
        assert apart.max() < 257


def test_bands_change_nothing(scene):
    whole, described = torch_stages(CPU), torch.from_numpy(describe(scene.frame))
    frame, flow = torch.from_numpy(scene.frame), torch.from_numpy(scene.flow)
    light, both = torch.tensor((0.9, 0.9, 5.0)), (described, scene.tensors.described)
    assert torch.equal(whole.describe(frame), whole.describe(frame, rows=5))
    fields = []
    for rows in (0, 3):
        before = (torch.zeros_like(flow, dtype=torch.int16), flow)
        field, errors = whole.start(both, flow, 1.0, before, rows=rows)
        for parity in (0, 1):
            whole.sweep(both, flow, 1.0, field, errors, matcher.Turn(parity, 3, 8, 500.0, 7), rows=rows)
        fields.append((field, errors))
    for one, other in zip(*fields, strict=True):
        assert torch.equal(one, other)
    for stage, by in ((whole.read, flow), (whole.vote, fields[0][0])):
        for one, other in zip(
            stage(frame, scene.tensors, by, light), stage(frame, scene.tensors, by, light, rows=7), strict=True
        ):
            assert torch.equal(one, other)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.5, 0.0), (0.7, 40.0), (1.0, 9.0)])
def test_exposure_is_the_cpus(scene, gain, offset):
    key = scene.key.source.rgb
    frame = np.clip(key * gain + offset, 0, 255).astype(np.uint8)
    cpu = shading.exposure(frame, key)
    ours = light_of.exposure(*(torch.from_numpy(p.transpose(2, 0, 1).astype(np.float32)) for p in (frame, key)))
    np.testing.assert_allclose(ours.numpy(), (cpu.gain, cpu.offset), rtol=0.01, atol=0.6)
    if (gain, offset) == (1.0, 0.0):
        assert ours.tolist() == [1.0, 0.0]


def test_relit_frames_are_the_cpus(scene):
    seen = Exposure(0.6, 20.0)
    planes = torch.from_numpy(scene.frame.transpose(2, 0, 1).astype(np.float32))
    ours = light_of.relit(planes, torch.tensor((0.6, 20.0)), torch.tensor((0.8, 10.0)))
    theirs = seen.relit(scene.frame, Exposure(0.8, 10.0)).astype(np.float32)
    assert np.abs(ours.numpy().transpose(1, 2, 0) - theirs).max() <= 1
    dark = light_of.relit(planes, torch.tensor((0.01, 0.0)), torch.tensor((1.0, 0.0)))
    assert torch.equal(dark, planes)


def test_learned_gain_is_the_cpus():
    rng = np.random.default_rng(5)
    plain, correction = (rng.normal(100, 20, (20, 30, 3)).astype(np.float32) for _ in range(2))
    truth = plain + 0.6 * (correction - 100)
    worth = rng.uniform(0, 1, (20, 30)).astype(np.float32)
    arrays = plain, plain + correction - 100, truth, worth
    ours = light_of.learned_gain(*(torch.from_numpy(a) for a in arrays))
    assert float(ours) == pytest.approx(shading.learned_gain(*arrays), abs=1e-3)
    assert float(ours) == pytest.approx(0.6, abs=0.01)


def test_slopes_follow_a_ramp():
    luma = np.tile(np.linspace(0, 200, 40, dtype=np.float32), (20, 1))
    style = np.repeat((luma * 1.5 * 257 / 1.5).astype(np.uint16)[..., None], 3, 2)
    ours = light_of.slopes(torch.from_numpy(luma), torch.from_numpy(style.astype(np.float32)))
    np.testing.assert_allclose(ours.numpy(), shading.slopes(luma, style), rtol=1e-3, atol=0.5)
