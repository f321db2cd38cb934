"""Mixes of built-in looks: "19" is one, "3:0.7+12:0.3" are two with their weights."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 4
"""So many are drawn as a list; a longer one stays a text."""

Part = tuple[str, float]
"""A look's number, and its weight beside the others."""


def parse(text: str) -> list[Part]:
    """The looks of a mix; empty for a text that is none."""
    parts: list[Part] = []
    for piece in text.split("+"):
        number, colon, weight = piece.strip().partition(":")
        try:
            part = number.strip(), float(weight) if colon else 1.0
        except ValueError:
            return []
        if not part[0].isdecimal():
            return []
        parts.append(part)
    return parts


def written(parts: Sequence[Part]) -> str:
    """The text that `parse` reads; a look alone has no weight, and one without weight is hardly there."""
    if len(parts) == 1:
        return parts[0][0]
    return "+".join(f"{number}:{max(0.01, weight):.4g}" for number, weight in parts)


def with_weight(text: str, index: int, weight: float) -> str:
    """The mix with another weight for one of its looks."""
    parts = parse(text)
    if index < len(parts):
        parts[index] = parts[index][0], weight
    return written(parts)


def with_look(text: str, index: int, number: str) -> str:
    """The mix with another look in one place."""
    parts = parse(text)
    if index < len(parts):
        parts[index] = number, parts[index][1]
    return written(parts)


def with_one_more(text: str, numbers: Sequence[str]) -> str:
    """The mix with the first of these looks that isn't in it yet, half as strong as all others together."""
    parts = parse(text) or [(numbers[0], 1.0)]
    if len(parts) == 1:
        parts = [(parts[0][0], 0.5)]
    there = {number for number, _ in parts}
    new = next((number for number in numbers if number not in there), numbers[0])
    return written([*parts, (new, 0.5)])


def without(text: str, index: int) -> str:
    """The mix without one of its looks; the last one stays."""
    parts = parse(text)
    return written([part for n, part in enumerate(parts) if n != index] or parts)
