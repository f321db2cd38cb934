"""Times that are rounded to a file's clock, put back on the frames of their rate."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

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


def grid_of(
    times: Sequence[int], clock: Fraction, claims: Sequence[Fraction]
) -> tuple[Fraction | None, tuple[int, ...]]:
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
    near = [rate for rate in STANDARD_RATES if any(_may_last(length, 1 / (rate * clock)) for length in (usual, mean))]
    claimed = [rate for rate in claims if rate in near]
    # On a clock of few ticks a frame, many rates fit that leave gaps: one of the file's own that leaves none is meant.
    for candidates, whole in ((claimed, False), (near, True), (claims, True), (near, False), (claims, False)):
        found = _fitting(times, clock, candidates, whole)
        if found is not None:
            return found
    return _fitting(times, clock, measured, False) or (None, ())


def _fitting(
    times: Sequence[int], clock: Fraction, rates: Sequence[Fraction], whole: bool
) -> tuple[Fraction, tuple[int, ...]] | None:
    """The best fitting of the rates, and the frames' numbers; `whole` asks that no frame is left out."""
    fits = [(off, rate) for rate in rates if (off := _furthest(times, 1 / (rate * clock))) <= 1]
    if not fits:
        return None
    rate = min(fits, key=lambda fit: fit[0])[1]
    period = 1 / (rate * clock)
    frames = tuple(round((pts - times[0]) / period) for pts in times)
    return None if whole and frames[-1] > len(times) - 1 else (rate, frames)


def _may_last(length: Fraction, period: Fraction) -> bool:
    """Whether pictures that last `length` ticks may last one frame of `period` ticks.

    Rounding moves a step by a tick at most. Where a frame has few ticks that is frames, not a rounding: a clip of 15
    pictures a second whose clock ticks 15 times a second is none of 30 with every other picture dropped.
    """
    return abs(period - length) <= 2 and round(length / period) == 1


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
