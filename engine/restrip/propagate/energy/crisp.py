"""How fine detail is brought to the energy that the keys have."""

from __future__ import annotations

AROUND = (21, 21)  # pixels; over which energies are compared
MOST, LEAST = 1.45, 0.8  # times; more would be grain, less a blur
PLAIN = 3.0  # squared code values
SOFT = 5.0  # pixels over which whole strokes give way to a mean
KNOWN = 0.01, 0.06  # worth of one key alone: under the first its strokes aren't shown whole, over the second they are
AROUND_KNOWN, SOFT_KNOWN = 6.0, 3.0  # pixels over which that is measured, and eased
