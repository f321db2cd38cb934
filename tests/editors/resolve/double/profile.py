"""Versions and editions of Resolve: which methods they have, and where they behave differently."""

from __future__ import annotations

from dataclasses import dataclass

# When a method came, for those that aren't in every version here. The rest is in 18.6 already.
SINCE: dict[tuple[str, str], tuple[int, int, int]] = {
    ("Timeline", "GetMarkInOut"): (19, 1, 0),
    ("Timeline", "SetMarkInOut"): (19, 1, 0),
    ("Timeline", "ClearMarkInOut"): (19, 1, 0),
    ("Timeline", "GetMediaPoolItem"): (20, 0, 0),
    ("MediaPoolItem", "GetThirdPartyMetadata"): (19, 0, 0),
    ("MediaPoolItem", "SetThirdPartyMetadata"): (19, 0, 0),
    ("Timeline", "GetSelectedClips"): (21, 0, 4),
    ("TimelineItem", "GetTrackTypeAndIndex"): (19, 0, 0),
    ("TimelineItem", "GetSourceStartFrame"): (19, 0, 2),
    ("TimelineItem", "GetSourceEndFrame"): (19, 0, 2),
    ("TimelineItem", "GetNodeGraph"): (19, 0, 0),
    ("TimelineItem", "GetColorGroup"): (19, 0, 0),
    ("Timeline", "GetNodeGraph"): (19, 1, 0),
    ("TimelineItem", "AddTransition"): (21, 1, 0),
    ("TimelineItem", "GetSpeed"): (21, 1, 0),
}

# What the stubs for 21.0.0 don't have yet, with the parameters that the definitions shipped with 21.1 give.
OVERLAY: dict[tuple[str, str], tuple[str, ...]] = {
    ("Timeline", "GetSelectedClips"): (),
    ("TimelineItem", "AddTransition"): ("transitionOptions",),
    ("TimelineItem", "GetSpeed"): (),
}

STUDIO_ONLY = {("TimelineItem", "AddTransition"), ("TimelineItem", "GetSpeed")}


@dataclass(frozen=True)
class Profile:
    """One Resolve. The flags are what isn't known of a version, or differs between versions.

    docs/resolve-double.md says of each what it does and where it is known from.
    """

    version: tuple[int, int, int]
    studio: bool = True
    python: bool = True
    end_inclusive: bool = False
    odd_rounds_up: bool = False
    overlap: str = "drop"
    makes_up_methods: bool = False
    out_inclusive: bool = True
    preset_keeps_folder: bool = False
    links_with_sources: bool | None = None
    empty_append: int = 0
    third_party_sticks: bool = True
    deletes_closed: bool = False

    def has(self, kind: str, method: str) -> bool:
        since = SINCE.get((kind, method), (0, 0, 0))
        return self.version >= since and (self.studio or (kind, method) not in STUDIO_ONLY)


PROFILES = {
    "18.6": Profile((18, 6, 6), end_inclusive=True),
    "20": Profile((20, 0, 0), studio=False),
    "21.0.3": Profile((21, 0, 3), studio=False, overlap="slide"),
    "21.0.4": Profile((21, 0, 4), studio=False),
    "21.1": Profile((21, 1, 0)),
    "21.1 free": Profile((21, 1, 0), studio=False, python=False),
}
