"""What is written is what was given, to the code value where the format can; whole or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restrip.media import ClipReader, ColourTags, Frame, MovieWriter, SizeMismatch, join, probe
from restrip.media.files import DiskFull, OutputUnwritable
from restrip.media.formats import FORMATS, SizeNotTaken, fitting_format
from restrip.media.writer import NothingWritten
from restrip.timeline import ClipRange, Rate

SIZE = (256, 128)
NTSC = Rate.of(30000, 1001)
TAGGED = ColourTags("bt709", "bt709", "bt709", "limited")


def picture(number: int, size: tuple[int, int] = SIZE, *, deep: bool = False, alpha: bool = False) -> Frame:
    """A gradient in every channel that moves with the number."""
    width, height = size
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    mixed = [0.15 + 0.7 * x + 0 * y, 0.15 + 0.7 * y + 0 * x, 0.5 + 0.3 * np.sin(6 * (x + y) + number / 3)]
    top = 65535 if deep else 255
    rgb = np.rint(np.stack(mixed, -1) * top).astype(np.uint16 if deep else np.uint8)
    return Frame(rgb, np.rint((1 - x * y * 0.5) * top).astype(rgb.dtype) if alpha else None)


def paths_of(written: Path) -> tuple[str, ...]:
    return tuple(sorted(map(str, written.iterdir()))) if written.is_dir() else (str(written),)


def read(written: Path, rate: Rate, count: int) -> list[Frame]:
    with ClipReader(ClipRange(paths_of(written), rate, count)) as reader:
        return list(reader.frames())


def write(path: Path, frames: list[Frame], name: str, rate: Rate = NTSC, colour: ColourTags = TAGGED) -> Path:
    with MovieWriter(path, frames[0].size, rate, name, colour, timecode="01:00:00;05") as writer:
        for frame in frames:
            writer.write(frame)
    return path


def difference(one: Frame, other: Frame) -> np.ndarray:
    """In 8-bit code values."""
    return np.abs(one.with_depth(True).rgb.astype(int) - other.with_depth(True).rgb) / 257


# Most and mean difference in 8-bit code values over smooth pictures: 8 and 16 bit in.
NEAR = {
    "h264": (12, 1.3),
    "hevc": (12, 1.3),
    "prores4444": (2, 0.4),
    "prores422hq": (4, 0.6),
    "dnxhr_hqx": (4, 0.6),
    "ffv1": (0, 0),
    "png": (0, 0),
    "tiff": (0, 0),
    "exr": (0.5, 0.05),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("deep", [False, True])
def test_every_format_comes_back_and_joins(tmp_path: Path, name: str, deep: bool) -> None:
    form = FORMATS[name]
    frames = [picture(n, deep=deep, alpha=form.alpha) for n in range(7)]
    first = write(tmp_path / f"first{form.extension}", frames[:4], name)
    second = write(tmp_path / f"second{form.extension}", frames[4:], name)
    joined = tmp_path / f"joined{form.extension}"
    assert join([first, second], joined) == 7
    info = probe(paths_of(joined))
    assert (info.frames, info.size, info.vfr) == (7, SIZE, False)
    assert info.alpha == form.alpha
    most, mean = NEAR[name]
    back = read(joined, NTSC, 7)
    for given, got in zip(frames, back, strict=True):
        off = difference(given if form.deep else given.with_depth(False), got)
        assert off.max() <= most
        assert off.mean() <= mean
        if form.alpha:
            assert got.alpha is not None and given.alpha is not None
            away = np.abs(got.with_depth(True).alpha.astype(int) - given.with_depth(True).alpha)
            assert away.max() <= (0 if form.lossless else 66)  # ProRes keeps 16 bit of alpha; FFmpeg reads 10.
        assert got.deep or not (deep and form.deep)
    if form.extension == ".mov":
        assert tag_of(joined) == tag_of(first)
    if form.extension:
        assert info.rate == NTSC
        parts = [*read(first, NTSC, 4), *read(second, NTSC, 3)]
        assert all((a.rgb == b.rgb).all() for a, b in zip(parts, back, strict=True)), "joined without encoding again"
    if form.extension:
        assert info.timecode == "01:00:00;05"
    if form.extension in (".mp4", ".mov"):
        assert info.colour == TAGGED


def tag_of(path: Path) -> str:
    with av.open(str(path)) as movie:
        return str(movie.streams.video[0].codec_context.codec_tag)


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.extension])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    frames = [picture(n) for n in range(6)]
    hashes = set()
    for part in ("a", "b"):
        path = write(tmp_path / f"{part}{FORMATS[name].extension}", frames, name)
        hashes.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_small_pictures_give_the_same_bytes_beside_other_work(tmp_path: Path) -> None:
    """x264's lookahead came out in another way about once in a hundred times when threads competed."""
    frames = [picture(n, (64, 48)) for n in range(24)]

    def encoded(part: int) -> str:
        return hashlib.sha256(write(tmp_path / f"{part}.mp4", frames, "h264").read_bytes()).hexdigest()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(encoded, range(48)))) == 1


