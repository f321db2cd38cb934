"""A frame that keeps its decoder's planes is the frame without them, in either depth."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.media import ColourTags, Frame
from restrip.media.geometry import resampled
from restrip.media.movies.decoded_frame import DecodedFrame, YuvPlanes


def planes(bits: int, size: tuple[int, int] = (10, 6)) -> YuvPlanes:
    """Noise with halved chroma."""
    kind, noise = np.uint8 if bits == 8 else np.uint16, np.random.default_rng(bits)
    width, height = size
    sides = (height, width), (height // 2, width // 2), (height // 2, width // 2)
    luma, blue, red = (noise.integers(0, 1 << bits, side, kind) for side in sides)
    return YuvPlanes(luma, blue, red, bits, ColourTags(matrix="bt709", range="limited"))


@pytest.mark.parametrize(("bits", "deep"), [(8, False), (10, True)])
def test_it_is_the_frame_without_them(bits, deep):
    kept = planes(bits)
    frame, plain = DecodedFrame(kept), Frame(kept.rgb())
    assert frame.size == plain.size == (10, 6) and frame.deep == plain.deep == deep
    assert frame.alpha is None and frame.white == plain.white
    np.testing.assert_array_equal(frame.rgb, plain.rgb)
    np.testing.assert_array_equal(frame.rgb8(), plain.rgb8())
    for one in (True, False):
        other = frame.with_depth(one)
        assert isinstance(other, DecodedFrame) and other.planes is kept and other.deep == one
        np.testing.assert_array_equal(other.rgb, plain.with_depth(one).rgb)
        np.testing.assert_array_equal(other.rgb8(), plain.with_depth(one).rgb8())


def test_rgb_is_made_once_and_only_when_asked_for(monkeypatch):
    kept, asked = planes(8), []
    made = kept.rgb()
    monkeypatch.setattr(YuvPlanes, "rgb", lambda self: asked.append(self) or made)
    frame = DecodedFrame(kept)
    assert frame.size and not frame.with_depth(False).deep and not asked
    assert frame.rgb is frame.rgb is frame.rgb8()
    assert asked == [kept] and kept.nbytes == 90


@pytest.mark.parametrize(("bits", "apart"), [(8, 1.5), (10, 400)])
def test_made_small_it_is_the_frame_averaged(bits, apart):
    ramp = np.linspace(40, 200, 60)[None] + np.linspace(0, 30, 36)[:, None]
    kept = planes(bits, (60, 36))
    kind = kept.luma.dtype
    luma, chroma = ((plane * (1 << bits - 8)).astype(kind) for plane in (ramp, 110 + ramp[::2, ::2] / 8))
    smooth = YuvPlanes(luma, chroma, chroma[::-1].copy(), bits, kept.tags)
    small, plain = DecodedFrame(smooth).shrunk((20, 12)), resampled(Frame(smooth.rgb()), (20, 12))
    assert small.size == (20, 12) and small.deep == plain.deep == (bits > 8)
    np.testing.assert_allclose(small.rgb.astype(float), plain.rgb, atol=2 * apart)
    assert np.mean(small.rgb.astype(float) - plain.rgb) == pytest.approx(0, abs=apart)
    assert not DecodedFrame(smooth).with_depth(False).shrunk((20, 12)).deep


@pytest.mark.parametrize("size", [(10, 6), (20, 12), (8, 5)])
def test_where_a_plane_would_have_to_grow_it_stays(size):
    frame = DecodedFrame(planes(8))
    assert frame.shrunk(size) is frame
