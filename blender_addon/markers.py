"""Timeline markers as keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from restrip.timeline import FrameRange, Key, keys_from_markers, read_marker


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
    markers: Iterable[Any], span: FrameRange, *, only_named: bool, images: Mapping[str, str]
) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The keys of a strip that covers `span`, counted from its first frame, and notes about them.

    `only_named` leaves out markers whose name isn't meant for Restrip: K, K2, K (motion), `seed:` or `image:`.
    """
    given = [
        key_at(marker.name, marker.frame - span.first, images)
        for marker in sorted(markers, key=lambda marker: marker.frame)
        if not only_named or read_marker(marker.name).named
    ]
    return keys_from_markers(given, len(span), span.first)


def count_in(markers: Iterable[Any], span: FrameRange, *, only_named: bool) -> int:
    """How many keyframes the markers make; cheap enough for drawing."""
    return len({m.frame for m in markers if m.frame in span and (not only_named or read_marker(m.name).named)})


def image_name(file: str, taken: Collection[str]) -> str:
    """A marker's name for a painted picture, not taken yet: "K: wave.png", "K2: wave.png"."""
    names = (f"K{number if number > 1 else ''}: {file}" for number in count(1))
    return next(name for name in names if name not in taken)


def write(scene: Any, span: FrameRange, keys: Sequence[tuple[int, str]]) -> list[Any]:
    """Markers for keys (frame of the strip, reason), where there is none on that frame yet."""
    taken = {marker.frame for marker in scene.timeline_markers}
    return [
        scene.timeline_markers.new(f"K ({reason})" if reason else "K", frame=span.first + frame)
        for frame, reason in keys
        if span.first + frame not in taken
    ]
