"""A table of pictures from the decoder itself, for files whose packets don't tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median

from restrip.media.av.demux import SOUGHT_BY_PLACE, Movie, PacketFacts
from restrip.media.files import MediaUnreadable
from restrip.media.movies.picture_index import Claims, FrameIndex, made

FOLLOWS_S = Fraction(10)
DIPS_S = Fraction(1, 10)
"""Recordings (MPEG-TS) have no gaps of this length, and decoding times step back by more only where they are joined."""


def by_decoding(
    movie: Movie, packets: Sequence[PacketFacts], claims: Claims, report: Callable[[int, int], None]
) -> FrameIndex:
    """Decode the whole movie, whose packets these are, and keep which pictures came, in which order.

    Raises MediaUnreadable when none comes.
    """
    heard: list[str] = []
    before, movie.on_damage = movie.on_damage, heard.append
    try:
        order, intra = _given(movie, len(packets), report)
        # Several threads hold their tongue about the last ones.
        ends_early = max(order, default=0) < len(packets) - 1 and 2 * len(order) > len(packets) + 1
        if heard or ends_early:
            movie.steady()
            order, intra = _given(movie, len(packets), report)
    finally:
        movie.on_damage = before
    if not order:
        raise MediaUnreadable(movie.path, "not one of its pictures can be decoded")
    times, notes = times_of(list(order), packets, movie, claims)
    notes += _left_out(order, packets)
    if heard:
        notes.append(f"The file is damaged: {heard[0]}.")
    # What the file marks, if it does and means it; else what the decoder calls so.
    keys = sorted(n for n in order if packets[n].key and n in intra)
    if len(keys) < 2:
        keys = sorted(n for n, key in order.items() if key)
    return made(
        packets,
        list(order),
        times,
        keys,
        movie.clock,
        claims,
        decoded=True,
        damaged=bool(heard or ends_early),
        notes=tuple(notes),
    )


def starts_again(movie: Movie, before: int, after: int) -> bool:
    """Whether a packet at decoding time `after` belongs to another recording than the one before it, at `before`.

    In MP4 and MOV it doesn't: edit lists show parts again, at times that are right.
    """
    if movie.format.startswith("mov,"):
        return False
    step = (after - before) * movie.clock
    return step < -DIPS_S or (movie.format in SOUGHT_BY_PLACE and step > FOLLOWS_S)


def _given(movie: Movie, count: int, report: Callable[[int, int], None]) -> tuple[dict[int, bool], set[int]]:
    """The packets that bring pictures, in that order, and whether they are keys; and those that lean on no other."""
    order: dict[int, bool] = {}
    intra = set()
    movie.rewind()
    for decoded in movie.frames():
        if decoded.packet < count:
            order.setdefault(decoded.packet, decoded.key)
        if decoded.intra:
            intra.add(decoded.packet)
        report(min(len(order), count), count)
    return order, intra


def _left_out(order: Collection[int], packets: Sequence[PacketFacts]) -> list[str]:
    """Sentences on packets that were for showing and brought no picture. Second fields are none."""
    early = sum(packet.shown for packet in packets[: min(order)])
    later = sum(packet.shown for packet in packets) - early - len(order)
    notes = []
    if early:
        notes.append(
            f"It begins inside a group of pictures: {early} at its beginning can't be decoded and are left out."
        )
    if 0 < later < len(order) / 2:
        notes.append(f"{later} of its packets bring no picture.")
    return notes


def times_of(
    order: Sequence[int], packets: Sequence[PacketFacts], movie: Movie, claims: Claims
) -> tuple[list[int], list[str]]:
    """Rising times for the pictures of the packets `order`, and sentences on what had to be guessed.

    A picture has its packet's time. Where these don't rise they are in the order of decoding, as in files that keep
    one time a packet: then the pictures, which come in their right order, take them in theirs.
    """
    shifts, takes = _takes(packets, movie)
    notes = []
    if takes > 1:
        notes.append(f"The file is {takes} recordings one after the other: each begins where the one before ends.")
    for stamps in ([packet.pts for packet in packets], [packet.dts for packet in packets]):
        known = [stamp + shifts[n] for n in order if (stamp := stamps[n]) is not None]
        if len(known) == len(order) == len(set(known)):
            if known != sorted(known):
                notes.append("The file has its times in the order of decoding: pictures take them in theirs.")
            return sorted(known), notes
    rate = claims.rates[0] if claims.rates else Fraction(25)
    period = 1 / (rate * movie.clock)
    guessed = [None if (stamp := packets[n].pts) is None else stamp + shifts[n] for n in order]
    missing = sum(stamp is None for stamp in guessed)
    if missing == len(guessed):
        notes.append(f"The file tells no times: {float(rate):g} pictures a second were assumed.")
        return [round(n * period) for n in range(len(order))], notes
    notes.append(f"The file doesn't tell when {missing or 'some'} of its pictures are shown: it was guessed.")
    return _rising(guessed, max(1, round(period))), notes


def _rising(stamps: Sequence[int | None], period: int) -> list[int]:
    """Times that rise: those that are known as far as they do, the others one period after the one before."""
    first = next(n for n, stamp in enumerate(stamps) if stamp is not None)
    at = (stamps[first] or 0) - (first + 1) * period
    times = []
    for stamp in stamps:
        at = stamp if stamp is not None and stamp > at else at + period
        times.append(at)
    return times


def _takes(packets: Sequence[PacketFacts], movie: Movie) -> tuple[list[int], int]:
    """What to add to each packet's time so that joined recordings follow each other, and how many there are."""
    stamps = [packet.dts for packet in packets]
    shifts, shift, takes = [0] * len(packets), 0, 1
    begin, before = 0, None
    for n, stamp in enumerate(stamps):
        if stamp is None:
            shifts[n] = shift
            continue
        if before is not None and starts_again(movie, before, stamp):
            shift = _end(packets[begin:n]) + shift - _begin(packets, n, movie)
            begin, takes = n, takes + 1
        shifts[n], before = shift, stamp
    return shifts, takes


def _end(take: Sequence[PacketFacts]) -> int:
    """When a recording's last picture ends."""
    shown = sorted(packet.pts if packet.pts is not None else packet.dts or 0 for packet in take)
    steps = [b - a for a, b in pairwise(shown) if b > a]
    return shown[-1] + (round(median(steps)) if steps else 1)


def _begin(packets: Sequence[PacketFacts], first: int, movie: Movie) -> int:
    """When a recording's first picture begins, which need not be stored first."""
    start = packets[first].dts or 0
    shown = [packet.pts for packet in packets[first : first + 32] if packet.pts is not None]
    return min((pts for pts in shown if abs(pts - start) * movie.clock < FOLLOWS_S), default=start)
