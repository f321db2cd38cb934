"""What can be said about the pictures of a sequence before they are decoded: alike or not, whole or with gaps."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.pictures.picture import PictureFacts, picture_facts, read_picture
from restrip.timeline import files_in, gaps_of, is_picture

_KEPT: OrderedDict[tuple[str, int, int], PictureFacts] = OrderedDict()
MOST_KEPT = 20_000


@dataclass(frozen=True)
class Listing:
    """A sequence's pictures together: the first one's size (width, height), the most bits, alpha where any has it.

    `unreadable` are the numbers of pictures whose headers can't be read.
    """

    size: tuple[int, int]
    bits: int
    alpha: bool
    codec: str
    unreadable: frozenset[int]
    notes: tuple[str, ...]


def list_pictures(paths: Sequence[str]) -> Listing:
    """Look at the header of every picture. The first must be readable. Raises MediaMissing, MediaUnreadable."""
    first = read_picture(paths[0])
    facts: dict[int, PictureFacts] = {}
    for number, path in enumerate(paths):
        with suppress(MediaMissing, MediaUnreadable):
            facts[number] = _facts(path)
    bits = max([16 if first.deep else 8, *(one.bits for one in facts.values())])
    alpha = first.alpha is not None or any(one.alpha for one in facts.values())
    unreadable = frozenset(range(len(paths))) - facts.keys()
    notes = [*_notes_of_files(facts), *_differences(first.size, facts)]
    if unreadable:
        notes.append(f"Pictures of the sequence can't be read: {listed(unreadable)}. The one before is shown.")
    notes += [*_gaps(paths), *_others(paths)]
    return Listing(first.size, bits, alpha, Path(paths[0]).suffix.lower().lstrip("."), unreadable, tuple(notes))


def listed(numbers: Iterable[int], most: int = 12) -> str:
    """Numbers as a sentence lists them, neighbours as a span: "3, 5 to 9"."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [f"{low}" if low == high else f"{low} to {high}" for low, high in spans]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _facts(path: str) -> PictureFacts:
    """The facts of a picture, kept for as long as the file is unchanged."""
    try:
        stat = os.stat(path)
    except OSError:
        raise MediaMissing(path) from None
    key = (path, stat.st_size, stat.st_mtime_ns)
    if key not in _KEPT:
        _KEPT[key] = picture_facts(path)
        while len(_KEPT) > MOST_KEPT:
            _KEPT.popitem(last=False)
    return _KEPT[key]


def _notes_of_files(facts: dict[int, PictureFacts]) -> list[str]:
    """What single files say, each sentence once, with the pictures that it is about unless it is about all."""
    about: dict[str, list[int]] = {}
    for number, one in facts.items():
        for note in one.notes:
            about.setdefault(note, []).append(number)
    return [
        note if len(numbers) == len(facts) else f"Picture {listed(numbers)}: {note}" for note, numbers in about.items()
    ][:6]


def _differences(size: tuple[int, int], facts: dict[int, PictureFacts]) -> list[str]:
    notes = []
    others = [number for number, one in facts.items() if one.size != size]
    if others:
        sizes = sorted({f"{one.size[0]}x{one.size[1]}" for one in facts.values() if one.size != size})
        notes.append(
            f"Pictures of the sequence have another size ({', '.join(sizes[:4])}) than the first "
            f"({size[0]}x{size[1]}) and are resampled: {listed(others)}."
        )
    depths = {one.bits for one in facts.values()}
    if len(depths) > 1:
        notes.append(f"Pictures of the sequence have 8 or 16 bit a channel: all are taken with {max(depths)}.")
    clear = [number for number, one in facts.items() if one.alpha]
    if clear and len(clear) < len(facts):
        notes.append(f"Pictures {listed(clear)} of the sequence have transparency, the others count as opaque.")
    return notes


def _gaps(paths: Sequence[str]) -> list[str]:
    """What is missing between the numbers, and what is shown for it."""
    held = [number for number, (one, other) in enumerate(pairwise(paths), start=1) if one == other]
    if held:
        return [f"Pictures are missing from the sequence: the one before is held at {listed(held)}."]
    gaps = gaps_of(paths)
    if not gaps:
        return []
    places = ", ".join(f"{gap.count} between {gap.before} and {gap.after}" for gap in gaps[:6])
    more = f" and {len(gaps) - 6} more gaps" if len(gaps) > 6 else ""
    return [f"Pictures are missing from the sequence ({places}{more}): those that are there follow each other."]


def _others(paths: Sequence[str]) -> list[str]:
    """Files that lie beside the pictures of a whole folder and are none."""
    folders = {os.path.dirname(path) for path in paths}
    if len(folders) != 1 or len(paths) < 2:
        return []
    try:
        there = files_in(folders.pop())
    except OSError:
        return []
    pictures = {str(path) for path in there if is_picture(path)}
    if pictures != set(paths):
        return []  # A choice of some: what else lies there is the user's business.
    names = [path.name for path in there if not is_picture(path)]
    if not names:
        return []
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return [f"Files in the folder are no pictures and were left alone: {', '.join(names[:6])}{more}."]
