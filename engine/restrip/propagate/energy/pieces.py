"""What it costs to show a pixel of a key, and how pieces of them are found."""

from __future__ import annotations

COSTS = (1.0, 2000.0, 30.0, 0.5, 0.5, 60.0, 5.0, 3000.0)
"""fit; the most that a misfit counts, in squared code values; tie; squared pixels off the motion that cost nothing;
steady; a seam's own; how many times that where the motion can't be trusted; and there, the same pixel side by side, as
streaks show it."""
SWEEPS = ((9, 32, 1.0, 0.5), (5, 16, 1.0, 0.5), (3, 8, 1.0, 1.0), (1, 2, 1.0, 1.0))
"""How far pieces are passed on, the radius of random places, and how much is seen of a seam where motion can't be
trusted (drafts count little at first, so that pieces can begin there; here that left the seams where paint differs),
and up to what trust places take part."""
UNTRUSTED = 0.5  # where motion is trusted less, places at random are tried
SHARE = 1 / 100  # of descriptors' distances: squared code values, three channels
FARTHEST = 100.0  # squared pixels; farther from the motion costs no more