def test_what_was_encoded_before_is_encoded_more_finely(tmp_path: Path) -> None:
    grain = np.random.default_rng(0).normal(128, 20, (4, SIZE[1], SIZE[0], 1)).clip(0, 255).astype(np.uint8)
    frames = [Frame(np.repeat(grey, 3, axis=2)) for grey in grain]
    loss = {}
    for fine in (False, True):
        path = tmp_path / f"{fine}.mp4"
        with MovieWriter(path, SIZE, NTSC, "h264", TAGGED, fine=fine) as writer:
            for frame in frames:
                writer.write(frame)
        loss[fine] = np.mean([difference(a, b).mean() for a, b in zip(frames, read(path, NTSC, 4), strict=True)])
    assert loss[True] < 0.5 * loss[False]


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_files_can_stand_one_after_the_other(tmp_path: Path, name: str) -> None:
    """Each begins with a key picture, and none is shown in another order than stored."""
    path = write(tmp_path / "a.mp4", [picture(n) for n in range(30)], name)
    with av.open(str(path)) as movie:
        packets = [p for p in movie.demux(movie.streams.video[0]) if p.size]
    assert packets[0].is_keyframe
    assert [p.pts for p in packets] == [p.dts for p in packets] == sorted(p.pts for p in packets)
    assert packets[0].pts == 0
    assert sum(p.is_keyframe for p in packets) >= 3


def test_joining_opens_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from restrip.media.av import copy

    one, other = (write(tmp_path / f"{n}.mp4", [picture(n), picture(n + 1)], "h264") for n in (0, 2))
    opened, real = [], copy.open_media
    monkeypatch.setattr(copy, "open_media", lambda path: opened.append(path) or real(path))
    assert join([one, other, one], tmp_path / "joined.mp4") == 6
    assert opened == [str(one), str(other), str(one)]


def test_joining_what_differs_is_refused(tmp_path: Path) -> None:
    from restrip.media.movies.joining import NotJoinable

    one = write(tmp_path / "one.mp4", [picture(0)], "h264")
    other_size = write(tmp_path / "size.mp4", [picture(0, (128, 64))], "h264")
    other_rate = write(tmp_path / "rate.mp4", [picture(0)], "h264", Rate.of(25))
    other_codec = write(tmp_path / "codec.mp4", [picture(0)], "hevc")
    for other in (other_size, other_rate, other_codec):
        with pytest.raises(NotJoinable):
            join([one, other], tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    "tags",
    [
        ColourTags("bt709", "bt709", "bt709", "full"),
        ColourTags("smpte170m", "smpte170m", "smpte170m", "limited"),
        ColourTags("bt470bg", "bt470bg", "gamma28", "limited"),
        ColourTags("bt2020nc", "bt2020", "smpte2084", "limited"),
        ColourTags("bt2020nc", "bt2020", "arib-std-b67", "limited"),
        ColourTags(),
    ],
)
@pytest.mark.parametrize("name", ["h264", "hevc", "prores4444", "dnxhr_hqx"])
def test_the_sources_tags_are_carried(tmp_path: Path, tags: ColourTags, name: str) -> None:
    frames = [picture(0), picture(1)]
    path = write(tmp_path / f"a{FORMATS[name].extension}", frames, name, colour=tags)
    want = tags.for_output()
    got = probe([str(path)]).colour
    matrix = "bt709" if name == "dnxhr_hqx" else want.matrix  # Its decoders take no other for granted.
    assert (got.matrix, got.primaries, got.transfer) == (matrix, want.primaries, want.transfer)
    assert got.range == (want.range if name in ("h264", "hevc") else "limited")
    off = difference(frames[1], read(path, NTSC, 2)[1])
    assert off.mean() <= 1.3


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param((matrix, levels, layout), id=f"{matrix}-{levels}-{layout}")
        for matrix in ("bt709", "smpte170m", "bt2020nc")
        for levels in ("limited", "full")
        for layout in ("yuv420p", "yuv444p", "yuv422p10le")
    ],
)
def test_identity_is_within_two_code_values(tmp_path: Path, recipe: tuple[str, str, str]) -> None:
    """Decode, write as the source's own matrix and range losslessly, decode: bars and gradients."""
    matrix, levels, layout = recipe
    source = coded_source(tmp_path / "source.mkv", matrix, levels, layout)
    with ClipReader(ClipRange((str(source),), Rate.of(25), 2)) as reader:
        frames, colour = list(reader.frames()), reader.info.colour
    assert colour.matrix == matrix
    result = write(tmp_path / "result.mkv", frames, "ffv1", Rate.of(25), colour)
    for given, got in zip(frames, read(result, Rate.of(25), 2), strict=True):
        assert difference(given, got).max() == 0


