from __future__ import annotations

import numpy as np
import pytest
from scenes import Pictures, negative, psnr, sliding, styled

from restrip.errors import Cancelled
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import FrameRange

SIZE = (97, 61)


def carried(frames, keys, **settings):
    """All frames between two keys of a list of pictures (the right key lies after the window)."""
    left, right = keys
    first = 0 if left is None else left.frame
    end = len(frames) if right is None else right.frame
    window = Pictures(frames, FrameRange(first, end))
    return list(propagate(window, keys, PropagateSettings(**settings), silent))


def test_static_shot_returns_the_key():
    frames = [sliding(1, SIZE, (0, 0))[0]] * 5
    picture = negative(frames[0])
    keys = styled(frames, 0, picture), styled(frames, 4, picture)
    for one in carried(frames, keys, baked=True):
        for frame in (one.left, one.right, one.baked):
            np.testing.assert_array_equal(frame.rgb, picture)


def test_sliding_texture_is_carried_from_both_keys():
    frames = sliding(9, SIZE, (2.5, 1))
    truth = [negative(f) for f in frames]
    keys = styled(frames, 0, truth[0]), styled(frames, 8, truth[8])
    out = carried(frames, keys)
    for n, one in enumerate(out):
        assert psnr(one.left.rgb, truth[n]) > 32
        assert n == 0 or psnr(one.right.rgb, truth[n]) > 32
        assert n == 0 or psnr(one.left.rgb, truth[n]) > 12 + psnr(truth[0], truth[n])


def test_key_frame_is_the_key_itself():
    frames = sliding(4, SIZE, (2, 0))
    picture = negative(frames[0])
    out = carried(frames, (styled(frames, 0, picture), styled(frames, 3, negative(frames[3]))))
    np.testing.assert_array_equal(out[0].left.rgb, picture)


@pytest.mark.parametrize("side", [0, 1])
def test_one_key_gives_one_rendition(side):
    frames = sliding(5, SIZE, (2, 0))
    truth = [negative(f) for f in frames]
    key = styled(frames, 0, truth[0]) if side == 0 else styled(frames, 4, truth[4])
    out = carried(frames, (key, None) if side == 0 else (None, key))
    assert len(out) == (5 if side == 0 else 4)
    for n, one in enumerate(out):
        mine, other = (one.left, one.right) if side == 0 else (one.right, one.left)
        assert other is None
        assert psnr(mine.rgb, truth[n]) > 32


def test_one_frame_between_adjacent_keys():
    frames = sliding(2, SIZE, (2, 0))
    out = carried(frames, (styled(frames, 0, negative(frames[0])), styled(frames, 1, negative(frames[1]))))
    assert len(out) == 1
    np.testing.assert_array_equal(out[0].left.rgb, negative(frames[0]))


def test_deep_pictures_stay_deep_and_alpha_is_the_sources():
    frames = [f.astype(np.uint16) * 257 for f in sliding(4, SIZE, (1, 0))]
    alpha = np.full((61, 97), 1234, np.uint16)

    class Deep(Pictures):
        def frame(self, n):
            return Frame(super().frame(n).rgb, alpha)

    left, right = (StyledKey(n, Frame(frames[n]), Frame(negative(frames[n]))) for n in (0, 3))
    out = list(propagate(Deep(frames, FrameRange(0, 3)), (left, right), PropagateSettings(), silent))
    for n, one in enumerate(out):
        assert one.left.deep and one.right.deep
        np.testing.assert_array_equal(one.left.alpha, alpha)
        assert psnr(one.left.rgb8(), negative(frames[n]) / 257) > 32
    levels = np.unique(out[1].left.rgb % 257)
    assert len(levels) > 20  # finer than eight bit


def test_cancelling_stops_and_leaves_no_file(tmp_path):
    frames = sliding(6, SIZE, (2, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 5, negative(frames[5]))

    def cancel(done, total, note=""):
        if done == 7:
            raise Cancelled

    made = []
    with pytest.raises(Cancelled):
        settings = PropagateSettings(scratch=str(tmp_path))
        for one in propagate(Pictures(frames, FrameRange(0, 5)), keys, settings, cancel):
            made.append(one)
    assert len(made) == 2
    assert not list(tmp_path.iterdir())


def test_progress_counts_every_step():
    frames = sliding(4, SIZE, (2, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 3, negative(frames[3]))
    seen = []
    for _ in propagate(
        Pictures(frames, FrameRange(0, 3)), keys, PropagateSettings(), lambda d, t, note="": seen.append((d, t))
    ):
        pass
    assert seen == [(n, 6) for n in range(1, 7)]


def test_a_look_that_ignores_light_is_left_alone_once_the_other_key_shows_it():
    scene = sliding(1, SIZE, (0, 0))[0].astype(np.float32)
    x = np.arange(SIZE[0]) - SIZE[0] / 2
    lamp = 25 * np.exp(-x * x / 800)[None, :, None]  # a light that goes on in the middle
    frames = [np.clip(np.rint(scene + lamp * n / 6), 0, 255).astype(np.uint8) for n in range(7)]
    picture = negative(frames[0])
    left, right = styled(frames, 0, picture), styled(frames, 6, picture)
    fade = FrameRange(5, 6)
    alone = carried(frames, (left, None), fade=fade)
    taught = carried(frames, (left, right), fade=fade, lean=0.0)
    off = [float(np.abs(out[4].left.rgb.astype(int) - picture).mean()) for out in (alone, taught)]
    assert off[0] > 3  # it followed
    assert off[1] < 0.3 * off[0]


@pytest.mark.parametrize("lean", [0.0, 0.1])
def test_strokes_kept_whole_show_the_same_in_both_renditions_where_keys_lean(monkeypatch, lean):
    frames = sliding(6, SIZE, (2, 1))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 5, frames[5])
    settings = {"strokes": "crisp", "lean": lean, "fade": FrameRange(1, 4), "baked": True}
    out = carried(frames, keys, **settings)
    assert [one.alike for one in out] == [lean > 0] * len(out)
    monkeypatch.setattr("restrip.propagate.cpu.segment_walk._Segment._alike", False)
    for one, apart in zip(out, carried(frames, keys, **settings), strict=True):
        assert not apart.alike
        for name in ("left", "right", "baked"):
            np.testing.assert_array_equal(getattr(one, name).rgb, getattr(apart, name).rgb)
    assert all(one.left is one.right for one in out[1:]) == (lean > 0)


def test_a_segment_that_is_its_key_alone_carries_nothing(monkeypatch):
    frames = sliding(1, SIZE, (0, 0))
    monkeypatch.setattr("restrip.propagate.cpu.segment_walk.Exemplar.of", None)
    (one,) = carried(frames, (styled(frames, 0, negative(frames[0])), None), baked=True)
    assert one.right is None and not one.alike
    for picture in (one.left, one.baked):
        np.testing.assert_array_equal(picture.rgb, negative(frames[0]))
