"""MaxCLL and MaxFALL of PQ movies, read back by FFmpeg."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restrip.media import Frame, MovieWriter, join
from restrip.media.av.sound import mux
from restrip.media.colour import ColourTags
from restrip.media.curves import WHITE_NITS, pq_coded
from restrip.media.movies.light_levels import LightLevels, levels_of
from restrip.media.movies.picture_boxes import read_levels, write_levels
from restrip.timeline import Rate

RATE = Rate.of(25)
PQ = ColourTags("bt2020nc", "bt2020", "smpte2084", "limited")
SIZE = (96, 64)


def lit(nits: float, around: float = 100.0, *, deep: bool = True) -> Frame:
    """An eighth of the picture, red, green and blue in stripes, at `nits`; the rest grey."""
    light = np.full((SIZE[1], SIZE[0], 3), around / WHITE_NITS)
    light[:8] = 0
    for channel in range(3):
        light[:8, channel * 32 : channel * 32 + 32, channel] = nits / WHITE_NITS
    white = 65535 if deep else 255
    return Frame(np.rint(pq_coded(light) * white).astype(np.uint16 if deep else np.uint8))


def written(path: Path, form: str, *nits: float, tags: ColourTags = PQ) -> Path:
    with MovieWriter(path, SIZE, RATE, form, tags) as writer:
        for peak in nits:
            writer.write(lit(peak))
    return path


def said(path: Path) -> tuple[int, ...] | None:
    """What FFmpeg reads."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    found = frame.side_data.get("CONTENT_LIGHT_LEVEL")
    return None if found is None else struct.unpack("II", bytes(found))


def test_each_pixels_brightest_channel_counts() -> None:
    found = levels_of(lit(4000))
    assert abs(found.max_cll - 4000) <= 2
    assert abs(found.max_fall - (4000 / 8 + 100 * 7 / 8)) <= 1
    assert levels_of(lit(0, 0)) == LightLevels(0, 0)
    assert abs(levels_of(lit(1000, deep=False)).max_cll - 1000) < 20  # Code values of 8 bit lie 2 % apart.


@pytest.mark.parametrize(("name", "form"), [("a.mp4", "hevc"), ("a.mov", "prores422hq")])
def test_a_pq_movie_says_its_brightest_frames(tmp_path: Path, name: str, form: str) -> None:
    path = written(tmp_path / name, form, 600, 4000, 1000)
    assert np.abs(np.subtract(said(path), (4000, 4000 / 8 + 100 * 7 / 8))).max() <= 2
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 3


def test_other_curves_say_none(tmp_path: Path) -> None:
    for transfer in ("arib-std-b67", "bt709"):
        path = written(tmp_path / f"{transfer}.mp4", "hevc", 600, tags=ColourTags("bt709", "bt709", transfer))
        assert said(path) is None
        assert read_levels(path) is None


def test_joined_movies_say_what_all_of_them_hold(tmp_path: Path) -> None:
    parts = [written(tmp_path / f"{peak}.mp4", "hevc", peak, peak) for peak in (600, 2000, 1000)]
    assert join(parts, tmp_path / "all.mp4") == 6
    assert said(tmp_path / "all.mp4") == said(parts[1])
    mux(str(tmp_path / "all.mp4"), str(parts[0]), (Fraction(0), Fraction(1)), str(tmp_path / "sound.mp4"), "mp4")
    assert said(tmp_path / "sound.mp4") == said(parts[1])


def test_where_a_part_says_none_the_whole_is_unknown(tmp_path: Path) -> None:
    parts = [written(tmp_path / f"{peak}.mp4", "hevc", peak) for peak in (600, 2000)]
    old = parts[1].read_bytes()
    parts[1].write_bytes(old.replace(b"clli", b"free"))
    assert join(parts, tmp_path / "all.mp4") == 2
    assert read_levels(tmp_path / "all.mp4") == LightLevels(0, 0)


def test_files_that_are_no_such_movies_stay_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", "hevc", 600)
    whole = path.read_bytes()
    moov = whole.index(b"moov") - 4
    for content in (b"", b"hello, this is no movie", whole[:-5], whole + b"\0\0\0\x08free", whole[:moov]):
        path.write_bytes(content)
        write_levels(path, LightLevels(1, 1))
        assert path.read_bytes() == content
    broken = whole.replace(b"stsd", b"xxxx")
    path.write_bytes(broken)
    write_levels(path, LightLevels(1, 1))
    assert path.read_bytes() == broken
    assert read_levels(path) is None
