"""How far matches are searched, and what ties them to the motion."""

from __future__ import annotations

TIE = 1.0  # of a match to where the motion leads, a squared pixel
SWEEPS = ((9, 32), (3, 4), (1, 2))  # one full sweep each: how far matches are passed on, radius of its search
QUIET = 500.0  # a match as close as this (two code values a pixel) is kept