def coded_source(path: Path, matrix: str, levels: str, layout: str) -> Path:
    """Bars and gradients as FFV1 in a Y'CbCr layout, tagged."""
    from restrip.media.av.mux import Sink
    from restrip.media.movies.encoding import Encoding

    encoding = Encoding("ffv1", "matroska", layout, options={"level": "3", "g": "1"})
    sink = Sink(str(path), encoding, Fraction(25), ColourTags(matrix, "bt709", "bt709", levels))
    for n in range(2):
        sink.write(picture(n))
    sink.close()
    return path


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.lossless])
def test_real_footage_comes_back_to_the_code_value(tmp_path: Path, name: str, bikes: Path, carphone: Path) -> None:
    for clip in (bikes, carphone):
        with ClipReader(ClipRange((str(clip),), Rate.of(25), 2, trim_in=30)) as reader:
            frames, colour = list(reader.frames()), reader.info.colour
        result = write(tmp_path / f"{clip.stem}{FORMATS[name].extension or name}", frames, name, Rate.of(25), colour)
        for given, got in zip(frames, read(result, Rate.of(25), 2), strict=True):
            assert (given.rgb == got.rgb).all()


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67", "log100", "bt709"])
def test_curves_for_no_display_pass_through_with_a_note(tmp_path: Path, transfer: str) -> None:
    tags = ColourTags("bt2020nc", "bt2020", transfer, "limited")
    path = write(tmp_path / "a.mov", [picture(0, deep=True)], "prores422hq", NTSC, tags)
    with ClipReader(ClipRange((str(path),), NTSC, 1)) as reader:
        assert reader.info.colour == tags
        assert any(transfer in note for note in reader.notes) == (transfer != "bt709")
        again = write(tmp_path / "b.mov", [reader.frame(0)], "prores422hq", NTSC, reader.info.colour)
        assert difference(read(again, NTSC, 1)[0], reader.frame(0)).mean() < 0.5


def test_h264_keeps_the_sources_own_values(tmp_path: Path, bigbuckbunny: Path) -> None:
    """Real footage, decoded, written and decoded: visually lossless."""
    with ClipReader(ClipRange((str(bigbuckbunny),), Rate.of(25), 6, trim_in=60)) as reader:
        frames, colour = list(reader.frames()), reader.info.colour
    result = write(tmp_path / "result.mp4", frames, "h264", Rate.of(25), colour)
    for given, got in zip(frames, read(result, Rate.of(25), 6), strict=True):
        assert difference(given, got).mean() < 1.5


def test_odd_sizes(tmp_path: Path) -> None:
    frames = [picture(n, (301, 199)) for n in range(2)]
    for name, form in FORMATS.items():
        path = tmp_path / f"odd{form.extension or name}"
        if form.even:
            with pytest.raises(SizeNotTaken) as caught:
                write(path, frames, name)
            assert "ProRes 4444" in caught.value.remedy
            assert fitting_format(name, (301, 199))[0] == "prores4444"
            assert "301x199" in fitting_format(name, (301, 199))[1]
        else:
            write(path, frames, name)
            back = read(path, NTSC, 2)
            assert back[0].size == (301, 199)
            assert difference(frames[0], back[0]).max() <= NEAR[name][0] + 1
    assert fitting_format("h264", (640, 360)) == ("h264", "")


