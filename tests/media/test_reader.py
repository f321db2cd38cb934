"""Frame n is what an editor shows at n, for every kind of file and in any order."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import SIZE, Recipe, decoded_in_order, make, number_in, numbered

from restrip.media import ClipReader, Frame, MovieWriter, join, probe, write_picture
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.movies.movie import MediaDamaged
from restrip.media.reader import OutsideMedia
from restrip.timeline import ClipRange, FrameRange, Rate

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
OPEN = {"preset": "veryfast", "x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0"}


def varying() -> list[int]:
    rng = random.Random(1)
    times = [0]
    for _ in range(59):
        times.append(times[-1] + rng.choice([1500, 3000, 3003, 4500, 9000, 20000]))
    return times


KINDS: dict[str, Recipe] = {
    "b-pictures.mp4": Recipe(),
    "varying.mp4": Recipe(ticks=varying(), clock=Fraction(1, 90000)),
    "varying.mkv": Recipe(ticks=varying(), clock=Fraction(1, 90000)),
    "film.mp4": Recipe(clock=1 / FILM, rate=FILM),
    "film.mkv": Recipe(clock=1 / FILM, rate=FILM),
    "ntsc.mp4": Recipe(clock=1 / NTSC, rate=NTSC),
    "ntsc60.mov": Recipe(clock=1 / (2 * NTSC), rate=2 * NTSC),
    "stream.ts": Recipe(),
    "old.avi": Recipe(codec="mpeg4", options={"g": "12", "bf": "2"}),
    "programme.mpg": Recipe(codec="mpeg2video", options={"g": "12", "bf": "2"}),
    "open-groups.mp4": Recipe(options=OPEN),
    "open-groups.ts": Recipe(options=OPEN),
    "edit-list.mp4": Recipe(shift=-17),
    "negative.mp4": Recipe(muxing={"movflags": "negative_cts_offsets"}),
    "late.mp4": Recipe(shift=25),
    "fragments.mp4": Recipe(muxing={"movflags": "frag_keyframe+empty_moov"}),
    "intra.mov": Recipe(codec="prores_ks", layout="yuv422p10le", options={}),
    "hidden-references.webm": Recipe(
        codec="libvpx-vp9",
        options={"g": "12", "deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "10"},
    ),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function from a kind to its file and a plain decode of it, made once."""
    folder = tmp_path_factory.mktemp("kinds")
    made: dict[str, tuple[Path, list[tuple[Fraction, int]]]] = {}

    def get(name: str) -> tuple[Path, list[tuple[Fraction, int]]]:
        if name not in made:
            path = make(folder / name, KINDS[name])
            made[name] = path, decoded_in_order(path)
        return made[name]

    return get


def expected(reference: list[tuple[Fraction, int]], times: list[Fraction], rate: Fraction | None) -> list[int]:
    """The greatest time <= t. Where the file's clock is too coarse for its rate, its times are n / rate."""
    zero = reference[0][0]
    begins = [(n / rate if rate else time - zero, number) for n, (time, number) in enumerate(reference)]
    return [[number for begin, number in begins if begin <= time][-1] for time in times]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("timeline", ["own", "24", "30000/1001", "60"])
def test_every_frame_in_any_order(kinds: Any, name: str, timeline: str) -> None:
    path, reference = kinds(name)
    info = probe([str(path)])
    rate = info.rate if timeline == "own" else Rate.parse(timeline)
    length = int(Fraction(info.duration_s).limit_denominator(90000) * rate.fraction)
    clip = ClipRange((str(path),), rate, length)
    recipe = KINDS[name]
    coarse = recipe.rate if name.endswith((".mkv", ".webm", ".ts")) and not name.startswith("varying") else None
    times = [rate.seconds(n) for n in range(length)]
    if name == "varying.mkv":  # Stored in milliseconds: a time is rounded to them, as the pictures' times are.
        times = [Fraction(int(time * 1000 + Fraction(1, 2)), 1000) for time in times]
    if name == "varying.mp4":
        times = [Fraction(int(time * 90000 + Fraction(1, 2)), 90000) for time in times]
    want = expected(reference, times, coarse)
    order = list(range(length))
    random.Random(2).shuffle(order)
    # Room for five pictures: most of this is served by going back and decoding again.
    with ClipReader(clip, block_bytes=5 * 64 * 48 * 2) as reader:
        shuffled = {n: number_in(reader.frame(n)) for n in order}
        forward = [number_in(frame) for frame in reader.frames(FrameRange(0, length))]
        backward = [number_in(reader.frame(n)) for n in reversed(range(length))]
        assert reader.notes == info.notes
    assert [shuffled[n] for n in range(length)] == want
    assert forward == want
    assert backward[::-1] == want


