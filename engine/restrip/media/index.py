"""When each picture of a movie is shown: a table made by demuxing alone."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from restrip.media.av.demux import Movie, PacketFacts

STANDARD_RATES = tuple(
    Fraction(n, d)
    for n, d in (
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
        (120000, 1001),
        (120, 1),
    )
)


@dataclass(frozen=True)
class FrameIndex:
    """The shown pictures in the order of their times, and where decoding can begin.

    `times` are ticks of `clock` seconds; media time 0 is times[0]. `entries[i]` is the time (for a seek) of the key
    picture from which picture i is decoded: the last one stored before it and shown no later, since the pictures
    between an open group's key and it in time lean on the group before. `rate` is set when the times are those of a
    constant rate, written in the file's clock: then picture i begins at exactly i / rate. `end` is when the last
    picture stops being shown, as the container says; `last_end` as the picture itself says. `numbers` finds a picture
    by its time.
    """

    times: tuple[int, ...]
    entries: tuple[int, ...]
    clock: Fraction
    end: int
    last_end: int
    rate: Fraction | None
    numbers: Mapping[int, int] = field(repr=False, compare=False)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first picture's beginning to the last one's end."""
        return (self.end - self.times[0]) * self.clock

    @property
    def held(self) -> Fraction:
        """Seconds between the last picture's own end and the container's, when pictures are missing there."""
        return max(Fraction(0), self.duration - self.own_duration)

    @property
    def own_duration(self) -> Fraction:
        """Seconds that the stored pictures last."""
        return (self.last_end - self.times[0]) * self.clock

    def at(self, time: Fraction) -> int:
        """The picture shown at `time` seconds: the last one that has begun. Before the first it is the first.

        Where the rate isn't constant the time is rounded to the file's clock, as the stored times are.
        """
        if self.rate is not None:
            return min(max(0, int(time * self.rate)), len(self.times) - 1)
        ticks = self.times[0] + int(time / self.clock + Fraction(1, 2))
        return max(0, bisect_right(self.times, ticks) - 1)


_KEPT: OrderedDict[tuple[str, int, int], FrameIndex] = OrderedDict()


def index_of(movie: Movie) -> FrameIndex:
    """The movie's index; kept for the next reader of the same, unchanged file."""
    stat = os.stat(movie.path)
    key = (os.path.abspath(movie.path), stat.st_size, stat.st_mtime_ns)
    if key not in _KEPT:
        _KEPT[key] = build(movie)
        while len(_KEPT) > 16:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


def build(movie: Movie) -> FrameIndex:
    """Demux the movie once; where packets carry no times, decode it once instead."""
    packets = list(movie.packets())
    if any(packet.pts is None for packet in packets) or not any(packet.shown for packet in packets):
        packets = _from_decoder(movie)
    facts = movie.facts
    return from_packets(packets, movie.clock, facts.duration, (facts.rate, facts.average_rate))


def from_packets(
    packets: Sequence[PacketFacts],
    clock: Fraction,
    duration: int | None,
    rates: Iterable[Fraction | None] = (),
) -> FrameIndex:
    """An index from packets in stored order. `duration` is the container's, in ticks; `rates` are its claims."""
    shown: list[tuple[int, int]] = []
    keys: list[PacketFacts] = []
    entries: dict[int, int] = {}
    for packet in packets:
        assert packet.pts is not None
        if packet.key or not keys:
            keys.append(packet)
        if packet.shown:
            entry = next((key for key in reversed(keys[-3:]) if key.pts is not None and key.pts <= packet.pts), keys[0])
            entries[packet.pts] = entry.pts or 0
            shown.append((packet.pts, packet.duration))
    shown.sort()
    times = tuple(pts for pts, _ in shown)
    rate = _constant_rate(times, clock, rates)
    last = shown[-1][1] or (round(1 / (rate * clock)) if rate else (times[-1] - times[-2] if len(times) > 1 else 1))
    last_end = times[-1] + last
    hidden = any(not packet.shown for packet in packets)
    end = last_end if hidden or duration is None else max(last_end, times[0] + duration)
    return FrameIndex(
        times,
        tuple(entries[pts] for pts in times),
        clock,
        end,
        last_end,
        rate,
        {pts: number for number, pts in enumerate(times)},
    )


def _from_decoder(movie: Movie) -> list[PacketFacts]:
    """Times as the decoder tells them, for files whose packets have none (AVI, raw streams)."""
    found = []
    movie.rewind()
    for number, decoded in enumerate(movie.frames()):
        pts = decoded.pts if decoded.pts is not None else number
        found.append(PacketFacts(pts, pts, bool(decoded.picture.key_frame), True, 0))
    return found


def _constant_rate(times: Sequence[int], clock: Fraction, claims: Iterable[Fraction | None]) -> Fraction | None:
    """The rate whose multiples, rounded to the clock, the times are; None when they are of no constant rate."""
    if len(times) < 2 or times[-1] == times[0]:
        return next((claim for claim in claims if claim), None)
    measured = Fraction(len(times) - 1) / ((times[-1] - times[0]) * clock)

    def furthest(rate: Fraction) -> Fraction:
        period = 1 / (rate * clock)
        return max(abs(pts - times[0] - number * period) for number, pts in enumerate(times))

    near = [rate for rate in STANDARD_RATES if abs(rate / measured - 1) < Fraction(1, 500)]
    for candidates in (near, [claim for claim in claims if claim], [measured]):
        best = min(candidates, key=furthest, default=None)
        if best is not None and furthest(best) <= 1:
            return best
    return None