@pytest.mark.parametrize(
    ("name", "size"),
    [("dnxhr_hqx", (254, 200)), ("h264", (14, 14)), ("h264", (8192, 8192)), ("prores4444", (20000, 64))],
)
def test_sizes_that_a_codec_cant_take(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    with pytest.raises(SizeNotTaken):
        MovieWriter(tmp_path / "a.mov", size, NTSC, name)
    assert not list(tmp_path.iterdir())


def test_smallest_sizes_are_taken(tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        size = form.smallest
        if form.even:
            size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        path = write(tmp_path / f"small{form.extension or name}", [picture(0, size)], name)
        assert read(path, NTSC, 1)[0].size == size


def test_nothing_stays_of_what_failed(tmp_path: Path) -> None:
    target = tmp_path / "strip.mp4"
    target.write_bytes(b"what was there")
    with pytest.raises(RuntimeError, match="look broke"), MovieWriter(target, SIZE, NTSC, "h264") as writer:
        writer.write(picture(0))
        raise RuntimeError("look broke")
    assert target.read_bytes() == b"what was there"
    with pytest.raises(NothingWritten), MovieWriter(target, SIZE, NTSC, "h264"):
        pass
    with pytest.raises(SizeMismatch), MovieWriter(target, SIZE, NTSC, "h264") as writer:
        writer.write(picture(0, (128, 64)))
    with pytest.raises(RuntimeError), MovieWriter(tmp_path / "folder", SIZE, NTSC, "png") as writer:
        writer.write(picture(0))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["strip.mp4"]
    assert target.read_bytes() == b"what was there"


def test_places_that_cant_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    for path, name in (
        (tmp_path / "file" / "a.mp4", "h264"),
        (tmp_path / "folder.mp4", "h264"),
        (tmp_path / ("x" * 300), "h264"),
        (tmp_path / "full", "png"),
    ):
        with pytest.raises(OutputUnwritable) as caught, MovieWriter(path, SIZE, NTSC, name) as writer:
            writer.write(picture(0))
        assert caught.value.remedy
    assert (tmp_path / "full" / "mine.txt").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.mp4", "full"]


FILL = """
import resource, signal, sys
import numpy as np
from restrip.media import Frame, MovieWriter
from restrip.media.files import DiskFull
from restrip.timeline import Rate
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0)
try:
    with MovieWriter(sys.argv[1], (256, 128), Rate.of(25), sys.argv[2]) as writer:
        for n in range(60):
            writer.write(Frame(noise.integers(0, 256, (128, 256, 3)).astype(np.uint8)))
except DiskFull as error:
    print("full:", error.remedy)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits on file sizes are POSIX's")
@pytest.mark.parametrize("name", ["h264", "prores4444", "ffv1", "tiff"])
def test_a_full_disk_is_named(tmp_path: Path, name: str) -> None:
    """A limit on the size of a file stands for the disk: the system's answer is of the same kind."""
    done = tmp_path / "done.mp4"
    done.write_bytes(b"finished before")
    size = "600_000" if name == "h264" else "200_000"
    script = FILL.replace("200_000", "60_000" if name == "tiff" else size)
    path = tmp_path / f"a{FORMATS[name].extension}"
    run = subprocess.run([sys.executable, "-c", script, str(path), name], capture_output=True, text=True, timeout=120)
    assert run.stdout.startswith("full:"), run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["done.mp4"]


def test_a_full_disk_at_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFull), MovieWriter(tmp_path / "a.mp4", SIZE, NTSC, "h264") as writer:
        writer.write(picture(0))
    assert not list(tmp_path.iterdir())


def test_frames_without_alpha_after_one_with(tmp_path: Path) -> None:
    """The first frame decides; a missing alpha is opaque."""
    path = write(tmp_path / "a.mov", [picture(0, alpha=True), picture(1)], "prores4444")
    back = read(path, NTSC, 2)
    assert back[1].alpha is not None
    assert back[1].with_depth(False).alpha.min() == 255
    path = write(tmp_path / "b.mov", [picture(0), picture(1, alpha=True)], "prores4444")
    assert not probe([str(path)]).alpha


def test_a_draft_is_encoded_more_quickly_and_as_like(tmp_path: Path) -> None:
    frames = [picture(n) for n in range(3)]
    for quick in (False, True):
        path = tmp_path / f"{quick}.mp4"
        with MovieWriter(path, SIZE, NTSC, "h264", TAGGED, quick=quick) as writer:
            for frame in frames:
                writer.write(frame)
    kept, drafted = ((tmp_path / f"{quick}.mp4").read_bytes() for quick in (False, True))
    assert kept != drafted and b"cabac=1" in kept and b"cabac=0" in drafted
    shown = read(tmp_path / "True.mp4", NTSC, 3)
    assert max(difference(a, b).mean() for a, b in zip(frames, shown, strict=True)) < 4
