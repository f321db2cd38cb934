"""Dolby Vision that nothing else can show is refused, by its box and by what comes beside its pictures; others stay."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from kinds import ffmpeg

from restrip.media import ClipReader, Frame, MovieWriter, probe
from restrip.media.av.tags import write_tags
from restrip.media.colour import ColourTags
from restrip.media.files import ColoursUnreadable
from restrip.media.movies import picture_boxes
from restrip.media.movies.dolby_vision import own_by_metadata, own_by_record
from restrip.timeline import ClipRange, Rate

SIZE, RATE = (96, 64), Rate.of(25)
PQ = ColourTags("bt2020nc", "bt2020", "smpte2084", "limited")


def record(profile: int, compatible: int) -> bytes:
    """The box's content: version 1.0, level 1, with what comes beside the pictures and the pictures themselves."""
    return bytes([1, 0, profile << 1, 1 << 3 | 0b101, compatible << 4]) + bytes(19)


def boxed(path: Path, profile: int, compatible: int) -> Path:
    """A 10-bit movie whose description says a profile."""
    with MovieWriter(path, SIZE, RATE, "hevc", PQ) as writer:
        for _ in range(2):
            writer.write(Frame(np.full((SIZE[1], SIZE[0], 3), 30000, np.uint16)))
    kind = b"dvcC" if profile < 8 else b"dvvC" if profile <= 10 else b"dvwC"
    picture_boxes._write(path, kind, record(profile, compatible))
    return path


def refusal(path: Path) -> str:
    for opened in (lambda: probe([str(path)]), lambda: ClipReader(ClipRange((str(path),), RATE, 2))):
        with pytest.raises(ColoursUnreadable) as caught:
            opened()
    assert caught.value.code == "colours-unreadable" and "HDR10" in caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize(("profile", "compatible"), [(5, 0), (10, 0), (20, 0)])
def test_pictures_that_nothing_else_shows_are_refused_by_their_box(
    tmp_path: Path, profile: int, compatible: int
) -> None:
    assert f"profile {profile}," in refusal(boxed(tmp_path / "a.mp4", profile, compatible))
    assert "profile 5," in refusal(boxed(tmp_path / "a.mov", 5, 0))


@pytest.mark.parametrize(("profile", "compatible"), [(7, 6), (8, 1), (8, 4), (8, 2), (10, 1), (10, 4)])
def test_pictures_with_a_base_for_others_are_read_as_that(tmp_path: Path, profile: int, compatible: int) -> None:
    info = probe([str(boxed(tmp_path / "a.mp4", profile, compatible))])
    assert info.colour == PQ and info.frames == 2


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "hevc"])
@pytest.mark.parametrize("profile", [5, 8])
def test_what_comes_beside_the_pictures_says_it_in_every_kind_of_file(
    tmp_path: Path, profile: int, ending: str
) -> None:
    raw, path = tmp_path / "raw.hevc", tmp_path / f"a.{ending}"
    raw.write_bytes(b"".join(unit + b"\0\0\0\1\x7c\x01" + metadata(profile) for unit in access_units()))
    if path != raw:
        ffmpeg("-fflags", "+genpts", "-r", "25", "-i", raw, "-c", "copy", path)
    if profile == 5:
        assert "profile 5," in refusal(path)
    else:
        assert any("Dolby Vision" in note for note in probe([str(path)]).notes)


def test_short_or_odd_records_say_nothing() -> None:
    assert own_by_record(record(5, 0)[:5]) == "5"
    for odd in (b"", record(5, 0)[:4], record(0, 0), record(127, 0)):
        assert not own_by_record(odd)
    assert not own_by_metadata(b"") and not own_by_metadata(b"\xff" * 30)


@pytest.mark.parametrize(("matrix", "said"), [(14, "ICtCp"), (15, "IPT-PQ-c2"), (11, "SMPTE ST 2085")])
def test_codings_that_arent_converted_are_refused(tmp_path: Path, matrix: int, said: str) -> None:
    assert said in refusal(tagged(tmp_path / "a.mkv", matrix))


