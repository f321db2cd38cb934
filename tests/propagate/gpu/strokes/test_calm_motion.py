"""Calm motion and its filters on tensors, against the CPU's: torch operations, and Triton's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import occluder, texture

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.cpu import motion as cpu_motion  # noqa: E402
from restrip.propagate.cpu.strokes import calm_motion as on_cpu  # noqa: E402
from restrip.propagate.gpu.filters import filtered, gaussian, mean, sobel  # noqa: E402
from restrip.propagate.gpu.motion import KeyMotion, shown  # noqa: E402
from restrip.propagate.gpu.planes import shrunk  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402
from restrip.propagate.gpu.strokes.calm_motion import CalmMotion, still, textured, trusted  # noqa: E402

STAGES = torch_stages(torch.device("cpu"))


def plane(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return texture(size, seed)[..., 0].astype(np.float32)


@pytest.mark.parametrize(("sigma", "mirrored"), [(0.8, True), (2.0, True), (4.0, False)])
def test_gaussians_are_opencvs(stages, sigma, mirrored):
    planes = np.stack([plane((45, 37), n) for n in range(2)])
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_REPLICATE
    theirs = [cv2.GaussianBlur(p, (0, 0), sigma, borderType=border) for p in planes]
    ours = stages.filtered(torch.from_numpy(planes), gaussian(sigma), mirrored=mirrored).numpy()
    np.testing.assert_allclose(ours, np.stack(theirs), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("size", [(45, 37), (7, 5)])
def test_means_and_gradients_are_opencvs(stages, size):
    """And how steep both of two planes are together."""
    picture = plane(size)
    theirs = cv2.blur(picture, (21, 21), borderType=cv2.BORDER_REPLICATE)
    ours = stages.filtered(torch.from_numpy(picture)[None], mean(21))[0].numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for axis, gradient in enumerate(sobel(torch.from_numpy(picture)[None])):
        expected = cv2.Sobel(picture, -1, 1 - axis, axis, scale=1 / 8)
        np.testing.assert_allclose(gradient[0].numpy(), expected, atol=1e-3)
    both = torch.from_numpy(np.stack([picture, plane(size, 5)]))
    steep = sum((part.square().sum(0) for part in sobel(both)), torch.zeros(size[::-1]))
    np.testing.assert_allclose(stages.steepness(both)[0].numpy(), steep.numpy(), rtol=1e-5)


@pytest.mark.parametrize("size", [(44, 36), (45, 37)])
def test_smaller_pictures_are_opencvs(size):
    picture, small = plane(size), (size[0] // 4, size[1] // 4)
    ours = shrunk(torch.from_numpy(picture)[None], small)[0].numpy()
    np.testing.assert_allclose(ours, cv2.resize(picture, small, interpolation=cv2.INTER_AREA), rtol=1e-3)


def scene() -> tuple[list[np.ndarray], np.ndarray]:
    """Two frames in which a square moves, and a flow between them with grain."""
    frames, _ = occluder(2, (60, 48), (2, 1))
    flow = np.random.default_rng(4).normal(0, 0.5, (48, 60, 2)).astype(np.float32)
    flow[12:36, 16:40] -= (2, 1)
    return frames, np.round(flow * 32) / 32  # OpenCV's precision


def test_what_stands_still_says_much_and_is_trusted_are_the_cpus(stages):
    frames, flow = scene()
    grays = [cpu_motion.gray_of(frame) for frame in frames]
    tensors = [shown(torch.from_numpy(frame)).gray for frame in frames]
    theirs = on_cpu.still(grays[1], grays[0], flow)
    ours = still(tensors[1], tensors[0], torch.from_numpy(flow), stages).numpy()
    assert np.abs(ours - theirs).mean() < 0.01
    assert 0.1 < theirs.mean() < 0.9
    theirs = on_cpu.textured(grays[1])
    np.testing.assert_allclose(textured(tensors[1], stages).numpy(), theirs, atol=1e-3)
    misfit = (plane((60, 48), 9) - 100).clip(0) * 20
    theirs = on_cpu.trusted(flow, misfit)
    ours = trusted(torch.from_numpy(flow), torch.from_numpy(misfit), stages).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert 0.05 < theirs.mean() < 0.95


class Walked:
    """The CPU's motion to a key, as tensors."""

    flow = step = None

    def __init__(self, motion: cpu_motion.KeyMotion) -> None:
        self._motion = motion

    def go(self, frame: np.ndarray) -> None:
        self._motion.next(frame)
        self.flow, self.step = torch.from_numpy(self._motion.flow), torch.from_numpy(self._motion.step)


def test_along_the_same_motion_it_is_the_cpus():
    frames, _ = occluder(5, (96, 72), (2, 1))
    walk = cpu_motion.KeyMotion(frames[0])
    walked, theirs = Walked(walk), on_cpu.CalmMotion(frames[0], walk)
    ours = CalmMotion(shown(torch.from_numpy(frames[0])), STAGES, walked)
    for frame in frames[1:]:
        walked.go(frame)
        apart = np.abs(ours.next(shown(torch.from_numpy(frame))).numpy() - theirs.next(frame))
        assert apart.mean() < 0.02 and np.quantile(apart, 0.99) < 0.2


def test_it_walks_by_itself_and_takes_up_again():
    frames = [shown(torch.from_numpy(frame)) for frame in occluder(4, (64, 48), (1, 1))[0]]
    alone, walk = CalmMotion(frames[0], STAGES), KeyMotion(frames[0], STAGES)
    led = CalmMotion(frames[0], STAGES, walk)
    flows = []
    for frame in frames[1:]:
        walk.next(frame)
        flows.append(alone.next(frame))
        assert torch.equal(flows[-1], led.next(frame))
    alone.restart()
    assert torch.equal(alone.next(frames[1]), flows[0])
    alone.resume(flows[1], frames[2])
    assert (alone.next(frames[3]) - flows[2]).abs().mean() < 0.2
    assert filtered(flows[0].permute(2, 0, 1), mean(3)).isfinite().all()
