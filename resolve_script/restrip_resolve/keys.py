"""Markers as keys: which count, where they lie in the clip, and what their texts ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from restrip.timeline import FrameRange, Key
from restrip_resolve.api import can, need
from restrip_resolve.clip import SourceClip
from restrip_resolve.session import Session

OWN = "Restrip"
"""Markers that Restrip sets begin with it; their texts are no prompts."""

# The names that Resolve gives new markers, in the languages it speaks.
_DEFAULT_NAME = re.compile(
    r"(marker|marcador|marqueur|marcatore|markierung|маркер|マーカー|标记|標記|마커|เครื่องหมาย|đánh dấu)\s*\d*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b(seed|image)\s*[:=]\s*(\"[^\"]+\"|\S+)", re.IGNORECASE)


def keys_of(session: Session, clip: SourceClip, colour: str) -> list[Key]:
    """The keys that markers ask for, counted from the first frame of the clip's used range.

    Timeline markers of `colour` that lie over the item, and every marker on the item itself. Those outside the used
    range are among them, so that it can be said how many weren't used.
    """
    span = FrameRange(clip.start, clip.start + clip.length)
    found = []
    markers = need(session.timeline.GetMarkers(), "list the timeline's markers")
    for offset, marker in markers.items():
        frame = session.first + round(offset)
        if marker.get("color") == colour and frame in span:
            found.append(key_of(frame - clip.first_used, marker))
    own = need(clip.item.GetMarkers(), "list the clip's markers") if can(clip.item, "GetMarkers") else {}
    for offset, marker in own.items():
        # An item's markers count from the start of the media, not of what is visible.
        frame = clip.start + round(offset) - clip.left
        found.append(key_of(frame - clip.first_used, marker))
    return sorted(found, key=lambda key: key.frame)


def key_of(frame: int, marker: Mapping[str, Any]) -> Key:
    """A marker's note, or else its name, is the prompt; `seed: 7` and `image: /a/path.png` in it set those."""
    name, note = str(marker.get("name") or "").strip(), str(marker.get("note") or "").strip()
    text = "" if note.startswith(OWN) else note
    if not text and not name.startswith(OWN) and not _DEFAULT_NAME.fullmatch(name):
        text = name
    words = {word.lower(): value.strip('"') for word, value in _WORD.findall(text)}
    prompt = " ".join(_WORD.sub(" ", text).split())
    seed = words.get("seed", "")
    return Key(
        frame,
        prompt=prompt or None,
        seed=int(seed) if re.fullmatch(r"-?\d+", seed) else None,
        image=words.get("image"),
        name=name,
    )
