"""Where details of one key are shown instead of a mean of both, and how fast places are handed over."""

from __future__ import annotations

from math import log

CELLS = 72  # along the picture's short side: a few make a stroke
LEAST = 4  # pixels a cell
TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # of what cells are blurred with, across and down
ALIKE, STRANGE = 0.05, 0.3  # variance of the difference over both variances: averaged up to the first; 1 is by chance
PLAIN = 8.0  # squared code values, three channels: less variance is no stroke
SHARP = 4.0  # how much faster than a mean a place is handed over
LIKED = 4.0  # how much the stronger stroke is preferred
LONGEST = 3.0  # log odds; that far at most it is preferred, about to a fifth of the gap
FARTHEST = 14.0  # log odds of two shares; one of them is nothing then


def cell_of(size: tuple[int, int]) -> int:
    """Pixels a cell's side for pictures of (width, height)."""
    return max(LEAST, round(min(size) / CELLS))


def odds_of(left: float, right: float) -> float:
    """The log of how much more the right key counts, sharpened."""
    least = 1e-9
    return SHARP * min(max(log(max(right, least)) - log(max(left, least)), -FARTHEST), FARTHEST)
