"""Whole segments on tensors of the CPU: as good as the CPU's path, in the memory that is counted on."""

from __future__ import annotations

import importlib.util
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scenes import Pictures, negative, psnr, sliding, strangers, styled

from restrip.errors import Cancelled
from restrip.media import ColourTags
from restrip.media.colour import to_yuv
from restrip.media.frame import Frame
from restrip.media.movies.decoded_frame import DecodedFrame, YuvPlanes
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import FrameRange

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from restrip.propagate.device_choice import GpuMemoryTaken, PropagationOutOfGpuMemory  # noqa: E402
from restrip.propagate.energy.effort import QUICK, WHOLE  # noqa: E402
from restrip.propagate.gpu import segment_walk, side  # noqa: E402
from restrip.propagate.gpu.segment_walk import SegmentWalk  # noqa: E402
from restrip.propagate.gpu.stages import torch_stages, triton_stages  # noqa: E402
from restrip.propagate.gpu_memory import BYTES_A_PIXEL, STROKES_BYTES_A_PIXEL  # noqa: E402

CPU = torch.device("cpu")


def on_tensors(frames, keys, report=silent, kept=0, **settings):
    """All frames between two keys of a list of pictures, by torch operations."""
    left, right = keys
    first, end = 0 if left is None else left.frame, len(frames) if right is None else right.frame
    window = frames if isinstance(frames, Pictures) else Pictures(frames, FrameRange(first, end))
    walk = SegmentWalk(window, keys, PropagateSettings(**settings), report, torch_stages(CPU), kept)
    return list(walk.frames())


def poster(picture: np.ndarray) -> np.ndarray:
    """A look that is a fixed function of a pixel's surroundings."""
    soft = cv2.bilateralFilter(picture, 5, 40, 3).astype(np.float32)
    return np.clip(soft + 30 * np.sin(soft / 20), 0, 255).astype(np.uint8)[..., ::-1].copy()


def test_footage_is_carried_as_well_as_on_the_cpu(carphone):
    film, frames = cv2.VideoCapture(str(carphone)), []
    for _ in range(5):
        frames.append(film.read()[1][16:, 16:160, ::-1].copy())
    truth = [poster(f) for f in frames]
    keys = styled(frames, 0, truth[0]), styled(frames, 4, truth[4])
    ours = on_tensors(frames, keys, baked=True)
    theirs = list(
        propagate(Pictures(frames, FrameRange(0, 4)), keys, PropagateSettings(baked=True, device="cpu"), silent)
    )
    for name in ("left", "right", "baked"):
        scores = [
            np.mean([psnr(getattr(o, name).rgb, truth[n]) for n, o in enumerate(out) if n]) for out in (ours, theirs)
        ]
        assert scores[0] > scores[1] - 0.3, (name, scores)
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one.baked.rgb.astype(int) - other.baked.rgb).mean() < 2.5


def test_static_shot_returns_the_key():
    frames = [sliding(1, (49, 41), (0, 0))[0]] * 3
    picture = negative(frames[0])
    for one in on_tensors(frames, (styled(frames, 0, picture), styled(frames, 2, picture)), baked=True):
        for frame in (one.left, one.right, one.baked):
            assert np.abs(frame.rgb.astype(int) - picture).max() <= 1


def test_a_draft_searches_less_and_looks_alike(monkeypatch):
    sweeps = []

    class Counting(side.Matcher):
        def match(self, described, flow, before):
            sweeps.append(len(self._effort.matches))
            return super().match(described, flow, before)

    monkeypatch.setattr(side, "Matcher", Counting)
    frames = sliding(4, (81, 65), (2, 1))
    truth = [negative(f) for f in frames]
    keys = styled(frames, 0, truth[0]), styled(frames, 3, truth[3])
    whole, quick = (on_tensors(frames, keys, quick=quick) for quick in (False, True))
    scores = [np.mean([psnr(one.left.rgb, truth[n]) for n, one in enumerate(out) if n]) for out in (whole, quick)]
    assert scores[1] > min(scores[0], 40) - 2
    assert sorted(set(sweeps)) == [len(QUICK.matches), len(WHOLE.matches)]


@pytest.mark.parametrize("side", [0, 1])
def test_one_key_gives_one_rendition(side):
    frames = sliding(3, (65, 49), (2, 0))
    truth = [negative(f) for f in frames]
    key = styled(frames, 0, truth[0]) if side == 0 else styled(frames, 2, truth[2])
    out = on_tensors(frames, (key, None) if side == 0 else (None, key), baked=True)
    assert len(out) == (3 if side == 0 else 2)
    for n, one in enumerate(out):
        mine, other = (one.left, one.right) if side == 0 else (one.right, one.left)
        assert other is None
        assert psnr(mine.rgb, truth[n]) > 30
        np.testing.assert_array_equal(mine.rgb, one.baked.rgb)


