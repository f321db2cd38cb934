"""Markers as keys: which count, where they lie in the clip, and what their texts ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restrip.timeline import FrameRange, Key, read_noted
from restrip_resolve.api import can, need
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.session import Session


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
    """A marker's note, and its name for what the note leaves open (docs/markers.md); Resolve's own names are none."""
    name = str(marker.get("name") or "").strip()
    said = read_noted(name, str(marker.get("note") or ""))
    return Key(frame, prompt=said.prompt, seed=said.seed, image=said.image, name=name)
