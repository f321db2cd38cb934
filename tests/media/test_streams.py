"""Which of a file's streams is the movie, what comes beside it, and how long it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from kinds import ffmpeg, photographs
from makers import number_in, numbered
from PIL import Image, ImageOps

from restrip.media import ClipReader, mux_audio, probe
from restrip.media.files import MediaUnreadable
from restrip.timeline import ClipRange, Rate

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-pix_fmt", "yuv420p")


def source(folder: Path, numbers: Sequence[int] = range(20)) -> list[str]:
    """The program's arguments for numbered pictures at 25/s."""
    raw = folder / f"{numbers[0]}-{len(numbers)}.rgb"
    raw.write_bytes(b"".join(numbered(n).tobytes() for n in numbers))
    return ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-r", "25", "-i", str(raw)]


def cover(folder: Path) -> Path:
    path = folder / "cover.jpg"
    Image.new("RGB", (320, 240), (200, 30, 30)).save(path)
    return path


def shown(path: Path, length: int = 20, stream: int = 0) -> list[int]:
    with ClipReader(ClipRange((str(path),), Rate.of(25), length), stream=stream) as reader:
        return [number_in(frame) for frame in reader.frames()]


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("first", [True, False])
def test_a_cover_is_never_the_movie(tmp_path: Path, ending: str, first: bool) -> None:
    path = tmp_path / f"a.{ending}"
    order, place = (("-map", "1", "-map", "0"), 0) if first else (("-map", "0", "-map", "1"), 1)
    codecs = (f"-c:v:{place}", "mjpeg", f"-pix_fmt:v:{place}", "yuvj420p", f"-disposition:v:{place}", "attached_pic")
    ffmpeg(*source(tmp_path), "-i", cover(tmp_path), *order, *X264, *codecs, path)
    info = probe([str(path)])
    assert (info.size, info.frames, info.codec) == ((64, 48), 20, "h264")
    assert not any("video streams" in note for note in info.notes)
    assert shown(path) == list(range(20))


