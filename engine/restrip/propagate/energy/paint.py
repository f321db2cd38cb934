"""How a key's pieces are shown, and what they are worth."""

from __future__ import annotations

NEAR, FAR = 0.25, 0.06  # of what is shown beside and at the corners, over a seam
FINE = 2.0  # pixels; finer detail is brought to the key's own energy in the end
UNSURE = 60.0  # squared code values; pieces that fit so badly are worth a quarter
TORN = 3000.0  # squared code values that seams everywhere count as
ASIDE, BESIDE = 1.2, 2.0  # pixels that strokes are moved at most; motion that is farther off is another thing's
EVEN = 2.0  # pixels; what strokes are moved by is evened out
FEW = 0.15  # of places; so many seams are none
