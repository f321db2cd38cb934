"""A frame laid out of a key's pieces on tensors, against the CPU's kernels: torch operations, and Triton's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scenes import shifted, sliding, styled, texture

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.cpu import motion as cpu_motion  # noqa: E402
from restrip.propagate.cpu.descriptors import describe  # noqa: E402
from restrip.propagate.cpu.exemplar import EDGE, Exemplar  # noqa: E402
from restrip.propagate.cpu.kernels import pieces as kernels  # noqa: E402
from restrip.propagate.cpu.kernels.lay import lay  # noqa: E402
from restrip.propagate.cpu.strokes import paint as cpu_paint  # noqa: E402
from restrip.propagate.cpu.strokes import pieces as cpu_pieces  # noqa: E402
from restrip.propagate.energy.blocks import ROUNDS  # noqa: E402
from restrip.propagate.energy.paint import FAR, NEAR  # noqa: E402
from restrip.propagate.energy.pieces import SWEEPS  # noqa: E402
from restrip.propagate.gpu.exemplar import KeyTensors  # noqa: E402
from restrip.propagate.gpu.motion import shown  # noqa: E402
from restrip.propagate.gpu.planes import unsigned  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.strokes.blocks import Checkerboard  # noqa: E402
from restrip.propagate.gpu.strokes.pieces import Pieces  # noqa: E402
from restrip.propagate.gpu.strokes.places import own_places  # noqa: E402
from restrip.propagate.gpu.strokes.sewing import Cloth, Stitch, packed_style  # noqa: E402
from restrip.propagate.gpu.transfers import upload  # noqa: E402

CPU = torch.device("cpu")
SIZE = (53, 38)
SOME = SWEEPS[::2]  # interpreted, each is seconds


@dataclass
class Scene:
    """A frame, a key that shows it moved, motion with some of it wrong, and how far that is trusted."""

    described: np.ndarray
    key: Exemplar
    tensors: KeyTensors
    flow: np.ndarray
    sure: np.ndarray
    before: np.ndarray

    @property
    def cloth(self) -> Cloth:
        style = packed_style(unsigned(self.tensors.packed[..., :3]))
        arrays = (self.flow, self.sure, self.before)
        return Cloth(
            torch.from_numpy(self.described), self.tensors.described, style, *(torch.from_numpy(a) for a in arrays)
        )


@pytest.fixture(scope="module")
def scene() -> Scene:
    wide, rng = texture((90, 80), 3), np.random.default_rng(1)
    frame, source = shifted(wide, SIZE, 10, 10), shifted(wide, SIZE, 12.5, 9)
    flow = np.empty((SIZE[1], SIZE[0], 2), np.float32)
    flow[:] = (-2.5, 1)
    flow[8:20, 8:30] += rng.normal(0, 6, (12, 22, 2)).astype(np.float32)
    key = styled([source], 0, texture(SIZE, 8, 1.0))
    tensors = KeyTensors.of(key, torch.from_numpy(describe(source)), shown(upload(source, CPU)))
    sure = rng.uniform(0, 1, flow.shape[:2]).astype(np.float32)
    before = cpu_paint.field_of(flow + rng.integers(-2, 3, flow.shape).astype(np.float32))
    return Scene(describe(frame), Exemplar.of(key.source, key.picture), tensors, flow, sure, before)


def sewn_on_cpu(scene: Scene) -> np.ndarray:
    misfit, both = (
        np.empty(scene.sure.shape, np.float32),
        (scene.described.reshape(-1), scene.key.described.reshape(-1)),
    )
    kernels.misled(*both, scene.flow, misfit)
    cloth = cpu_pieces.Cloth(*both, cpu_pieces.packed_style(scene.key), scene.flow, scene.sure, misfit)
    return cpu_pieces.sewn(cloth, scene.before, SOME)


def sewn(scene: Scene, sew, **how) -> torch.Tensor:
    cloth = scene.cloth
    field = cloth.before.clone()
    for n, (far, radius, seen, surest) in enumerate(SOME):
        for parity in (0, 1):
            sew(cloth, field, Stitch(parity, far, radius, seen, surest, 2 * n + parity + 1), **how)
    return field


def test_fields_are_the_cpus_bit_for_bit(stages, scene):
    theirs = sewn_on_cpu(scene)
    np.testing.assert_array_equal(sewn(scene, stages.sew).numpy(), theirs)
    assert (theirs != scene.before).any(2).mean() > 0.2


@pytest.fixture(scope="module")
def shards(scene: Scene) -> Scene:
    """The same in shards, and no motion is trusted in a corner (interpreted, a block is a second)."""
    rng, (h, w) = np.random.default_rng(2), scene.sure.shape
    before = scene.before + rng.integers(-7, 8, scene.before.shape).astype(np.int16)
    sure = scene.sure * np.float32(0.6)
    sure[:, 29:], sure[26:] = 1, 1
    return replace(scene, before=np.clip(before, 0, (w - 1, h - 1)).astype(np.int16), sure=sure)


def laid_on_cpu(scene: Scene) -> np.ndarray:
    both = scene.described.reshape(-1), scene.key.described.reshape(-1)
    style, sure = cpu_pieces.packed_style(scene.key), scene.sure
    return cpu_pieces.laid_in_blocks(
        cpu_pieces.Cloth(*both, style, scene.flow, sure, np.empty_like(sure)), scene.before
    )


def laid(scene: Scene, lay_blocks, **how) -> torch.Tensor:
    field = scene.cloth.before.clone()
    for n, (shift, seed) in enumerate(ROUNDS):
        lay_blocks(scene.cloth, field, Checkerboard(n % 2, shift, seed), **how)
    return field


def test_blocks_are_the_cpus_bit_for_bit(stages, shards):
    theirs = laid_on_cpu(shards)
    np.testing.assert_array_equal(laid(shards, stages.lay_blocks).numpy(), theirs)
    assert 0.05 < (theirs != shards.before).any(2).mean() < 0.8


def test_what_is_judged_moved_and_laid_is_the_cpus(stages, scene):
    field, described = torch.from_numpy(scene.before), torch.from_numpy(scene.described)
    np.testing.assert_array_equal(stages.places(torch.from_numpy(scene.flow)).numpy(), cpu_paint.field_of(scene.flow))
    leads, (y, x) = stages.flow_of(field).numpy(), np.mgrid[: field.shape[0], : field.shape[1]]
    np.testing.assert_array_equal(leads, scene.before - np.stack([x, y], 2))
    luma = scene.described[..., 0].astype(np.float32)
    taken = stages.taken_at(torch.from_numpy(luma), field).numpy()
    np.testing.assert_array_equal(taken, luma[scene.before[..., 1], scene.before[..., 0]])
    misfit, seams = stages.judge(described, scene.tensors.described, field).numpy()
    theirs = cpu_paint.judged(scene.described.reshape(-1), scene.key, scene.before)
    np.testing.assert_allclose(misfit, theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(seams, theirs[1])
    moved = np.empty_like(scene.before)
    kernels.moved(scene.before, scene.flow, moved)
    np.testing.assert_array_equal(stages.moved(field, torch.from_numpy(scene.flow)).numpy(), moved)
    laid = np.empty((*scene.before.shape[:2], 3), np.float32)
    lay(scene.key.packed, scene.before, EDGE, np.float32(NEAR), np.float32(FAR), laid)
    picture = stages.lay(scene.tensors.packed, field, (NEAR, FAR)).numpy()
    np.testing.assert_allclose(picture.transpose(1, 2, 0), laid, rtol=1e-5)


def test_bands_change_nothing(scene, shards):
    whole, field = torch_stages(CPU), torch.from_numpy(scene.before)
    described = torch.from_numpy(scene.described), scene.tensors.described
    assert torch.equal(laid(shards, whole.lay_blocks), laid(shards, whole.lay_blocks, rows=1))
    assert torch.equal(sewn(scene, whole.sew), sewn(scene, whole.sew, rows=5))
    assert torch.equal(whole.judge(*described, field), whole.judge(*described, field, rows=7))
    packed = scene.tensors.packed, field, (NEAR, FAR)
    assert torch.equal(whole.lay(*packed), whole.lay(*packed, rows=7))


class Walked:
    """The CPU's motion to a key, as tensors."""

    def __init__(self, motion: cpu_motion.KeyMotion) -> None:
        self.motion = motion

    @property
    def flow(self) -> torch.Tensor:
        return torch.from_numpy(self.motion.flow)

    @property
    def step(self) -> torch.Tensor:
        return torch.from_numpy(self.motion.step)


