"""How numba compiles the CPU's kernels."""

from __future__ import annotations

from typing import Any

EXACT: dict[str, Any] = {"boundscheck": False, "cache": True, "nogil": True}
"""For whole numbers, and where the GPU's kernels give the same to the last bit."""

FAST: dict[str, Any] = {**EXACT, "fastmath": {"contract", "nsz", "arcp"}}
"""For floating point: products and sums may be fused, a division may become a product; the order of sums stays."""
