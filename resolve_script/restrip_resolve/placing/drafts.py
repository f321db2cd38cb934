"""A draft on the timeline: its strips have a colour, and fill the picture though their files are small."""

from __future__ import annotations

from collections.abc import Sequence

from restrip_resolve.api import TimelineItem, can
from restrip_resolve.journal import Guard

COLOUR = "Orange"
SCALING = "Scaling"
FIT = 2
"""SCALE_FIT of the properties of items: whatever the project does with files of another size."""


def mark(items: Sequence[TimelineItem]) -> str:
    """Colour strips as a draft's and let them fill the picture; a sentence when Resolve takes the latter for none.

    The strips lie where they belong already: what is refused here is no error.
    """
    small = False
    for item in items:
        if can(item, "SetClipColor"):
            with Guard():
                item.SetClipColor(COLOUR)
        filled = False
        with Guard():
            filled = bool(item.SetProperty(SCALING, FIT))
        small |= not filled
    if not small:
        return ""
    return "The draft may be shown small: set Inspector > Retime and Scaling > Scaling to Fit on its strips."
