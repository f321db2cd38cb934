"""Timeline markers as keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from restrip.timeline import FrameRange, Key, keys_from_markers

# "K", "K3", "K (motion)", "K: a prompt", "K3: a prompt seed: 7", "K: seed: 7"
_NAMED = re.compile(r"K\d*\s*(?:\([^)]*\)\s*)?(?::\s*(?P<prompt>.*))?")
_SEED = re.compile(r"(?:^|[\s,]+)seed\s*[:=]\s*(\d+)(?=$|[\s,])", re.IGNORECASE)


def key_at(name: str, frame: int, images: Mapping[str, str]) -> Key:
    """A marker as a key: a name like "K: a prompt seed: 7" brings prompt and seed, one in `images` its picture."""
    image = images.get(name)
    if image is not None:
        return Key(frame, image=image, name=name)
    named = _NAMED.fullmatch(name.strip())
    text = (named["prompt"] or "").strip() if named else ""
    seed = _SEED.search(text)
    prompt = _SEED.sub("", text, count=1).strip(" ,")
    return Key(frame, prompt=prompt or None, seed=int(seed[1]) if seed else None, name=name)


def keys_in(
    markers: Iterable[Any], span: FrameRange, *, only_named: bool, images: Mapping[str, str]
) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The keys of a strip that covers `span`, counted from its first frame, and notes about them.

    `only_named` leaves out markers whose name doesn't begin with K as above.
    """
    given = [
        key_at(marker.name, marker.frame - span.first, images)
        for marker in sorted(markers, key=lambda marker: marker.frame)
        if not only_named or _NAMED.fullmatch(marker.name.strip())
    ]
    return keys_from_markers(given, len(span), span.first)


def count_in(markers: Iterable[Any], span: FrameRange, *, only_named: bool) -> int:
    """How many keyframes the markers make; cheap enough for drawing."""
    return len({m.frame for m in markers if m.frame in span and (not only_named or _NAMED.fullmatch(m.name.strip()))})


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
