"""What keys show, hand over and keep of their detail on tensors, against the CPU's: torch operations, and Triton's."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import brighter, styled, texture

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.cpu.descriptors import describe  # noqa: E402
from restrip.propagate.cpu.exemplar import Exemplar  # noqa: E402
from restrip.propagate.cpu.strokes import crisp as cpu_crisp  # noqa: E402
from restrip.propagate.cpu.strokes.handover import HandOver  # noqa: E402
from restrip.propagate.cpu.strokes.paint import Laid, Paint  # noqa: E402
from restrip.propagate.energy.style import CODE  # noqa: E402
from restrip.propagate.gpu.exemplar import KeyTensors  # noqa: E402
from restrip.propagate.gpu.motion import shown  # noqa: E402
from restrip.propagate.gpu.planes import unsigned  # noqa: E402
from restrip.propagate.gpu.shares import shares_of  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.strokes.crisp import carried, crisp  # noqa: E402
from restrip.propagate.gpu.strokes.handover import HandOverTensors  # noqa: E402
from restrip.propagate.gpu.strokes.paint import LaidTensors, PaintTensors  # noqa: E402
from restrip.propagate.gpu.transfers import upload  # noqa: E402

CPU = torch.device("cpu")
SIZE = (60, 44)


def laid(seed: int) -> Laid:
    rng = np.random.default_rng(seed)
    h, w = SIZE[1], SIZE[0]
    field = np.dstack([rng.integers(0, w, (h, w)), rng.integers(0, h, (h, w))]).astype(np.int16)
    picture = texture(SIZE, seed, 1.0).astype(np.float32) * np.float32(CODE)
    worth, energy = (rng.uniform(low, high, (h, w)).astype(np.float32) for low, high in ((0.01, 1), (0, 900)))
    return Laid(picture, worth, energy, field)


def tensors(of: Laid) -> LaidTensors:
    picture = torch.from_numpy(np.ascontiguousarray(of.picture.transpose(2, 0, 1)))
    return LaidTensors(picture, *(torch.from_numpy(part) for part in (of.worth, of.energy, of.field)))


def test_paint_is_laid_as_on_the_cpu():
    stages = torch_stages(CPU)  # its kernels have tests of their own; interpreted, all together are slow
    source = texture(SIZE, 3)
    frame, rng = brighter(source, 0.7, 12), np.random.default_rng(2)
    key = styled([source], 0, texture(SIZE, 8, 1.0))
    field = np.dstack(np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))).astype(np.int16)
    field[10:30, 20:40] = np.clip(field[10:30, 20:40] + rng.integers(-3, 4, (20, 20, 2)), 0, 43)
    packed = KeyTensors.of(key, torch.from_numpy(describe(source)), shown(upload(source, CPU)))
    theirs = Paint.of(Exemplar.of(key.source, key.picture), 0.6)
    ours = PaintTensors.of(packed, 0.6, stages)
    np.testing.assert_allclose(ours.detail.numpy(), theirs.detail, rtol=1e-3, atol=0.05)
    one = ours.laid(shown(upload(frame, CPU)), torch.from_numpy(field), stages)
    other = theirs.laid(frame, field)
    assert np.abs(one.picture.numpy().transpose(1, 2, 0) - other.picture).mean() < 0.5 * CODE
    assert np.abs(one.worth.numpy() - other.worth).mean() < 0.02
    np.testing.assert_allclose(one.energy.numpy(), other.energy, rtol=1e-3, atol=0.05)
    assert other.worth.std() > 0.02


@pytest.mark.parametrize(("across", "pixel"), [(0.0, 1.0), (0.4, 1.0), (1.0, 1.0), (0.4, 1 / 3)])
def test_places_are_handed_over_as_on_the_cpu(stages, across, pixel):
    pair = laid(1), laid(2)
    theirs = HandOver.of(*(one.picture / np.float32(CODE) for one in pair), pixel=pixel)
    ours = HandOverTensors.of(*(tensors(one).picture for one in pair), pixel=pixel)
    assert (ours.times.numpy() != theirs.times).mean() < 0.02
    ours = HandOverTensors(lambda: torch.from_numpy(theirs.times), pixel)
    begun = shares_of([[]], [across], CPU)[0].begun
    turn = ours.at(begun, *(tensors(one) for one in pair), stages).numpy()
    np.testing.assert_allclose(turn, theirs.at(across, *pair), atol=1e-3)


def test_detail_is_kept_as_on_the_cpu(stages):
    pair, turn = (laid(1), laid(2)), np.random.default_rng(3).uniform(0, 1, SIZE[::-1]).astype(np.float32)
    theirs = cpu_crisp.crisp(*pair, turn)
    ours = crisp(*(tensors(one) for one in pair), torch.from_numpy(turn), stages)
    np.testing.assert_allclose(ours.numpy().transpose(1, 2, 0), theirs, atol=0.02 * CODE)
    parts = np.random.default_rng(4).uniform(0, 1, SIZE[::-1]).astype(np.float32)
    moved = carried(torch.from_numpy(parts), torch.from_numpy(pair[0].field), stages).numpy()
    np.testing.assert_allclose(moved, cpu_crisp.carried(parts, pair[0].field), atol=1e-4)
    plain = pair[0].picture + turn[..., None] * (pair[1].picture - pair[0].picture)
    assert np.abs(theirs - plain).mean() > CODE
    for deep in (False, True):
        expected = cpu_crisp.coded(theirs, deep)
        picture = stages.coded([torch.from_numpy(np.ascontiguousarray(theirs.transpose(2, 0, 1)))] * 2, deep)
        assert picture.shape == (2, *expected.shape)
        made = unsigned(picture[1]) if deep else picture[1]
        np.testing.assert_array_equal(made.numpy(), expected)
