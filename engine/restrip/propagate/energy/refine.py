"""How motion is sharpened at full size."""

from __future__ import annotations

WINDOW = 13  # pixels that move as one
TURNS = 2
CALM = 20.0  # squared code values a pixel: flat places stay where they are
FARTHEST = 1.0  # pixels a turn
