"""What lies on the video tracks, so that it can be compared afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from restrip.timeline import FrameRange
from restrip_resolve.api import Timeline, TimelineItem, listed, uid, whole
from restrip_resolve.session import Session


@dataclass(frozen=True)
class Spot:
    """Where an item lies: track, absolute start, length."""

    track: int
    start: int
    length: int

    def overlaps(self, span: FrameRange) -> bool:
        """Whether the item lies anywhere in the absolute frames of `span`."""
        return self.start < span.end and span.first < self.start + self.length


@dataclass(frozen=True)
class Survey:
    """All items by id, and how many video tracks there are."""

    spots: Mapping[str, Spot]
    tracks: int


def take(session: Session) -> Survey:
    """Look at every video track."""
    spots = {uid(item): spot for item, spot in spots_of(session)}
    return Survey(spots, session.video_tracks())


def spots_of(session: Session) -> Iterator[tuple[TimelineItem, Spot]]:
    """Every item with its place."""
    for item, track in items_of(session.timeline):
        yield item, spot_of(item, track)


def items_of(timeline: Timeline) -> Iterator[tuple[TimelineItem, int]]:
    """Every item of a timeline's video tracks, transitions among them, with its track's number."""
    for track in range(1, whole(timeline.GetTrackCount("video"), "count the video tracks") + 1):
        for item in listed(timeline.GetItemListInTrack("video", track), f"list video track {track}"):
            yield item, track


def spot_of(item: TimelineItem, track: int) -> Spot:
    """An item's place."""
    start = whole(item.GetStart(), "tell where an item starts")
    return Spot(track, start, whole(item.GetDuration(), "tell how long an item is"))


def disturbed(before: Survey, after: Survey, inserted: tuple[int, ...]) -> list[str]:
    """What has changed of what was there before, tracks inserted at `inserted` (their numbers afterwards) aside."""
    changed = []
    for name, spot in before.spots.items():
        track = spot.track
        for new in sorted(inserted):
            track += track >= new
        now = after.spots.get(name)
        if now != Spot(track, spot.start, spot.length):
            changed.append(f"an item on track {spot.track} at {spot.start} is now {now}")
    return changed
