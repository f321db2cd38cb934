"""The built-in looks as people choose them: by number and picture. Loads no numerics."""

from __future__ import annotations

from pathlib import Path

LOOKS = 26
LEADING = (19, 0, 24, 8, 11, 14)
"""Those shown first; the rest follow by number. The networks' makers gave them no names."""

THUMBNAILS = Path(__file__).parent.parent / "data" / "looks"


def list_looks() -> list[tuple[str, str, Path]]:
    """(name, label, thumbnail) of each built-in look, the ones to lead with first; thumbnails are 240x135 JPEGs."""
    numbers = [*LEADING, *(n for n in range(LOOKS) if n not in LEADING)]
    return [(f"neural:{n}", f"Look {n}", THUMBNAILS / f"{n:02d}.jpg") for n in numbers]
