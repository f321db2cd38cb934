"""A decoder's planes become on the device what the host makes of them, to the bit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from restrip.media import ClipReader, ColourTags, Frame, MovieWriter  # noqa: E402
from restrip.media.movies.decoded_frame import DecodedFrame, YuvPlanes  # noqa: E402
from restrip.propagate.gpu import decoded, transfers  # noqa: E402
from restrip.propagate.gpu.transfers import Uploads  # noqa: E402
from restrip.timeline import ClipRange, Rate  # noqa: E402

CPU = torch.device("cpu")
TAGS = [("bt709", "limited"), ("smpte170m", "full"), ("bt2020nc", "limited")]


def planes(bits, size=(128, 72), halved=(1, 1), tags=TAGS[0]):
    """Noise over all code values; chroma is halved so often, across and down."""
    kind, noise = np.uint8 if bits == 8 else np.uint16, np.random.default_rng(bits)
    width, height = size
    small = -(-height // (1 << halved[1])), -(-width // (1 << halved[0]))
    luma, blue, red = (noise.integers(0, 1 << bits, side, kind) for side in ((height, width), small, small))
    return YuvPlanes(luma, blue, red, bits, ColourTags(matrix=tags[0], range=tags[1]))


@pytest.fixture
def followed():
    """The host works as the device follows it; others send R'G'B'."""
    if not decoded.on_device(planes(8), decoded.rgb_of, CPU):
        pytest.skip("this processor multiplies and adds in two steps")


@pytest.fixture(params=["torch", "triton"])
def rgb_of(request):
    if request.param == "torch":
        return decoded.rgb_of
    pytest.importorskip("triton")
    from restrip.propagate.gpu.kernels import decoded_triton

    return decoded_triton.rgb_of


def up(kept, rgb_of):
    parts = transfers.uploaded([kept.luma, kept.blue, kept.red], CPU)
    return rgb_of(tuple(parts), decoded.rows_of(kept)).numpy()


@pytest.mark.parametrize(("bits", "tags"), [*((8, tags) for tags in TAGS), (10, TAGS[0]), (12, TAGS[2]), (16, TAGS[1])])
def test_colours_are_the_hosts(followed, rgb_of, bits, tags):
    kept = planes(bits, tags=tags)
    np.testing.assert_array_equal(up(kept, rgb_of), Frame(kept.rgb()).rgb8())


@pytest.mark.parametrize("halved", [(0, 0), (1, 0), (2, 0), (0, 1), (2, 2)])
def test_chroma_of_any_size_is_repeated_as_on_the_host(followed, rgb_of, halved):
    kept = planes(8, (64, 35), halved)
    np.testing.assert_array_equal(up(kept, rgb_of), kept.rgb())


def test_in_bands_of_few_rows_it_is_the_same(followed, monkeypatch):
    kept = planes(10, (64, 35))
    whole = up(kept, decoded.rgb_of)
    monkeypatch.setattr(decoded, "rows_for", lambda *_: 5)
    np.testing.assert_array_equal(up(kept, decoded.rgb_of), whole)


def test_every_code_of_16_bits_is_narrowed_as_on_the_host():
    codes = np.arange(1 << 16).astype(np.uint16)
    narrow = cv2.convertScaleAbs(codes, alpha=1 / 257).ravel()
    np.testing.assert_array_equal(narrow, (codes.astype(np.int32) + 128) // 257)


def test_sizes_with_pixels_left_over_go_up_as_rgb_and_so_does_all_where_the_host_rounds_otherwise(monkeypatch):
    monkeypatch.setattr(decoded, "_as_the_host", lambda *_: True)
    sizes = [(1920, 1080), (1280, 720), (3840, 2160), (854, 480), (640, 360), (853, 479), (50, 50)]
    fit = [decoded.on_device(planes(8, size), decoded.rgb_of, CPU) for size in sizes]
    assert fit == [True] * 5 + [False] * 2
    monkeypatch.undo()
    wrong = np.zeros((192, 512, 3), np.uint16)
    monkeypatch.setattr(YuvPlanes, "rgb", lambda self: wrong)
    assert not decoded._as_the_host.__wrapped__(decoded.rgb_of, CPU)


def test_a_device_that_gives_something_else_is_found_out(followed):
    def off(parts, rows):
        return decoded.rgb_of(parts, rows) ^ 1

    assert decoded._as_the_host.__wrapped__(decoded.rgb_of, CPU)
    assert not decoded._as_the_host.__wrapped__(off, CPU)


def test_half_the_bytes_go_up(followed, monkeypatch):
    sent = []
    monkeypatch.setattr(transfers, "copied", lambda one, into: sent.append(one.nbytes) or np.copyto(into, one))
    kept = planes(8)
    uploads = Uploads(CPU, rgb_of=decoded.rgb_of)
    made = uploads.upload(DecodedFrame(kept))
    half = sum(sent)
    sent.clear()
    np.testing.assert_array_equal(made.numpy(), uploads.upload(Frame(kept.rgb())).numpy())
    assert 2 * half == sum(sent) == 3 * 128 * 72
    odd = planes(8, (33, 21))
    np.testing.assert_array_equal(uploads.upload(DecodedFrame(odd)).numpy(), odd.rgb())


@pytest.mark.parametrize("format", ["h264", "prores422hq"])
def test_a_movies_frames_are_the_same_either_way(followed, tmp_path, format):
    path, noise = tmp_path / f"clip.{'mp4' if format == 'h264' else 'mov'}", np.random.default_rng(1)
    small = noise.integers(0, 256, (3, 9, 16, 3), np.uint8)
    with MovieWriter(path, (128, 72), Rate.of(25), format) as writer:
        for one in small:
            writer.write(Frame(cv2.resize(one, (128, 72), interpolation=cv2.INTER_CUBIC)))
    clip, uploads = ClipRange((str(path),), Rate.of(25), 3), Uploads(CPU, rgb_of=decoded.rgb_of)
    with ClipReader(clip) as plain, ClipReader(clip, as_decoded=True) as kept:
        for n in range(3):
            frame = kept.frame(n)
            assert isinstance(frame, DecodedFrame) and frame.deep == plain.frame(n).deep == (format == "prores422hq")
            assert not isinstance(plain.frame(n), DecodedFrame)
            np.testing.assert_array_equal(uploads.upload(frame).numpy(), plain.frame(n).rgb8())
            assert "rgb" not in vars(frame)  # nobody asked the host for it
            np.testing.assert_array_equal(frame.rgb, plain.frame(n).rgb)
