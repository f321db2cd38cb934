"""When each picture of a movie is shown: a table made by demuxing alone."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from restrip.media.av.demux import Movie, PacketFacts
from restrip.media.files import MediaMissing, MediaUnreadable

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
    between an open group's key and it in time lean on the group before. `rate` is set when all times are multiples of
    one frame, rounded to the file's clock: then picture i begins at exactly steps[i] / rate, and steps are 0, 1, 2, ...
    unless pictures were dropped. `end` is when the last
    picture stops being shown, as the container says; `last_end` as the picture itself says. `numbers` finds a picture
    by its time.
    """

    times: tuple[int, ...]
    entries: tuple[int, ...]
    clock: Fraction
    end: int
    last_end: int
    rate: Fraction | None
    steps: Sequence[int] = field(repr=False)
    numbers: Mapping[int, int] = field(repr=False, compare=False)

    @property
    def constant(self) -> bool:
        """Whether every picture lasts one frame of the rate."""
        return self.rate is not None and self.steps[-1] == len(self.steps) - 1

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

    def group_end(self, number: int) -> int:
        """The first picture after `number` that is decoded from a later key picture."""
        return next(
            (n for n in range(number, len(self.times)) if self.entries[n] > self.entries[number]), len(self.times)
        )

    def at(self, time: Fraction) -> int:
        """The picture shown at `time` seconds: the last one that has begun. Before the first it is the first.

        Where times follow no rate, `time` is rounded to the file's clock, as they are.
        """
        if self.rate is not None:
            return max(0, bisect_right(self.steps, int(time * self.rate)) - 1)
        ticks = self.times[0] + int(time / self.clock + Fraction(1, 2))
        return max(0, bisect_right(self.times, ticks) - 1)


_KEPT: OrderedDict[tuple[str, int, int], FrameIndex] = OrderedDict()


def index_of(movie: Movie) -> FrameIndex:
    """The movie's index; kept for the next reader of the same, unchanged file."""
    try:
        stat = os.stat(movie.path)
    except OSError:
        raise MediaMissing(movie.path) from None
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
    rate, steps = _grid(times, clock, [rate for rate in rates if rate])
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
        steps,
        {pts: number for number, pts in enumerate(times)},
    )


def _from_decoder(movie: Movie) -> list[PacketFacts]:
    """Times as the decoder tells them, for files whose packets have none (AVI)."""
    found = []
    movie.rewind()
    for decoded in movie.frames():
        if decoded.pts is None:
            raise MediaUnreadable(movie.path, "its pictures carry no times", "Wrap the raw stream in an MP4 or MOV.")
        found.append(PacketFacts(decoded.pts, decoded.pts, bool(decoded.picture.key_frame), True, 0))
    return found


def _grid(times: Sequence[int], clock: Fraction, claims: Sequence[Fraction]) -> tuple[Fraction | None, tuple[int, ...]]:
    """The rate whose frames all times begin with, but for rounding to the clock, and the frames' numbers.

    Rates that people use come first (those that the container claims before others), then what it claims, then what
    the times themselves say; (None, ()) when none fits.
    """
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    usual = Fraction(steps[len(steps) // 2]) if steps and steps[len(steps) // 2] else None
    if usual is None:
        return (claims[0], tuple(range(len(times)))) if claims and len(times) == 1 else (None, ())
    mean = Fraction(times[-1] - times[0], len(times) - 1)
    measured = [1 / (length * clock) for length in (usual, mean)]
    # Rounding moves a step by a tick at most, so the rates to try lie this near to the measured ones.
    near = [r for r in STANDARD_RATES if any(abs(1 / (r * clock) - length) <= 2 for length in (usual, mean))]
    claimed = [rate for rate in claims if rate in near]
    for candidates in (claimed, near, list(claims), measured):
        fits = [(off, rate) for rate in candidates if (off := _furthest(times, 1 / (rate * clock))) <= 1]
        if fits:
            rate = min(fits, key=lambda fit: fit[0])[1]
            period = 1 / (rate * clock)
            return rate, tuple(round((pts - times[0]) / period) for pts in times)
    return None, ()


def _furthest(times: Sequence[int], period: Fraction) -> Fraction:
    """How far, in ticks, a time lies from the nearest multiple of the period; too far when two share a multiple."""
    far, before, worst = Fraction(2), -1, Fraction(0)
    allowed = 1 if period >= 3 else 0  # A clock that ticks once or twice a frame is exact.
    for pts in times:
        step = round((pts - times[0]) / period)
        worst = max(worst, abs(pts - times[0] - step * period))
        if step == before or worst > allowed:
            return far
        before = step
    return worst
