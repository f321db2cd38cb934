"""When pictures are shown, from packets alone."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from restrip.media.av.demux import PacketFacts
from restrip.media.movies.picture_index import Claims, from_packets

NTSC = Fraction(30000, 1001)


def packets(times: list[int], keys: tuple[int, ...] = (0,), duration: int = 1) -> list[PacketFacts]:
    return [PacketFacts(pts, pts, number in keys, True, duration) for number, pts in enumerate(times)]


def test_the_shown_picture_is_the_last_that_has_begun() -> None:
    index = from_packets(packets([0, 10, 11, 40]), Fraction(1, 10))
    assert index.rate is None
    shown = [index.at(Fraction(n, 10)) for n in (0, 9, 10, 11, 12, 39, 40, 1000)]
    assert shown == [0, 0, 1, 2, 2, 2, 3, 3]
    assert index.at(Fraction(-3)) == 0


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), NTSC, Fraction(30), 2 * NTSC, Fraction(12)])
def test_times_rounded_to_milliseconds_are_frames_of_their_rate(rate: Fraction) -> None:
    index = from_packets(packets([round(n / rate * 1000) for n in range(400)]), Fraction(1, 1000), Claims(rates=[rate]))
    assert index.rate == rate
    assert index.constant
    assert [index.at(n / rate) for n in range(400)] == list(range(400))


def test_the_rate_is_found_without_a_claim() -> None:
    index = from_packets(packets([round(n / NTSC * 1000) + 67 for n in range(300)]), Fraction(1, 1000))
    assert index.rate == NTSC


def test_a_clock_of_one_tick_a_frame() -> None:
    index = from_packets(packets(list(range(231))), Fraction(1, 25), Claims(231, [Fraction(25)]))
    assert index.rate == 25
    assert index.constant


@pytest.mark.parametrize("ticks", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rate", [5, 10, 12, Fraction(25, 2), 15, 18, 20, Fraction(15000, 1001), 24, 30])
def test_a_clock_of_few_ticks_a_frame_drops_none(rate: Fraction, ticks: int) -> None:
    """AVI counts in frames: 15 pictures a second are none of 30 with every other one dropped."""
    claims = Claims(40 * ticks, [Fraction(rate)])
    index = from_packets(
        packets(list(range(0, 40 * ticks, ticks)), duration=ticks), 1 / (Fraction(rate) * ticks), claims
    )
    assert (index.rate, index.constant) == (rate, True)


def test_pictures_that_a_capture_dropped_are_gaps_in_the_rate_that_it_claims() -> None:
    times = [0, 2, 4, 6, 9, 10, 12, 14]
    index = from_packets(packets(times), Fraction(1, 30), Claims(16, [Fraction(30)]))
    assert (index.rate, index.steps) == (30, tuple(times))


def test_dropped_pictures_leave_gaps_in_the_rate() -> None:
    numbers = [0, 1, 2, 5, 6, 9, *range(10, 40)]
    index = from_packets(packets([round(n / NTSC * 1000) for n in numbers]), Fraction(1, 1000), Claims(rates=[NTSC]))
    assert index.rate == NTSC
    assert not index.constant
    assert [index.at(n / NTSC) for n in range(11)] == [0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6]


def test_a_varying_rate_is_called_none() -> None:
    rng = random.Random(5)
    times = [0]
    for _ in range(60):
        times.append(times[-1] + rng.randrange(500, 9000))
    index = from_packets(packets(times), Fraction(1, 90000), Claims(rates=[Fraction(30), Fraction(19)]))
    assert index.rate is None
    assert [index.at(pts * Fraction(1, 90000)) for pts in times] == list(range(61))


def test_hidden_packets_are_no_pictures() -> None:
    """An edit list hides the first two: media time 0 is the third, decoding begins at the hidden key."""
    stored = [PacketFacts(n - 2, n - 2, n == 0, n >= 2, 1) for n in range(6)]
    index = from_packets(stored, Fraction(1, 25), Claims(6, [Fraction(25)]))
    assert index.times == (0, 1, 2, 3)
    assert index.entries == (0, 0, 0, 0)
    assert index.duration == Fraction(4, 25)


def test_leading_pictures_of_an_open_group_are_decoded_from_the_group_before() -> None:
    """Stored I0 P3 B1 B2 I6 B4 B5: B4 and B5 come after I6 in the file but lean on P3."""
    stored = [PacketFacts(pts, at, pts in (0, 6), True, 1) for at, pts in enumerate([0, 3, 1, 2, 6, 4, 5])]
    index = from_packets(stored, Fraction(1, 25), Claims(rates=[Fraction(25)]))
    assert index.entries == (0, 0, 0, 0, 0, 0, 4)
    assert index.group_end(4) == 6


def test_the_container_says_how_long_the_last_picture_is_held() -> None:
    index = from_packets(packets([0, 1, 2]), Fraction(1, 25), Claims(10, [Fraction(25)], counted=10))
    assert (index.duration, index.own_duration, index.held) == (Fraction(10, 25), Fraction(3, 25), Fraction(7, 25))


def test_negative_times_count_from_the_first() -> None:
    index = from_packets(packets([-3, -2, -1, 0]), Fraction(1, 25), Claims(rates=[Fraction(25)]))
    assert [index.at(Fraction(n, 25)) for n in range(4)] == [0, 1, 2, 3]
