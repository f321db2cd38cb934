"""The built-in looks as people choose them: by name and picture. Loads no numerics."""

from __future__ import annotations

from pathlib import Path

NAMES = (
    "Soft Pastel",
    "Ink and Yellow",
    "Charcoal and Sand",
    "Broken Glass",
    "Crimson Oil",
    "Rust and Violet",
    "Indigo Dots",
    "Night Poster",
    "Pink Watercolour",
    "Teal Pebbles",
    "Copper",
    "Golden Ink",
    "Lavender and Gold",
    "Jungle Oil",
    "Pale Ice",
    "Coloured Pencil",
    "Violet Crayon",
    "Brick Weave",
    "Sepia Woodcut",
    "Blue Night",
    "Embers",
    "Comic Pastel",
    "Ink with Red",
    "Dark Mist",
    "Blue Woodblock",
    "Slate Etching",
)
"""What each look's picture shows, by its number: the networks' makers gave them no names."""

LOOKS = len(NAMES)
LEADING = (19, 0, 24, 8, 11, 14)
"""Those shown first; the rest follow by number."""

THUMBNAILS = Path(__file__).parents[2] / "data" / "looks"


def list_looks() -> list[tuple[str, str, Path]]:
    """(name, label, thumbnail) of each built-in look, the ones to lead with first; thumbnails are 240x135 JPEGs.

    The name is what a job takes ("neural:19"), the label what people read, its number behind ("Blue Night (19)").
    """
    numbers = [*LEADING, *(n for n in range(LOOKS) if n not in LEADING)]
    return [(f"neural:{n}", f"{NAMES[n]} ({n})", THUMBNAILS / f"{n:02d}.jpg") for n in numbers]
