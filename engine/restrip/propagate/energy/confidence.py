"""What rebuild errors say of a prediction."""

from __future__ import annotations

FLOOR = 10.0  # squared code values, three channels; below it errors are noise
BLUR = 1.2  # pixels
