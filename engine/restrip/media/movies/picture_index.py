"""When each picture of a movie is shown, and from where it is decoded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from restrip import codec
from restrip.media.av.demux import PacketFacts
from restrip.media.movies.frame_grid import grid_of

# An editor may show a clip a little longer than its pictures last: rates are rounded, downloads stop short.
HELD_S = Fraction(1, 2)


def _numbered(keys: Mapping[int, PacketFacts]) -> list[list[Any]]:
    """As rows: a packet's number, then its facts."""
    return [[number, *codec.write_as(PacketFacts, facts)] for number, facts in keys.items()]


def _by_number(rows: Any) -> dict[int, PacketFacts]:
    read = codec.read(list[list[Any]], rows)
    return {codec.read(int, number): codec.read(PacketFacts, facts) for number, *facts in filter(None, read)}


_KEYS = codec.at(write=_numbered, read=_by_number)


@dataclass(frozen=True)
class FrameIndex:
    """The shown pictures in the order of their times, and where decoding can begin.

    `times` are ticks of `clock` seconds; media time 0 is times[0]. Packets are numbered as they are stored:
    `packets[i]` is the one that picture i comes from, `entries[i]` the key packet from which picture i is decoded: the
    last one stored before it and shown no later, since the pictures between an open group's key and it in time lean on
    the group before. `keys` holds the facts of those by which they are found. `rate` is set when all times are
    multiples of one frame, rounded to the file's clock: then picture i begins at exactly steps[i] / rate, and steps are
    0, 1, 2, ... unless pictures were dropped. `end` is when the last picture stops being shown, as the container says,
    half a second later than `last_end` at most, which the picture itself says. `decoded` tells a table made by decoding
    from one made of packets; `damaged` says that packets were met that can't be decoded; `notes` say what had to be
    guessed.
    """

    times: tuple[int, ...]
    packets: tuple[int, ...]
    entries: tuple[int, ...]
    keys: Mapping[int, PacketFacts] = field(repr=False, metadata=_KEYS)
    clock: Fraction
    end: int
    last_end: int
    rate: Fraction | None
    steps: Sequence[int] = field(repr=False)
    decoded: bool = False
    cut_off: bool = False
    damaged: bool = False
    notes: tuple[str, ...] = ()
    numbers: Mapping[int, int] = field(init=False, repr=False, compare=False, metadata=codec.LEFT_OUT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", {packet: number for number, packet in enumerate(self.packets)})

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

    def to_json(self) -> dict[str, Any]:
        """The table as JSON-able facts, to be kept; `from_json` reads it back."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> FrameIndex:
        """The table that `to_json` gave. Raises Misfit for anything else."""
        return codec.read(cls, body)


@dataclass(frozen=True)
class Claims:
    """What a file says of its own length: the stream's duration in ticks, its rates, and how many packets it counts."""

    duration: int | None = None
    rates: Sequence[Fraction] = ()
    counted: int = 0


def from_packets(packets: Sequence[PacketFacts], clock: Fraction, claims: Claims = Claims()) -> FrameIndex:
    """An index of packets in stored order whose times are those of their pictures. At least one is shown."""
    order = sorted((n for n, packet in enumerate(packets) if packet.shown), key=lambda n: packets[n].pts or 0)
    times = [packets[n].pts or 0 for n in order]
    keys = [n for n, packet in enumerate(packets) if packet.key]
    return made(packets, order, times, keys, clock, claims)


def made(
    packets: Sequence[PacketFacts],
    order: Sequence[int],
    times: Sequence[int],
    keys: Sequence[int],
    clock: Fraction,
    claims: Claims,
    **more: Any,
) -> FrameIndex:
    """An index of pictures from the packets `order`, shown at `times`, each decoded from one of the packets `keys`."""
    rate, steps = grid_of(times, clock, list(claims.rates))
    step = round(1 / (rate * clock)) if rate else times[-1] - times[-2] if len(times) > 1 else 1
    # Where the decoder's times are other ones than the packets', a packet's length is no picture's.
    told = not more.get("decoded") or packets[order[-1]].pts == times[-1]
    last = (packets[order[-1]].duration if told else 0) or step
    if rate and 4 * last < 3 * step:
        last = step  # The last packet is a field's.
    last_end = times[-1] + last
    cut_off = claims.counted > len(packets) and (claims.duration or 0) > _stored(packets)
    end = last_end
    if cut_off and all(packet.shown for packet in packets) and claims.duration is not None:
        end = max(last_end, min(times[0] + claims.duration, last_end + int(HELD_S / clock)))
    entries = _entries(order, keys)
    found = {n: packets[n] for n in sorted({*entries, *keys})}
    return FrameIndex(
        tuple(times), tuple(order), entries, found, clock, end, last_end, rate, steps, cut_off=cut_off, **more
    )


def _stored(packets: Sequence[PacketFacts]) -> int:
    """Ticks from the first packet's time of decoding to the last one's end.

    An index that promises more, and more packets, belongs to a file that is cut off. In AVI it counts dropped pictures.
    """
    stored = [packet.dts for packet in packets if packet.dts is not None] or [0]
    return stored[-1] - stored[0] + packets[-1].duration


def _entries(order: Sequence[int], keys: Sequence[int]) -> tuple[int, ...]:
    """For each picture the last key packet stored no later than its own whose picture is shown no later."""
    shown_at = {packet: number for number, packet in enumerate(order)}
    doors = [key for key in keys if key != 0]
    entries = []
    for number, packet in enumerate(order):
        place = bisect_right(doors, packet)
        near = reversed(doors[max(0, place - 3) : place])
        entries.append(next((key for key in near if shown_at.get(key, -1) <= number), 0))
    return tuple(entries)


def rates_of(claims: Iterable[Fraction | None]) -> tuple[Fraction, ...]:
    """The rates that a file claims, as far as it claims any."""
    return tuple(rate for rate in claims if rate)
