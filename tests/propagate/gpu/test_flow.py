"""The motion search on tensors: exact translations, and OpenCV's on real footage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import psnr, shifted, sliding, texture

from restrip.propagate.cpu import motion, refine, sampling

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from restrip.propagate.gpu import motion as on_device  # noqa: E402
from restrip.propagate.gpu.flow import dense  # noqa: E402
from restrip.propagate.gpu.flow_stack import FlowStack  # noqa: E402
from restrip.propagate.gpu.motion import KeyMotion, Shown, StepMotion  # noqa: E402
from restrip.propagate.gpu.planes import blocks_of, box, gray_of, pull  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages  # noqa: E402

SIZE = (128, 80)
STAGES = torch_stages(torch.device("cpu"))


def luma(picture: np.ndarray) -> torch.Tensor:
    return gray_of(torch.from_numpy(picture))


def shown(picture: np.ndarray) -> Shown:
    return on_device.shown(torch.from_numpy(picture))


def footage(path, count: int, every: int, width: int) -> list[np.ndarray]:
    film, pictures = cv2.VideoCapture(str(path)), []
    for n in range(count * every):
        _, picture = film.read()
        if n % every == 0:
            size = (width, round(picture.shape[0] * width / picture.shape[1]))
            pictures.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., ::-1].copy())
    return pictures


def test_gray_is_opencvs():
    picture = texture(SIZE, 4)
    np.testing.assert_array_equal(luma(picture).numpy(), motion.gray_of(picture))


@pytest.mark.parametrize("shape", [(7, 40), (33, 18)])
def test_box_is_opencvs(shape):
    plane = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    for window in (5, 13):
        ours = box(torch.from_numpy(plane)[None, None], window)[0, 0].numpy()
        np.testing.assert_allclose(ours, cv2.blur(plane, (window, window)), rtol=1e-4)


def test_pull_is_opencvs():
    rng = np.random.default_rng(2)
    picture, flow = texture(SIZE, 1), rng.uniform(-9, 9, (SIZE[1], SIZE[0], 2)).astype(np.float32)
    flow = np.round(flow * 32) / 32  # OpenCV's precision
    planes = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))
    ours = pull(planes[None], torch.from_numpy(flow)[None])[0].numpy().transpose(1, 2, 0)
    assert np.abs(ours - sampling.pull(picture, flow)).max() <= 1


def test_block_means_are_opencvs():
    plane = np.random.default_rng(3).uniform(0, 255, (45, 77)).astype(np.float32)
    ours = blocks_of(torch.from_numpy(plane)[None], (32, 18))[0].numpy()
    np.testing.assert_allclose(ours, cv2.resize(plane, (32, 18), interpolation=cv2.INTER_AREA), rtol=1e-3)


@pytest.mark.parametrize("move", [(0, 0), (2.5, 1), (7, -4), (15.25, 9)])
def test_translations_are_found(move):
    wide = texture((260, 200), 7)
    a, b = (shifted(wide, SIZE, 40 + x, 40 + y) for x, y in ((0, 0), move))
    flows = dense(luma(a), torch.stack([luma(b), luma(a)]))
    assert flows.shape == (2, SIZE[1], SIZE[0], 2)
    inside = flows[0, 18:-18, 24:-24].numpy() + np.float32(move)
    assert np.abs(inside).mean() < 0.1
    assert np.abs(inside).max() < 0.5
    assert flows[1].abs().max() < 1e-3  # each target has its own motion


@pytest.mark.parametrize("size", [(17, 16), (31, 64), (97, 61)])
def test_any_size_is_searched(size):
    frames = sliding(2, size, (1, 0.5), 3)
    flow = on_device.flows_to(shown(frames[1]), [shown(frames[0])])[0]
    assert flow.shape == (size[1], size[0], 2)
    assert flow.isfinite().all()
    before, after = (
        np.abs(frames[1].astype(float) - p).mean() for p in (frames[0], sampling.pull(frames[0], flow.numpy()))
    )
    assert after < 0.5 * before


def test_tiny_pictures_do_not_move():
    frames = [shown(p) for p in sliding(2, (9, 12), (1, 0))]
    assert not on_device.flows_to(frames[1], [frames[0]])[0].any()


def test_light_that_changed_as_a_whole_is_no_motion():
    frames = sliding(2, SIZE, (3, 1), 5)
    dimmed = (frames[1] * 0.6 + 10).astype(np.uint8)
    flow = on_device.flows_to(shown(dimmed), [shown(frames[0])])[0].numpy()[12:-12, 12:-12]
    assert np.abs(flow - (3, 1)).mean() < 0.3


def test_refined_motion_is_the_cpus():
    wide = texture((200, 160), 6)
    a, b = shifted(wide, SIZE, 20, 20), shifted(wide, SIZE, 21.3, 20.4)
    rough = np.full((SIZE[1], SIZE[0], 2), (-0.9, -0.6), np.float32)
    theirs = refine.refined(motion.gray_of(a), motion.gray_of(b), rough)
    ours = on_device.refined(luma(a), luma(b), torch.from_numpy(rough)).numpy()
    assert np.abs(ours - theirs).max() < 0.002


def test_the_better_flow_is_taken_as_on_the_cpu():
    frames = sliding(2, SIZE, (4, 0), 8)
    right = np.full((SIZE[1], SIZE[0], 2), (4, 0), np.float32)
    wrong = right.copy()
    wrong[:, 60:] = (3, 2)
    frame, key = (motion.pixels_of(f) for f in (frames[1], frames[0]))
    first, second = (motion.Lead.of(flow, frame, key) for flow in (wrong, right))
    theirs = first.or_better(second).flow
    planes = [shown(f).colour for f in (frames[1], frames[0])]
    ours, other = (on_device.Lead.of(torch.from_numpy(flow), *planes) for flow in (wrong, right))
    ours = ours.or_better(other).flow.numpy()
    assert (ours != theirs).any(2).mean() < 0.02
    np.testing.assert_array_equal(ours[:, 70:-8], right[:, 70:-8])


@pytest.mark.parametrize(("clip", "width", "every"), [("bikes", 320, 1), ("bikes", 320, 4), ("carphone", 176, 3)])
def test_footage_is_rebuilt_as_well_as_with_opencv(clip, width, every, request):
    frames = footage(request.getfixturevalue(clip), 4, every, width)
    theirs, ours = motion.KeyMotion(frames[0]), KeyMotion(shown(frames[0]), STAGES)
    for n in (1, 2, 3):
        flows = ours.next(shown(frames[n])).numpy(), theirs.next(frames[n])
        scores = [psnr(sampling.pull(frames[0], flow), frames[n]) for flow in flows]
        assert scores[0] > scores[1] - 1.5, (n, scores)


def test_motion_to_a_key_is_walked_and_taken_up_again():
    frames = [shown(p) for p in sliding(5, SIZE, (2.5, -1), 2)]
    walk = KeyMotion(frames[0], STAGES)
    flows = [walk.next(frame) for frame in frames[1:]]
    for n, flow in enumerate(flows, 1):
        assert np.abs(flow.numpy()[14:-14, 14:-14] - (2.5 * n, -n)).mean() < 0.08
    again = KeyMotion(frames[0], STAGES)
    again.resume(flows[1], frames[2])
    assert torch.equal(again.next(frames[3]), flows[2])
    again.restart()
    assert torch.equal(again.next(frames[1]), flows[0])


def test_steps_lead_to_the_frame_before():
    frames = [shown(p) for p in sliding(2, SIZE, (2, 1), 9)]
    steps = StepMotion(STAGES)
    assert steps.next(frames[0]) is None
    assert np.abs(steps.next(frames[1]).numpy()[10:-10, 10:-10] - (2, 1)).mean() < 0.08


def test_a_stack_gives_motion_back_in_reverse():
    rng = np.random.default_rng(4)
    flows = [torch.from_numpy(cv2.GaussianBlur(rng.normal(0, 60, (37, 51, 2)).astype(np.float32), (0, 0), 8))]
    flows.append(flows[0] * 2)
    stack = FlowStack()
    for flow in flows:
        stack.push(flow)
    assert len(stack) == 2
    assert torch.equal(stack.peek(), stack.peek())
    for flow in reversed(flows):
        popped = stack.pop()
        assert popped.shape == flow.shape
        assert (popped - flow)[2:-2, 2:-2].abs().max() < 0.25
    assert len(stack) == 0
