"""Blocks that are laid whole where motion can't be trusted, before pieces are sewn."""

from __future__ import annotations

SIDE = 12  # pixels
ROUNDS = ((0, 100), (0, 150), (SIDE // 2, 200), (SIDE // 2, 250))
"""How far the blocks' borders are moved, and the seed of random places; two colours of a chessboard, one after the
other, and then with borders in the middles of the first ones."""
UNTRUSTED = 0.5  # trust of motion: a block is one of which three quarters have less
CHEAPER = 34  # per cent of what it costs as it is: a block that is changed for less gain flickers
SHARDS = 190_000
"""Hundredths a pixel that the seams within a block cost at least: then it has fallen to shards, and they are seen. What
is still whole, or in a soft look hardly parted, is left alone however badly it fits."""
MOST = 600_000  # that a misfit counts, in hundredths of squared code values
SEAM, AGAIN = 15_000, 300_000  # hundredths that a seam costs by itself, and the same pixel side by side
SEEN = 20  # hundredths a squared code value that a seam shows
AROUND, RADII = 32, 6  # pixels at most from the best, halved so many times
NEAR, RANDOM = 12, 6  # places tried so near to the best, and anywhere