def test_deep_pictures_stay_deep_alpha_is_the_sources_and_progress_counts():
    frames = [f.astype(np.uint16) * 257 for f in sliding(3, (49, 41), (1, 0))]
    alpha, seen = np.full((41, 49), 1234, np.uint16), []

    class Deep(Pictures):
        def frame(self, n):
            return Frame(super().frame(n).rgb, alpha)

    left, right = (StyledKey(n, Frame(frames[n]), Frame(negative(frames[n]))) for n in (0, 2))
    window = Deep(frames, FrameRange(0, 2))
    out = on_tensors(window, (left, right), lambda done, total, note="": seen.append((done, total)))
    for n, one in enumerate(out):
        assert one.left.deep and one.right.deep
        np.testing.assert_array_equal(one.left.alpha, alpha)
        assert psnr(one.left.rgb8(), negative(frames[n]) / 257) > 30
    assert len(np.unique(out[1].left.rgb % 257)) > 20  # finer than eight bit
    assert seen == [(n, 4) for n in range(1, 5)]


def test_cancelling_stops_and_leaves_torch_as_it_was():
    frames = sliding(4, (49, 41), (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 3, negative(frames[3]))

    def cancel(done, total, note=""):
        if done == 5:
            raise Cancelled

    made = SegmentWalk(
        Pictures(frames, FrameRange(0, 3)), keys, PropagateSettings(), cancel, torch_stages(CPU)
    ).frames()
    seen = []
    with pytest.raises(Cancelled):
        for one in made:
            seen.append((one, torch.is_inference_mode_enabled()))
    assert [inference for _, inference in seen] == [False, False]
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("strokes", ["smooth", "crisp"])
def test_frames_that_stay_on_the_device_are_uploaded_once_and_change_nothing(monkeypatch, strokes):
    """Walks are in blocks of two frames, so that frames are walked over again and again."""
    uploads = []

    class Counting(segment_walk.Uploads):
        def upload(self, picture):
            uploads.append(picture)
            return super().upload(picture)

    monkeypatch.setattr(segment_walk, "Uploads", Counting)
    for name in ("block_frames", "field_block_frames"):
        monkeypatch.setattr(segment_walk, name, lambda size: 2)
    frames = sliding(6, (49, 41), (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 5, negative(frames[5]))
    made, counts = [], []
    for kept in (0, 2, 100):
        made.append(on_tensors(frames, keys, kept=kept, strokes=strokes))
        counts.append(len(uploads))
        uploads.clear()
    assert counts[2] == 7 < counts[1] < counts[0]  # five frames and both keys' own
    for one, *others in zip(*made, strict=True):
        for other in others:
            np.testing.assert_array_equal(one.left.rgb, other.left.rgb)
            np.testing.assert_array_equal(one.right.rgb, other.right.rgb)


def test_the_forward_walk_reads_a_frame_once_and_one_that_stayed_on_the_device_not_at_all():
    """Read twice, it would wait for the frame after it, which is read ahead, and throw that away."""
    frames = sliding(5, (49, 41), (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 4, negative(frames[4]))
    alpha = np.full((41, 49), 100, np.uint8)

    class Counted(Pictures):
        alpha = None

        def frame(self, n):
            read.append(n)
            return Frame(frames[n], self.alpha)

    read, window = [], Counted(frames, FrameRange(0, 4))
    plain = on_tensors(window, keys)
    assert read == [3, 2, 1, 0, 0, 1, 2, 3]
    read.clear()
    for one, other in zip(plain, on_tensors(window, keys, kept=100), strict=True):
        np.testing.assert_array_equal(one.left.rgb, other.left.rgb)
    assert read == [3, 2, 1, 0]
    Counted.alpha = alpha
    for one in on_tensors(window, keys, kept=100):
        np.testing.assert_array_equal(one.left.alpha, alpha)


def test_frames_that_go_up_as_their_decoders_planes_change_nothing():
    frames, tags = sliding(4, (64, 40), (1, 0)), ColourTags(matrix="bt709", range="limited")
    kept = [DecodedFrame(YuvPlanes(*to_yuv(frame, 8, (2, 2), tags), 8, tags)) for frame in frames]
    plain = [frame.planes.rgb() for frame in kept]
    keys = styled(plain, 0, negative(plain[0])), styled(plain, 3, negative(plain[3]))

    class Decoded(Pictures):
        def frame(self, n):
            return DecodedFrame(kept[n].planes)

    made = on_tensors(plain, keys)
    keys = tuple(StyledKey(key.frame, kept[key.frame], key.picture) for key in keys)
    for one, other in zip(made, on_tensors(Decoded(plain, FrameRange(0, 3)), keys), strict=True):
        np.testing.assert_array_equal(one.left.rgb, other.left.rgb)
        np.testing.assert_array_equal(one.right.rgb, other.right.rgb)


def test_whole_strokes_alone_walk_back_once():
    frames, keys = strangers()
    counts = []
    for strokes in ("crisp", "smooth"):
        seen = []
        window = Pictures(frames, FrameRange(0, 2))
        on_tensors(window, keys, lambda done, total, note="", seen=seen: seen.append((done, total)), strokes=strokes)
        assert [done for done, _ in seen] == list(range(1, len(seen) + 1)) and seen[-1][0] == seen[-1][1]
        counts.append(len(seen))
    assert counts == [4, 4]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_tritons_kernels_carry_as_torch_operations_do(monkeypatch):
    import interpreted  # loads Triton

    interpreted.large_tiles(monkeypatch)
    interpreted.small_windows(monkeypatch)
    for name in ("descriptors", "patchmatch", "vote"):
        monkeypatch.setattr(f"restrip.propagate.gpu.kernels.{name}_triton.BLOCK", 1024)
    frames = sliding(2, (31, 27), (1, 0.5))
    keys, window = (styled(frames, 0, negative(frames[0])), None), Pictures(frames)
    by_torch, by_triton = (
        list(SegmentWalk(window, keys, PropagateSettings(), silent, stages).frames())
        for stages in (torch_stages(CPU), triton_stages(CPU))
    )
    assert len(by_torch) == len(by_triton) == 2
    assert np.abs(by_torch[1].left.rgb.astype(int) - by_triton[1].left.rgb).max() <= 2


class Counted(TorchDispatchMode):
    """The most bytes that tensors hold at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: weakref.WeakSet = weakref.WeakSet()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return self.take(function(*args, **(kwargs or {})))

    def take(self, out):
        """Count the tensors of a result."""
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor) and (storage := tensor.untyped_storage()) not in self._known:
                self._known.add(storage)
                weakref.finalize(storage, self._freed, storage.nbytes())
                self.now += storage.nbytes()
                self.most = max(self.most, self.now)
        return out

    def _freed(self, count: int) -> None:
        self.now -= count

    def only_results(self, stage):
        """A stage of which the results count: what it takes for a band of rows is counted apart."""

        def run(*args, **how):
            with _disable_current_modes():
                out = stage(*args, **how)
            return self.take(out)

        return run


@pytest.mark.parametrize("strokes", ["smooth", "crisp"])
def test_memory_is_what_is_counted_on(strokes):
    size = (96, 72)
    frames = sliding(3, size, (2, 1))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 2, negative(frames[2]))
    counted, stages = Counted(), torch_stages(CPU)
    names = ("describe", "start", "sweep", "read", "vote", "filtered", "lay_blocks", "sew", "moved", "judge", "lay")
    stages = replace(stages, **{name: counted.only_results(getattr(stages, name)) for name in names})
    with counted:
        list(
            SegmentWalk(
                Pictures(frames, FrameRange(0, 2)), keys, PropagateSettings(baked=True, strokes=strokes), silent, stages
            ).frames()
        )
    held = counted.most / (size[0] * size[1])
    counted_on = BYTES_A_PIXEL if strokes == "smooth" else STROKES_BYTES_A_PIXEL
    assert 0.5 * counted_on < held < counted_on


@pytest.mark.parametrize("whole", [False, True])
def test_the_cpu_carries_what_the_gpu_has_no_memory_for(monkeypatch, whole):
    """Before a segment begins, and where only whole strokes need more than there is."""
    frames, notes = sliding(3, (49, 41), (1, 0)), []
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 2, negative(frames[2]))
    if whole:
        frames, keys = strangers()

    def taken(size, strokes=False):
        if strokes == whole:
            raise GpuMemoryTaken(strokes)

    monkeypatch.setattr("restrip.propagate.segment_walk.chosen", lambda asked, size: asked)
    monkeypatch.setattr(segment_walk, "check_memory", taken)
    monkeypatch.setattr(segment_walk, "stages_on", lambda device: torch_stages(CPU))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    window, settings = Pictures(frames, FrameRange(0, 2)), PropagateSettings(device="cuda")
    out = list(propagate(window, keys, settings, lambda done, total, note="": notes.append(note)))
    expected = list(propagate(window, keys, PropagateSettings(device="cpu"), silent))
    for one, other in zip(out, expected, strict=True):
        np.testing.assert_array_equal(one.left.rgb, other.left.rgb)
    notes = [note for note in notes if note]
    assert len(notes) == 1 and ("strokes whole: the CPU carries" if whole else "the CPU carries") in notes[0]


def test_running_out_of_memory_is_told(monkeypatch):
    frames = sliding(3, (49, 41), (1, 0))
    keys = styled(frames, 0, negative(frames[0])), None

    def full(device):
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(segment_walk, "stages_on", full)
    with pytest.raises(PropagationOutOfGpuMemory) as caught:
        next(segment_walk.walk(Pictures(frames), keys, PropagateSettings(device="cuda"), silent))
    assert caught.value.detail["need_mib"] > 1000
