"""How numba compiles the CPU's kernels."""

from __future__ import annotations

import os
from typing import Any

# OpenMP's threads would spin for milliseconds whenever one waits for another, on cores that decoding, encoding and
# OpenCV need: a quarter of all CPU time. It reads this when numba first asks for threads; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

EXACT: dict[str, Any] = {"boundscheck": False, "cache": True, "nogil": True}
"""For whole numbers, and where the GPU's kernels give the same to the last bit."""

FAST: dict[str, Any] = {**EXACT, "fastmath": {"contract", "nsz", "arcp"}}
"""For floating point: products and sums may be fused, a division may become a product; the order of sums stays."""

INLINE: dict[str, Any] = {**EXACT, "forceinline": True}
"""For parts of exact kernels that take arrays: called, they would count who holds these, with locks, at each pixel."""
