"""How a key's pieces are shown, and what they are worth."""

from __future__ import annotations

NEAR, FAR = 0.25, 0.06  # of what is shown beside and at the corners, over a seam
FINE = 2.0  # pixels; finer detail is brought to the key's own energy in the end
UNSURE = 60.0  # squared code values; pieces that fit so badly are worth a quarter
TORN = 3000.0  # squared code values that seams everywhere count as
FEW = 0.15  # of places; so many seams are none
