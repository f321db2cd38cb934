"""How weighted predictions are summed up in cells."""

from __future__ import annotations

import numpy as np

SUMS = 11
"""What `sum_up` finds for a cell."""
EVEN = np.float32(8)
"""Details turn all the way where one key is worth up to six times the other; where one knows no more, not at all."""