def test_green_and_orange_differences_are_read(tmp_path: Path) -> None:
    """YCgCo: a strong red, as FFmpeg's own encoder gets it from planes made by the standard's formula."""
    red, green, blue = 0.8, 0.2, 0.1
    luma = (red + 2 * green + blue) / 4
    cg, co = (2 * green - red - blue) / 4, (red - blue) / 2
    planes = (16 + 219 * luma, 128 + 224 * cg, 128 + 224 * co)
    path = tagged(tmp_path / "a.mkv", 8, planes)
    with ClipReader(ClipRange((str(path),), RATE, 1)) as reader:
        shown = reader.frame(0).rgb.reshape(-1, 3).mean(axis=0) / 255
    assert np.abs(shown - (red, green, blue)).max() < 0.01


def tagged(path: Path, matrix: int, planes: tuple[float, float, float] = (90, 128, 128)) -> Path:
    """A movie of one plain picture with a matrix of this number."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv444p"
        write_tags(stream.codec_context, ColourTags(range="limited"))
        stream.codec_context.colorspace = matrix
        picture = av.VideoFrame.from_ndarray(
            np.stack([np.full((SIZE[1], SIZE[0]), round(value), np.uint8) for value in planes]), "yuv444p"
        )
        picture.colorspace, picture.color_range = matrix, 1
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def access_units() -> list[bytes]:
    """Two pictures of HEVC, each of which stands by itself."""
    with av.open(io.BytesIO(), "w", format="hevc") as container:
        options = {"x265-params": "log-level=none:bframes=0:keyint=1"}
        stream = container.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p10le"
        packets = [packet for _ in range(2) for packet in stream.encode(av.VideoFrame(*SIZE, "yuv420p10le"))]
        return [bytes(packet) for packet in [*packets, *stream.encode(None)]]


def metadata(profile: int) -> bytes:
    """The data of a picture (ETSI GS CCM 001, 5.3) that changes nothing, and says the profile."""
    bits = Bits()
    bits.put(25, 8).put(2, 6).put(18, 11).put(0 if profile == 5 else 1, 4).put(0, 4)
    bits.put(1, 1).put(0, 1).put(0, 2).golomb(23).put(1, 2).put(profile == 5, 1)
    bits.golomb(2).golomb(2).golomb(4)  # 10, 10 and 12 bit.
    bits.put(0, 1).put(0, 3).put(0, 1).put(1, 1)
    bits.put(0, 1).put(0, 1)  # Neither colours of its own, nor those of the picture before.
    bits.golomb(0).golomb(0).golomb(0)
    for _ in range(3):
        bits.golomb(0).put(0, 10).put(1023, 10)
    bits.golomb(0).golomb(0)
    for _ in range(3):  # A straight line from 0 to 1.
        bits.golomb(0).golomb(0).put(0, 1).golomb(0).put(0, 23).golomb(2).put(0, 23)
    whole = bits.filled()
    sealed = whole + checked(whole[1:]).to_bytes(4, "big") + b"\x80"
    safe = bytearray()
    for value in sealed:  # Bytes that look like the beginning of a unit are kept apart (ITU-T H.265, 7.4.2).
        if safe[-2:] == b"\0\0" and value <= 3:
            safe.append(3)
        safe.append(value)
    return bytes(safe)


def checked(data: bytes) -> int:
    """CRC-32 of MPEG."""
    crc = 0xFFFFFFFF
    for value in data:
        crc ^= value << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


class Bits:
    """Bits, the first one highest."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> Bits:
        self.text += f"{int(value):0{count}b}"
        return self

    def golomb(self, value: int) -> Bits:
        """A whole number from 0 on, or a signed one that is twice itself less 1 when positive."""
        plain = f"{value + 1:b}"
        self.text += "0" * (len(plain) - 1) + plain
        return self

    def filled(self) -> bytes:
        text = self.text + "0" * (-len(self.text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")