def test_an_attached_file_is_never_the_movie(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    attached = ("-attach", cover(tmp_path), "-metadata:s:t", "mimetype=image/jpeg")
    ffmpeg(*source(tmp_path), *X264, *attached, path)
    assert probe([str(path)]).size == (64, 48)
    assert shown(path) == list(range(20))


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_a_thumbnail_track_is_never_the_movie(tmp_path: Path, ending: str) -> None:
    """A track of one picture that calls itself a movie, as some cameras write it."""
    path = tmp_path / f"a.{ending}"
    tracks = ("-map", "1", "-map", "0", *X264, "-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p")
    ffmpeg(*source(tmp_path), "-i", cover(tmp_path), *tracks, path)
    assert probe([str(path)]).size == (64, 48)
    assert shown(path) == list(range(20))


def test_a_song_with_a_cover_holds_no_movie(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    tracks = ("-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-i", cover(tmp_path), *tracks, path)
    with pytest.raises(MediaUnreadable, match="covers") as caught:
        probe([str(path)])
    assert caught.value.remedy


def test_tracks_of_data_are_never_the_movie(tmp_path: Path) -> None:
    """Timecode and timed text, before the pictures."""
    path = tmp_path / "a.mov"
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:00,500\nwords\n")
    tracks = ("-map", "1", "-map", "0", *X264, "-c:s", "mov_text", "-timecode", "01:00:00:00")
    ffmpeg(*source(tmp_path), "-i", words, *tracks, path)
    assert shown(path) == list(range(20))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two movies in one file, 0 to 19 and 100 to 129, of which the second is marked as default."""
    folder = tmp_path_factory.mktemp("two")
    inputs = (*source(folder), *source(folder, range(100, 130)))
    marks = ("-disposition:v:0", "0", "-disposition:v:1", "default")
    ffmpeg(*inputs, "-map", "0", "-map", "1", *X264, *marks, folder / "two.mkv")
    return folder / "two.mkv"


def test_of_several_movies_the_default_one_is_read_and_said(two: Path) -> None:
    info = probe([str(two)])
    assert info.frames == 30
    assert any("2 video streams" in note and "number 2" in note for note in info.notes)
    assert shown(two, 30) == list(range(100, 130))


def test_another_stream_is_read_when_it_is_asked_for(two: Path) -> None:
    assert probe([str(two)], stream=1).frames == 20
    assert shown(two, 20, stream=1) == list(range(20))
    assert shown(two, 30, stream=2) == list(range(100, 130))
    with pytest.raises(MediaUnreadable, match="2 video streams, not 3"):
        probe([str(two)], stream=3)


ENDINGS = ("mp4", "mov", "mkv", "avi", "flv", "ts", "wmv", "mpg", "webm")


def with_long_sound(folder: Path, ending: str) -> Path:
    """20 pictures (0.8 s) beside 3 s of sound."""
    path = folder / f"a.{ending}"
    video = {
        "mpg": ("-c:v", "mpeg2video", "-q:v", "2"),
        "webm": ("-c:v", "libvpx", "-b:v", "300k", "-deadline", "realtime"),
        "wmv": ("-c:v", "wmv2", "-q:v", "2"),
    }
    ffmpeg(*source(folder), "-f", "lavfi", "-i", "sine=d=3", *video.get(ending, X264), path)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_clip_whose_sound_is_longer_is_as_long_as_its_pictures(tmp_path: Path, ending: str) -> None:
    path = with_long_sound(tmp_path, ending)
    info = probe([str(path)])
    assert info.frames == 20
    assert shown(path, info.frames) == list(range(20))


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_last_picture_is_held_as_long_as_the_sound_lasts(tmp_path: Path, ending: str) -> None:
    """Editors show such a clip to the end of its sound: what they hand over untrimmed is never refused."""
    path = with_long_sound(tmp_path, ending)
    assert shown(path, 74)[15:] == [*range(15, 20), *[19] * 54]
    for length, held in ((20, False), (74, True)):
        with ClipReader(ClipRange((str(path),), Rate.of(25), length)) as reader:
            assert any("2.16 s longer than its pictures" in note for note in reader.notes) is held


@pytest.mark.parametrize("ending", ["mkv", "mov", "avi"])
def test_side_data_that_nobody_knows_is_let_be(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"timelapse.{ending}"
    photographs(path)
    info = probe([str(path)])
    assert (info.frames, info.rate, info.size) == (6, Rate.of(24), (64, 48))
    with ClipReader(ClipRange((str(path),), Rate.of(24), 6)) as reader:
        assert [number_in(frame) for frame in reader.frames()] == list(range(6))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_though_there_is_more_beside_them(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "timelapse.mkv"
    photographs(path, orientation)
    plain = Image.fromarray(numbered(5))
    exif = plain.getexif()
    exif[0x0112] = orientation
    turned = np.asarray(ImageOps.exif_transpose(plain))
    with ClipReader(ClipRange((str(path),), Rate.of(24), 6)) as reader:
        assert reader.size == turned.shape[1::-1]
        assert np.abs(reader.frame(5).rgb8().astype(int) - turned).mean() < 4


def test_sound_is_put_beside_pictures_of_a_movie_with_a_cover(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    tracks = ("-map", "2", "-map", "0", "-map", "1", *X264, "-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p")
    marks = ("-disposition:v:0", "attached_pic")
    inputs = (*source(tmp_path), "-f", "lavfi", "-i", "sine=d=1", "-i", cover(tmp_path))
    ffmpeg(*inputs, *tracks, *marks, path)
    silent = tmp_path / "silent.mp4"
    ffmpeg(*source(tmp_path), *X264, silent)
    assert mux_audio(silent, path, 0, Fraction(4, 5), tmp_path / "out.mp4")
    assert probe([str(tmp_path / "out.mp4")]).audio
