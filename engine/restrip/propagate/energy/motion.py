"""How motion between frames is chosen."""

from __future__ import annotations

FAVOUR = 0.9  # the first of several flows is taken unless another rebuilds a place better by this
AROUND = 9  # pixels around each by which the better of two flows is told
MIN_SIDE = 16  # DIS needs a few patches a side; its coarser preset needs more
MIN_SIDE_DIRECT = 48
STRIDE = 5  # pixels between the places that a draft searches between neighbours
TRIES = 8  # and how often it betters each; the usual 12 every 4 take half as long again and find no other strokes
SMOOTHING = 2  # turns of DIS's own refinement: its usual 5 cost a third more, none lose turning surfaces
LIGHT_SIDE = 180  # the shorter side, at most twice this, at which light is compared
