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
