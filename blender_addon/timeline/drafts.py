"""Drafts on the timeline: a result whose shown take is a draft has a name and a colour that say so."""

from __future__ import annotations

from typing import Any

from . import takes

COLOUR = "COLOR_02"
NAME = " (draft)"


def shown_in(meta: Any) -> bool:
    """Whether the take that a result shows is a draft."""
    return any(take.get("draft") for take in takes.listed(meta) if take["take"] == meta.restrip.take)


def settle(meta: Any) -> None:
    """Mark a result as its shown take asks for; the colour that it had is kept, and comes back with the full render."""
    known = meta.restrip
    if shown_in(meta):
        if not known.drafted:
            known.drafted, known.tag_before = True, meta.color_tag
            meta.name += NAME
            meta.color_tag = COLOUR
        return
    if known.drafted:
        known.drafted = False
        meta.name = meta.name.replace(NAME, "", 1)
        if meta.color_tag == COLOUR:  # Another colour is the editor's.
            meta.color_tag = known.tag_before or "NONE"
