"""Tables of movies' pictures: made of packets where the decoder bears them out, else by decoding once; and kept.

packets ──► plausible? ──► the decoder gives these pictures, in this order,   ──► the table
               │           at the beginning and at places further on?
               ▼                      │ no
            decode all of it once ◄───┘    found again by the file's content
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from restrip.codec import Misfit
from restrip.media.av.demux import Decoded, Movie, PacketFacts
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.kept_tables import current
from restrip.media.movies.decoded_table import by_decoding, starts_again
from restrip.media.movies.picture_index import Claims, FrameIndex, from_packets, rates_of

CHECKED_PX = 64_000_000
"""Pixels that are decoded to check a table's beginning, and at least 16 pictures; a quarter of it at other places."""


_RECENT: OrderedDict[tuple[str, int, int, int], FrameIndex] = OrderedDict()


def index_of(movie: Movie, believed: bool = False) -> FrameIndex:
    """The movie's index; kept for the next reader of the same, unchanged file. The movie learns its key packets.

    One whose packets are `believed` is not checked by decoding, nor kept: its reader compares it on the way.
    """
    key = _name_of(movie)
    if key in _RECENT:
        _RECENT.move_to_end(key)
        index = _RECENT[key]
    else:
        index = _built(movie, believed)
        if not believed:
            _remember(key, index)
    movie.know(index.keys)
    if index.damaged:
        movie.steady()
    return index


def remade(movie: Movie) -> FrameIndex:
    """The index by decoding, in the place of one of packets that the decoder contradicted further on."""
    index = _decoded(movie, list(movie.packets()))
    _remember(_name_of(movie), index)
    movie.know(index.keys)
    return index


def _name_of(movie: Movie) -> tuple[str, int, int, int]:
    try:
        stat = os.stat(movie.path)
    except OSError:
        raise MediaMissing(movie.path) from None
    return os.path.abspath(movie.path), stat.st_size, stat.st_mtime_ns, movie.facts.stream


def _remember(key: tuple[str, int, int, int], index: FrameIndex) -> None:
    _RECENT[key] = index
    while len(_RECENT) > 16:
        _RECENT.popitem(last=False)


def _built(movie: Movie, believed: bool) -> FrameIndex:
    packets = list(movie.packets())
    if not packets:
        raise MediaUnreadable(movie.path, "it holds no pictures")
    if _plausible(packets, movie):
        index = from_packets(packets, movie.clock, _claims(movie))
        heard: list[str] = []
        if believed or _borne_out(movie, index, heard):
            return replace(index, damaged=bool(heard))
    return _decoded(movie, packets)


def _decoded(movie: Movie, packets: Sequence[PacketFacts]) -> FrameIndex:
    keeper = current()
    found = keeper.find(movie.path, movie.facts.stream)
    if found is not None:
        try:
            return FrameIndex.from_json(found)
        except Misfit:
            pass  # Kept by another version: made again.
    index = by_decoding(movie, packets, _claims(movie), keeper.report)
    keeper.keep(movie.path, movie.facts.stream, index.to_json())
    return index


def _claims(movie: Movie) -> Claims:
    facts = movie.facts
    return Claims(facts.duration, rates_of((facts.rate, facts.average_rate)), facts.counted)


def _plausible(packets: Sequence[PacketFacts], movie: Movie) -> bool:
    """Whether packets could be pictures, and their times those of the pictures."""
    times = [packet.pts for packet in packets if packet.shown]
    if not times or None in times or len(set(times)) < len(times):
        return False
    stored = [packet.dts for packet in packets if packet.dts is not None]
    return not any(starts_again(movie, *two) for two in pairwise(stored))


def _borne_out(movie: Movie, index: FrameIndex, heard: list[str]) -> bool:
    """Whether the decoder gives the table's pictures in the table's order, at the beginning and at other places.

    What it says of damage comes into `heard`.
    """
    before, movie.on_damage = movie.on_damage, heard.append
    movie.know(index.keys)
    budget = CHECKED_PX // (movie.facts.size[0] * movie.facts.size[1])
    try:
        movie.rewind()
        if not _follows(movie, index, 0, max(16, budget), heard):
            return False
        doors = sorted(set(index.entries))
        for door in sorted({doors[len(doors) // 3], doors[2 * len(doors) // 3], doors[-1]} - {doors[0]}):
            if movie.seek(door) == door and not _follows(movie, index, door, max(4, budget // 4), heard):
                return False
    finally:
        movie.on_damage = before
    return True


def _follows(movie: Movie, index: FrameIndex, door: int, count: int, heard: Sequence[str]) -> bool:
    """Whether the next `count` pictures out of the decoder, begun at the packet `door`, are those of the table.

    Some may be missing where the decoder heard of damage, but not every fourth.
    """
    expected = first_from(index, door)
    end = min(len(index.times), expected + count)
    missing, bearable = 0, max(8, count // 4)
    for decoded in movie.frames():
        number = index.numbers.get(decoded.packet)
        if number is not None and index.entries[number] < door:
            continue  # It leans on the group before.
        if decoded.packet and _lies(decoded, index):
            return False
        if number is None or number < expected or (number > expected and not heard):
            return False
        missing += number - expected
        expected = number + 1
        if missing > bearable:
            return False
        if expected >= end:
            return True
    return bool(heard)


def _lies(decoded: Decoded, index: FrameIndex) -> bool:
    """Whether a packet is marked as a key that isn't one, or none is marked in a file that has them."""
    if decoded.packet in index.keys:
        return not decoded.intra
    return decoded.key and len(index.keys) == 1


def first_from(index: FrameIndex, door: int) -> int:
    """The number of the first picture that comes whole when decoding begins at the packet `door`."""
    if not door:
        return 0
    if door in index.numbers:
        return index.numbers[door]
    return next((n for n, entry in enumerate(index.entries) if entry >= door), 0)