def test_the_own_rate_gives_every_picture_once(kinds: Any) -> None:
    for name in ("b-pictures.mp4", "film.mkv", "ntsc.mp4", "ntsc60.mov", "stream.ts", "late.mp4"):
        path, _ = kinds(name)
        info = probe([str(path)])
        assert (info.frames, info.pictures, info.vfr) == (60, 60, False), name
        with ClipReader(ClipRange((str(path),), info.rate, 60)) as reader:
            assert [number_in(frame) for frame in reader.frames()] == list(range(60)), name


def test_trimming_and_other_source_rates(kinds: Any) -> None:
    path, _ = kinds("b-pictures.mp4")
    trimmed = ClipRange((str(path),), Rate.of(25), 10, trim_in=20)
    doubled = ClipRange((str(path),), Rate.of(25), 20, trim_in=0, source_rate=Rate.of(Fraction(25, 2).numerator, 2))
    nearest = ClipRange((str(path),), Rate.of(24), 50, offset_s=Fraction(1, 50))
    with ClipReader(trimmed) as reader:
        assert [number_in(frame) for frame in reader.frames()] == list(range(20, 30))
    with ClipReader(doubled) as reader:
        assert [number_in(frame) for frame in reader.frames()] == list(range(0, 40, 2))
    with ClipReader(nearest) as reader:
        assert [number_in(frame) for frame in reader.frames()] == [
            int(Fraction(n * 25, 24) + Fraction(1, 2)) for n in range(50)
        ]


def test_a_seek_in_a_long_clip_decodes_one_group(tmp_path: Path) -> None:
    """Ten minutes at 25/s, a key picture every 12: one second, joined six hundred times."""
    second = tmp_path / "second.mp4"
    with MovieWriter(second, (32, 16), Rate.of(25), "h264") as writer:
        for n in range(25):
            writer.write(Frame(numbered(n, (32, 16))))
    path = tmp_path / "long.mp4"
    join([second] * 600, path)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 15000)) as reader:
        rng = random.Random(7)
        for n in [14999, 0, *(rng.randrange(15000) for _ in range(20))]:
            before = reader.decoded
            assert number_in(reader.frame(n)) == n % 25
            assert reader.picture_number(n) == n
            # Decoders with several threads hold a few packets back.
            assert reader.decoded - before <= 12 + 16


def test_what_was_written_here_is_not_decoded_first(tmp_path: Path) -> None:
    path = tmp_path / "ours.mp4"
    with MovieWriter(path, (32, 16), Rate.of(25), "h264") as writer:
        for n in range(40):
            writer.write(Frame(numbered(n, (32, 16))))
    clip = ClipRange((str(path),), Rate.of(25), 40)
    with ClipReader(clip, ours=True) as reader:
        assert reader.decoded <= 16  # its first picture, and what threads hold
        assert [number_in(reader.frame(n)) for n in (0, 39, 7, *range(40))] == [0, 39, 7, *range(40)]
    with ClipReader(clip) as reader:  # nor kept for one who doesn't know whose it is
        assert reader.decoded >= 40


def test_walking_backwards_decodes_a_group_once(kinds: Any) -> None:
    path, _ = kinds("b-pictures.mp4")
    with ClipReader(ClipRange((str(path),), Rate.of(25), 60)) as reader:
        for n in reversed(range(60)):
            reader.frame(n)
        # Five groups of twelve, each with the packets that a threaded decoder holds back.
        assert reader.decoded <= 60 + 6 * 20


def test_blocks_stay_within_their_room(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Recipe(ticks=range(200), options={"preset": "ultrafast", "g": "200", "bf": "0"}))
    room = 10 * 64 * 48 * 3 // 2
    with ClipReader(ClipRange((str(path),), Rate.of(25), 200), block_bytes=room) as reader:
        for n in [*range(200), *range(199, -1, -7)]:
            assert number_in(reader.frame(n)) == n
            assert reader.kept_bytes <= room


