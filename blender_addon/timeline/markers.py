"""Timeline markers as keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from restrip.timeline import FrameRange, Key, keys_from_markers, read_marker

LONGEST = 63
"""Bytes of a marker's name that Blender keeps."""


def key_at(name: str, frame: int, images: Mapping[str, str]) -> Key:
    """A marker as a key: its name's text as in docs/markers.md, or, for a name in `images`, that picture.

    Only a name that is meant for Restrip brings a prompt: others are the user's own notes.
    """
    image = images.get(name)
    if image is not None:
        return Key(frame, image=image, name=name)
    text = read_marker(name)
    if not text.named:
        return Key(frame, name=name)
    return Key(frame, prompt=text.prompt, seed=text.seed, image=text.image, name=name)


def keys_in(
    markers: Iterable[Any],
    span: FrameRange,
    *,
    only_named: bool,
    images: Mapping[str, str],
    texts: Mapping[str, str] | None = None,
) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The keys of a strip that covers `span`, counted from its first frame, and notes about them.

    `only_named` leaves out markers whose name isn't meant for Restrip (K, K2, K (motion), `seed:` or `image:`) and
    that have no picture. `texts` hold what is too long for a marker's name, by that name.
    """
    given = [
        replace(
            key_at((texts or {}).get(marker.name, marker.name), marker.frame - span.first, images), name=marker.name
        )
        for marker in sorted(markers, key=lambda marker: marker.frame)
        if not only_named or marker.name in images or read_marker(marker.name).named
    ]
    return keys_from_markers(given, len(span), span.first)


def count_in(markers: Iterable[Any], span: FrameRange, *, only_named: bool, images: Collection[str] = ()) -> int:
    """How many keyframes the markers make; cheap enough for drawing. `images` are names of markers with a picture."""

    def counts(name: str) -> bool:
        return not only_named or name in images or read_marker(name).named

    return len({marker.frame for marker in markers if marker.frame in span and counts(marker.name)})


def image_name(file: str, taken: Collection[str]) -> str:
    """The name of a new marker for a painted picture, not taken yet: "K: wave.png", "K2: wave.png"."""
    names = (f"K{number if number > 1 else ''}: {file}"[:LONGEST] for number in count(1))
    return next(name for name in names if name not in taken)


def own_name(name: str, taken: Collection[str]) -> str:
    """A marker's name, with a number when other markers (`taken`) have it, too: pictures are known by it."""
    gap = "" if name == "K" else " "
    ends = ("" if number == 1 else f"{gap}{number}" for number in count(1))
    names = (f"{name[: LONGEST - len(end)]}{end}" for end in ends)
    return next(found for found in names if found not in taken)


def write(scene: Any, span: FrameRange, keys: Sequence[tuple[int, str]]) -> list[Any]:
    """Markers for keys (frame of the strip, reason), where there is none on that frame yet."""
    taken = {marker.frame for marker in scene.timeline_markers}
    return [
        scene.timeline_markers.new(f"K ({reason})" if reason else "K", frame=span.first + frame)
        for frame, reason in keys
        if span.first + frame not in taken
    ]