def test_along_the_same_motion_pieces_are_the_cpus():
    frames = sliding(5, (96, 72), (1.7, -0.6))
    frames = [np.where(np.arange(96)[:, None] < 40, frames[0], frame) for frame in frames]  # a part stands still
    key = styled(frames, 0, texture((96, 72), 8, 1.0))
    ours, motion = Exemplar.of(key.source, key.picture), cpu_motion.KeyMotion(frames[0])
    tensors = KeyTensors.of(key, torch.from_numpy(describe(frames[0])), shown(upload(frames[0], CPU)))
    theirs, on_device = cpu_pieces.Pieces(ours, motion), Pieces(tensors, torch_stages(CPU), Walked(motion))
    for frame in frames[1:]:
        motion.next(frame)
        fields = theirs.next(frame), on_device.next(shown(upload(frame, CPU))).numpy()
        assert (fields[0] != fields[1]).any(2).mean() < 0.02
    before, field = torch.from_numpy(fields[0]), on_device.next(shown(upload(frames[0], CPU)))
    assert (before != own_places(before[..., 0])).any()
    on_device.resume(before, shown(upload(frames[-1], CPU)))
    assert field.shape == on_device.next(shown(upload(frames[0], CPU))).shape
    on_device.restart()
    motion.restart()
    motion.next(frames[1])
    theirs.restart()
    assert (theirs.next(frames[1]) != on_device.next(shown(upload(frames[1], CPU))).numpy()).any(2).mean() < 0.02