def test_a_clip_outside_its_media_is_refused(kinds: Any) -> None:
    path, _ = kinds("b-pictures.mp4")
    with ClipReader(ClipRange((str(path),), Rate.of(25), 61)) as reader:  # Editors round up by a frame.
        assert number_in(reader.frame(60)) == 59
    for clip in (ClipRange((str(path),), Rate.of(25), 62), ClipRange((str(path),), Rate.of(25), 5, trim_in=-2)):
        with pytest.raises(OutsideMedia) as caught:
            ClipReader(clip)
        assert caught.value.detail["has_s"] == pytest.approx(2.4)
        assert caught.value.remedy


def test_missing_last_pictures_are_held(tmp_path: Path) -> None:
    """A download that stopped short, its index at the front: what that promises is held, for half a second at most."""
    plain = Recipe(
        ticks=range(100), options={"preset": "veryfast", "g": "12", "bf": "0"}, muxing={"movflags": "+faststart"}
    )
    whole = make(tmp_path / "whole.mp4", plain).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: int(len(whole) * 0.95)])
    info = probe([str(cut)])
    assert info.frames == 100
    assert 88 <= info.pictures < 100
    assert any("is held" in note for note in info.notes)
    with ClipReader(ClipRange((str(cut),), Rate.of(25), 100)) as reader:
        last = [number_in(reader.frame(n)) for n in (80, info.pictures - 2, 97, 98, 99)]
    assert last[0] == 80
    assert last[2] == last[3] == last[4] <= info.pictures
    cut.write_bytes(whole[: int(len(whole) * 0.8)])
    with pytest.raises(OutsideMedia):
        ClipReader(ClipRange((str(cut),), Rate.of(25), 100))


def damaged(tmp_path: Path) -> Path:
    """Ten groups of ten; the fifth one's pictures are overwritten in part."""
    import av

    path = make(
        tmp_path / "damaged.mp4",
        Recipe(ticks=range(100), options={"preset": "veryfast", "g": "10", "bf": "0", "sc_threshold": "0"}),
    )
    with av.open(str(path)) as movie:
        hit = [
            packet
            for packet in movie.demux(movie.streams.video[0])
            if packet.size and 43 <= packet.pts * packet.time_base * 25 <= 45
        ]
        spans = [(packet.pos, packet.size) for packet in hit]
    raw = bytearray(path.read_bytes())
    rng = random.Random(3)
    for place, size in spans:
        for offset in range(8, size):
            raw[place + offset] = rng.randrange(256)
    path.write_bytes(raw)
    return path


def test_damaged_packets_are_concealed_and_named(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 100)) as reader:
        assert [number_in(reader.frame(n)) for n in (*range(43), *range(50, 100))] == [*range(43), *range(50, 100)]
        for n in range(43, 50):
            assert reader.frame(n).size == SIZE
        (note,) = reader.notes
        assert "43" in note
        assert "49" in note


def test_damage_is_refused_when_strict(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 100), strict=True) as reader:
        assert number_in(reader.frame(12)) == 12
        with pytest.raises(MediaDamaged) as caught:
            reader.frame(45)
        assert caught.value.detail["picture"] in (43, 44, 45)


@pytest.mark.parametrize("ending", [".png", ".tif", ".exr", ".jpg"])
def test_picture_sequences(tmp_path: Path, ending: str) -> None:
    import cv2

    paths = []
    for n in range(12):
        paths.append(str(tmp_path / f"shot {n:03}{ending}"))
        if ending == ".jpg":
            cv2.imwrite(paths[-1], numbered(n))
        else:
            write_picture(paths[-1], Frame(numbered(n)))
    clip = ClipRange(tuple(paths), Rate.of(30), 8, trim_in=3, source_rate=Rate.of(24))
    with ClipReader(clip) as reader:
        assert [number_in(reader.frame(n)) for n in (7, 0, 3)] == [10, 3, 6]
        assert reader.info.frames == 12
        assert reader.info.rate == Rate.of(24)
        assert reader.size == SIZE
    with pytest.raises(OutsideMedia):
        ClipReader(ClipRange(tuple(paths), Rate.of(24), 12, trim_in=3))


def test_a_still_is_held_as_long_as_it_is_wanted(tmp_path: Path) -> None:
    write_picture(tmp_path / "still.png", Frame(numbered(9)))
    with ClipReader(ClipRange((str(tmp_path / "still.png"),), Rate.of(25), 500)) as reader:
        assert number_in(reader.frame(499)) == 9


