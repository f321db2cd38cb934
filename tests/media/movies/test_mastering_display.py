"""The display that a movie was graded on: read from its stream, said again by results, read back by FFmpeg."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from restrip.media import ClipReader, Frame, MovieWriter, join, probe
from restrip.media.av.sound import mux
from restrip.media.colour import ColourTags
from restrip.media.movies.mastering_display import MasteringDisplay
from restrip.media.movies.picture_boxes import read_display, read_levels
from restrip.timeline import ClipRange, Rate

RATE, SIZE = Rate.of(25), (96, 64)
PQ = ColourTags("bt2020nc", "bt2020", "smpte2084", "limited")
HLG = ColourTags("bt2020nc", "bt2020", "arib-std-b67", "limited")
P3 = MasteringDisplay((13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450), 10_000_000, 50)
X265 = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):log-level=none"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> ClipRange:
    """A PQ movie whose stream says the display, as cameras' and studios' do."""
    path = tmp_path_factory.mktemp("graded") / "graded.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": X265})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, 16, 1
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(*SIZE, "yuv420p10le")))
        container.mux(stream.encode(None))
    return ClipRange((str(path),), RATE, 3)


def written(path: Path, form: str, tags: ColourTags = PQ, mastering: MasteringDisplay | None = P3) -> Path:
    with MovieWriter(path, SIZE, RATE, form, tags, mastering=mastering) as writer:
        for _ in range(2):
            writer.write(Frame(np.full((SIZE[1], SIZE[0], 3), 30000, np.uint16)))
    return path


def said(path: Path) -> Any:
    """What FFmpeg reads, of a file whose pictures can all be decoded."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    found = frames[0].side_data.get("MASTERING_DISPLAY_METADATA")
    return None if found is None else MasteringDisplay.of_ffmpeg(bytes(found))


def test_it_is_read_from_the_stream(graded: ClipRange) -> None:
    with ClipReader(graded) as reader:
        assert reader.mastering == P3
    assert read_display(graded.paths[0]) in (None, P3)


@pytest.mark.parametrize(("name", "form", "tags"), [("a.mp4", "hevc", PQ), ("b.mov", "prores422hq", HLG)])
def test_results_say_it_again(tmp_path: Path, name: str, form: str, tags: ColourTags) -> None:
    path = written(tmp_path / name, form, tags)
    assert said(path) == read_display(path) == P3
    assert (read_levels(path) is None) == (tags is HLG)
    assert probe([str(path)]).colour.transfer == tags.transfer


def test_joined_movies_and_those_with_sound_say_it(tmp_path: Path) -> None:
    parts = [written(tmp_path / "0.mp4", "hevc", mastering=None), written(tmp_path / "1.mp4", "hevc")]
    assert join(parts, tmp_path / "all.mp4") == 4 and said(tmp_path / "all.mp4") == P3
    mux(str(tmp_path / "all.mp4"), str(parts[0]), (Fraction(0), Fraction(1)), str(tmp_path / "sound.mp4"), "mp4")
    assert said(tmp_path / "sound.mp4") == P3
    assert join(parts[:1], tmp_path / "none.mp4") == 2 and said(tmp_path / "none.mp4") is None


def test_pictures_for_usual_displays_say_none(tmp_path: Path) -> None:
    assert said(written(tmp_path / "a.mp4", "hevc", ColourTags("bt709", "bt709", "bt709"))) is None
    assert said(written(tmp_path / "a.mkv", "ffv1")) is None


def test_what_isnt_said_whole_isnt_said(graded: ClipRange) -> None:
    numbers = [7500, 50000] * 8 + [50, 10000] + [1000, 1]
    assert MasteringDisplay.of_ffmpeg(struct.pack("=22i", *numbers, 1, 1)) is not None
    for wrong in (
        struct.pack("=22i", *numbers, 1, 0),
        struct.pack("=22i", *numbers, 0, 1),
        struct.pack("=22i", *numbers[:-1], 0, 1, 1),
        b"",
    ):
        assert MasteringDisplay.of_ffmpeg(wrong) is None
    assert MasteringDisplay.of_box(P3.box()) == P3 and MasteringDisplay.of_box(b"123") is None
