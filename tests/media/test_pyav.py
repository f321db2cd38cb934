"""Every PyAV from 18 on gives the same: metadata in any encoding, and exact fractions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from makers import Recipe, make

from restrip.media import ClipReader, probe
from restrip.media.av.pyav import exact, open_media
from restrip.media.av.sound import mux
from restrip.media.files import DecoderMissing, MediaUnreadable
from restrip.timeline import ClipRange, Rate

RATE = Fraction(30000, 1001)


@pytest.fixture(params=["mp4", "mkv"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A movie of three pictures with a title in Latin-1, as old cameras and editors write them."""
    title = {"title": "Caf_ au lait"}
    path = make(tmp_path / f"movie.{request.param}", Recipe(range(3), 1 / RATE, RATE, metadata=title))
    body = path.read_bytes()
    assert body.count(b"Caf_") == 1
    path.write_bytes(body.replace(b"Caf_", b"Caf\xe9"))
    return path


def test_metadata_that_is_no_utf8_is_no_error(foreign: Path, tmp_path: Path) -> None:
    with open_media(str(foreign)) as container:
        assert container.metadata["title"] == "Caf\udce9 au lait"
    assert probe([str(foreign)]).frames == 3
    assert mux(str(foreign), str(foreign), (Fraction(0), Fraction(1)), str(tmp_path / "copy.mkv"), "matroska") is False
    assert probe([str(tmp_path / "copy.mkv")]).frames == 3


def test_rates_and_clocks_are_fractions(foreign: Path) -> None:
    with open_media(str(foreign)) as container:
        stream = container.streams.video[0]
        rate, clock = exact(stream.average_rate), exact(stream.time_base)
    assert type(rate) is type(clock) is Fraction
    assert rate == RATE
    assert clock.numerator == 1


@pytest.mark.parametrize("unsaid", [None, Fraction(0)])
def test_what_a_file_doesnt_say_is_none(unsaid: Fraction | None) -> None:
    assert exact(unsaid) is None


@pytest.mark.parametrize(
    ("name", "known", "unknown"),
    [("a.mp4", b"avc1", b"zzzz"), ("b.mov", b"avc1", b"br16"), ("c.mkv", b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/ZZZ")],
)
def test_a_codec_without_a_decoder_is_named_with_the_remedy(name, known, unknown, tmp_path: Path) -> None:
    path = make(tmp_path / name, Recipe(range(5)))
    path.write_bytes(path.read_bytes().replace(known, unknown))
    with pytest.raises(DecoderMissing, match=r"libavcodec \d+\.\d+\.\d+ of PyAV \d+") as refused:
        probe([str(path)])
    assert refused.value.code == "decoder-missing"
    assert "Convert it to H.264" in refused.value.remedy
    with pytest.raises(DecoderMissing):
        ClipReader(ClipRange((str(path),), Rate.of(25), 5)).frame(0)


@pytest.mark.parametrize(
    ("name", "known", "unknown", "codec"),
    [
        ("a.mp4", b"avc1", b"vvc1", "VVC"),
        ("b.mov", b"avc1", b"aprn", "ProRes RAW"),
        ("c.mkv", b"V_MPEG4/ISO/AVC", b"V_MPEGI/ISO/VVC", "VVC"),
    ],
)
def test_a_codec_that_ffmpeg_decodes_in_part_is_named(name, known, unknown, codec, tmp_path: Path) -> None:
    path = make(tmp_path / name, Recipe(range(5)))
    path.write_bytes(path.read_bytes().replace(known, unknown))
    with pytest.raises(DecoderMissing, match=codec) as refused:
        probe([str(path)])
    assert refused.value.code == "decoder-missing"
    assert "Convert it to H.264" in refused.value.remedy


def test_a_kind_of_a_common_codec_that_ffmpeg_does_not_know_is_no_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mov", Recipe(range(5), codec="mjpeg", layout="yuvj420p", options={}))
    halved, thirds = (
        b"\x03\x01\x22",
        b"\x03\x01\x33",
    )  # Three components, and how the first is sampled (ITU-T T.81, B.2.2).
    path.write_bytes(path.read_bytes().replace(halved, thirds))
    with pytest.raises(DecoderMissing, match="JPEG"):
        probe([str(path)])


def test_pictures_of_a_common_codec_that_are_destroyed_are_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", Recipe(range(5), codec="mjpeg", layout="yuvj420p", options={}))
    path.write_bytes(path.read_bytes().replace(b"\xff\xd8\xff", b"\0\0\0").replace(b"\xff\xc0", b"\0\0"))
    with pytest.raises(MediaUnreadable, match="not one of its pictures") as refused:
        probe([str(path)])
    assert refused.value.code == "media-unreadable"