def test_pictures_that_are_missing_or_of_another_size(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{n}.png") for n in range(4)]
    for n in (0, 1, 3):
        write_picture(paths[n], Frame(numbered(n, SIZE if n != 3 else (128, 96))))
    clip = ClipRange(tuple(paths), Rate.of(25), 4)
    with ClipReader(clip) as reader:
        assert [number_in(frame) for frame in reader.frames()] == [0, 1, 1, 3]
        assert reader.frame(3).size == SIZE
        assert len(reader.notes) == 2
    with ClipReader(clip, strict=True) as reader, pytest.raises(MediaDamaged):
        reader.frame(2)


def test_deep_sources_give_deep_frames(tmp_path: Path) -> None:
    path = make(tmp_path / "deep.mov", Recipe(ticks=range(2), codec="prores_ks", layout="yuv422p10le", options={}))
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        assert reader.deep
        assert reader.info.bit_depth == 10
        assert reader.frame(0).rgb.dtype == np.uint16


def test_files_that_are_no_media(tmp_path: Path, bigbuckbunny: Path) -> None:
    whole = bigbuckbunny.read_bytes()
    wrong = {
        "text.mp4": b"not a movie\n" * 100,
        "empty.mp4": b"",
        "zeros.mp4": bytes(5000),
        "noise.mov": random.Random(1).randbytes(5000),
        "notes.txt": b"words\n" * 100,
        "list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nwhole.mp4\n",
        "list.mp4": b"ffconcat version 1.0\nfile whole.mp4\n",
        "cut.mp4": whole[: len(whole) // 2],
        "text.png": b"no picture",
    }
    (tmp_path / "whole.mp4").write_bytes(whole)
    for name, content in wrong.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(MediaUnreadable) as caught:
            probe([str(path)])
        assert name in str(caught.value)
        assert caught.value.remedy
    (tmp_path / "folder.mp4").mkdir()
    for bad in (tmp_path / "folder.mp4", tmp_path / ("x" * 300 + ".mp4"), "a\0b.mp4"):
        with pytest.raises(MediaUnreadable):
            probe([str(bad)])
    with pytest.raises(MediaMissing):
        probe([str(tmp_path / "missing.mp4")])
    with pytest.raises(MediaUnreadable, match="cut off"):
        probe([str(tmp_path / "cut.mp4")])


@pytest.mark.parametrize(
    "name",
    [
        'a b\'s "q".mp4',
        "100%d %s.mp4",
        "日本語 – ünï.mp4",
        "-dash.mp4",
        "concat:x.mp4",
        "back\\slash.mp4",
        "new\nline.mp4",
    ],
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / "plain.mp4", Recipe(ticks=range(3))).rename(tmp_path / name)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 3)) as reader:
        assert [number_in(frame) for frame in reader.frames()] == [0, 1, 2]


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "plain.mp4", Recipe(ticks=range(3)))

    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("restrip.media.files.open_regular", denied)
    with pytest.raises(MediaUnreadable, match="permission is denied"):
        probe([str(path)])


def test_a_share_that_vanishes_is_named(tmp_path: Path) -> None:
    """The system's error in the middle of reading is no damage to conceal."""
    path = make(tmp_path / "plain.mp4", Recipe(ticks=range(50)))

    def vanished() -> Any:
        import av

        raise av.error.OSError(5, "Input/output error")
        yield

    with ClipReader(ClipRange((str(path),), Rate.of(25), 50)) as reader:
        movie = reader._pictures._movie  # type: ignore[attr-defined]
        movie._container.seek(0)
        movie.seek = lambda ticks: setattr(movie, "_packets", vanished()) or 0
        with pytest.raises(MediaUnreadable, match="input/output error") as caught:
            reader.frame(30)
        assert "share" in caught.value.remedy


def test_alpha_of_web_movies(tmp_path: Path) -> None:
    """VP9 keeps alpha in a second stream inside the first."""
    import av

    path = tmp_path / "sticker.webm"
    with av.open(str(path), "w") as out:
        options = {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0", "g": "6"}
        stream = out.add_stream("libvpx-vp9", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        for n in range(20):
            frame = av.VideoFrame(64, 48, "yuva420p")
            for plane, value in zip(frame.planes, (100, 128, 128, 12 * n), strict=True):
                np.frombuffer(plane, np.uint8)[:] = value
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert probe([str(path)]).alpha
    with ClipReader(ClipRange((str(path),), Rate.of(25), 20), block_bytes=1 << 15) as reader:
        for n in (19, 3, 11):
            alpha = reader.frame(n).alpha
            assert alpha is not None
            assert abs(int(alpha[24, 32]) - 12 * n) <= 3
