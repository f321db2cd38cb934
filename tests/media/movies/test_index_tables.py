"""Every kind of movie shows, in any order, what the ffmpeg program shows from beginning to end."""

from __future__ import annotations

import os
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kinds import COUNT, KINDS, shown_by_ffmpeg
from makers import Recipe, make, number_in

from restrip.media import ClipReader, MediaInfo, probe
from restrip.media.av.demux import Movie
from restrip.media.kept_tables import kept_by
from restrip.media.movies import index_tables
from restrip.media.movies.movie import MovieFrames
from restrip.media.movies.picture_index import FrameIndex
from restrip.timeline import ClipRange, Rate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A movie of a kind, made once."""
    folder = tmp_path_factory.mktemp("kinds")

    def of(name: str) -> Path:
        path = folder / name
        if not path.exists():
            KINDS[name].make(path)
        return path

    return of


@pytest.mark.parametrize("name", KINDS)
def test_any_order_shows_what_a_sequential_decode_shows(made: Any, name: str) -> None:
    kind, path = KINDS[name], made(name)
    frames = MovieFrames(str(path), block_bytes=1 << 16)
    index = frames.index
    shown = shown_by_ffmpeg(path, frames.size)
    times = [(tick - index.times[0]) * index.clock for tick in index.times]
    if kind.odd_times:
        assert times == [n / Fraction(25) for n in range(kind.count)]
    else:
        assert times == shown.times
    assert len(shown.pictures) == len(index.times) == kind.count
    order = random.Random(3).sample(range(kind.count), kind.count)
    for n in order:
        frame = frames.frame(n)
        assert np.abs(frame.rgb8().astype(int) - shown.pictures[n]).mean() < 6, n
    assert not frames.notes
    frames.close()


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.group])
def test_random_access_decodes_one_group(made: Any, name: str) -> None:
    frames = MovieFrames(str(made(name)), block_bytes=1)
    for n in (KINDS[name].count - 3, 15, 26, 14):
        before = frames.decoded
        frames.frame(n)
        assert frames.decoded - before <= KINDS[name].group
    frames.close()


def info_of(made: Any, name: str) -> MediaInfo:
    return probe([str(made(name))])


def test_fields_and_hidden_packets_are_no_pictures(made: Any) -> None:
    fields, hidden = info_of(made, "fields.ts"), info_of(made, "hidden.webm")
    assert (fields.frames, fields.rate, fields.vfr, fields.pictures) == (COUNT, Rate.of(25), False, COUNT)
    assert fields.duration_s == COUNT / 25
    assert any("interlaced" in note for note in fields.notes)
    assert (hidden.frames, hidden.rate, hidden.vfr, hidden.pictures) == (37, Rate.of(25), False, 37)


def test_what_was_guessed_is_said(made: Any) -> None:
    assert any("2 recordings" in note for note in info_of(made, "joined.ts").notes)
    assert any("tells no times" in note for note in info_of(made, "raw.h264").notes)
    assert any("order of decoding" in note for note in info_of(made, "b-pictures.wmv").notes)
    assert any("7 at its beginning" in note for note in info_of(made, "late-start.ts").notes)
    for name in ("fields.ts", "b-pictures.mp4", "hidden.webm"):
        assert not any("bring no picture" in note or "order of decoding" in note for note in info_of(made, name).notes)


def test_a_frame_of_a_clip_is_the_picture_at_its_time(made: Any) -> None:
    with ClipReader(ClipRange((str(made("b-pictures.avi")),), Rate.of(50), 2 * COUNT)) as reader:
        assert [number_in(reader.frame(n)) for n in (60, 3, 0, 79, 20)] == [30, 1, 0, 39, 10]


class Shelf:
    """A keeper in memory, which counts."""

    def __init__(self) -> None:
        self.held: dict[int, Any] = {}
        self.found = 0
        self.heard: list[tuple[int, int]] = []

    def find(self, path: str, stream: int) -> Any:
        table = self.held.get(os.path.getsize(path))
        self.found += table is not None
        return table

    def keep(self, path: str, stream: int, table: Any) -> None:
        self.held[os.path.getsize(path)] = table

    def report(self, done: int, total: int) -> None:
        self.heard.append((done, total))


def test_a_table_by_decoding_is_kept_and_told_of(made: Any, tmp_path: Path) -> None:
    shelf = Shelf()
    first = tmp_path / "first.ts"
    first.write_bytes(made("fields.ts").read_bytes())
    with kept_by(shelf):
        info = probe([str(first)])
    assert shelf.heard[-1][1] == 2 * COUNT
    assert [done for done, _ in shelf.heard] == sorted(done for done, _ in shelf.heard)
    again = tmp_path / "again.ts"
    again.write_bytes(first.read_bytes())
    told = len(shelf.heard)
    with kept_by(shelf):
        assert probe([str(again)]) == info
    assert shelf.found == 1
    assert len(shelf.heard) == told


def test_what_is_kept_reads_back(made: Any) -> None:
    for name in ("fields.ts", "varying.mp4", "joined.ts"):
        movie = Movie(str(made(name)))
        index = index_tables.index_of(movie)
        assert FrameIndex.from_json(index.to_json()) == index
        movie.close()


def test_a_table_that_is_kept_wrong_is_made_anew(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(made("fields.ts").read_bytes())
    shelf = Shelf()
    shelf.held[path.stat().st_size] = {"times": "nonsense"}
    with kept_by(shelf):
        assert probe([str(path)]).frames == COUNT


def test_a_contradiction_further_on_makes_the_table_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The beginning is sound, and between the places that are looked at a packet brings no picture."""
    import av

    plain = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0", "g": "10"}
    whole = make(tmp_path / "whole.webm", Recipe(range(80), codec="libvpx", options=plain))
    path = tmp_path / "a.webm"
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for n, packet in enumerate(packet for packet in source.demux() if packet.size):
            raw = bytearray(bytes(packet))
            raw[0] &= ~0x10 if n == 35 else 0xFF
            copy = av.Packet(bytes(raw))
            copy.stream, copy.time_base = stream, packet.time_base
            copy.pts, copy.dts, copy.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
            out.mux(copy)
    monkeypatch.setattr(index_tables, "CHECKED_PX", 16 * 64 * 48)
    monkeypatch.setattr("restrip.media.av.demux.HIDES", ())
    clip = ClipRange((str(path),), Rate.of(25), 80)
    with ClipReader(clip) as reader:
        assert not reader._pictures.index.decoded  # type: ignore[attr-defined]
        assert number_in(reader.frame(33)) == 33
        seen = [number_in(reader.frame(n)) for n in (37, 35, 34, 79)]
        assert reader._pictures.index.decoded  # type: ignore[attr-defined]
        assert seen == [37, 34, 34, 79]
        assert not reader._pictures.notes


def test_a_movie_without_packets_in_order_is_read_strictly_too(made: Any) -> None:
    clip = ClipRange((str(made("fields.ts")),), Rate.of(25), COUNT)
    with ClipReader(clip, strict=True) as reader:
        assert [number_in(frame) for frame in reader.frames()] == list(range(COUNT))
