"""How style is counted."""

from __future__ import annotations

CODE = 257.0  # style is read in 16-bit code values
