"""Which clips a script works on: the selection, else the clip at the playhead; cut by the in and out marks."""

from __future__ import annotations

from dataclasses import replace

from restrip.errors import BadInput
from restrip.timeline import FrameRange
from restrip_resolve.api import TimelineItem, can, listed, whole
from restrip_resolve.clips.clip import SourceClip, is_transition, read_clip, track_of
from restrip_resolve.clips.own import is_own_track, own_test
from restrip_resolve.session import Session


class NothingSelected(BadInput):
    """Neither a selection nor a clip at the playhead."""

    code = "nothing-selected"

    def __init__(self) -> None:
        super().__init__(
            "No clip is selected and none is at the playhead.",
            "Move the playhead over a clip (or select one, from Resolve 21.0.4 on) and run the script again.",
        )


def source_clips(session: Session, *, out_inclusive: bool = True) -> list[SourceClip]:
    """The clips to work on. Raises NothingSelected, MediaOffline, ResolveRefused."""
    found = [read_clip(session, item, track) for item, track in _chosen(session)]
    marks = marked_range(session, out_inclusive=out_inclusive)
    return [_cut(clip, marks) for clip in found]


def marked_range(session: Session, *, out_inclusive: bool = True) -> FrameRange | None:
    """The absolute frames between the in and the out mark; None when neither is set."""
    if not can(session.timeline, "GetMarkInOut"):
        return None
    marks = (session.timeline.GetMarkInOut() or {}).get("video") or {}
    if "in" not in marks and "out" not in marks:
        return None
    first = session.first + whole(marks.get("in", 0), "tell the in mark")
    if "out" in marks:
        end = session.first + whole(marks["out"], "tell the out mark") + (1 if out_inclusive else 0)
    else:
        end = whole(session.timeline.GetEndFrame(), "tell the timeline's end") + 1
    return FrameRange(first, max(first, end))


def _cut(clip: SourceClip, marks: FrameRange | None) -> SourceClip:
    if marks is None:
        return clip
    cut = clip.using(marks)
    if len(cut.used):
        return cut
    note = f"The in and out marks lie outside {clip.name}: all of it is used."
    return replace(clip, notes=(*clip.notes, note))


def _chosen(session: Session) -> list[tuple[TimelineItem, int]]:
    chosen = []
    if can(session.timeline, "GetSelectedClips"):
        for item in listed(session.timeline.GetSelectedClips(), "list the selected clips"):
            track = track_of(session, item)
            if track is not None and not is_transition(session, item, track):
                chosen.append(_source_under(session, item, track))
    if not chosen:
        chosen.append(_at_playhead(session))
    return _without_repeats(chosen)


def _at_playhead(session: Session) -> tuple[TimelineItem, int]:
    """The clip that is meant without a selection; which one it is, is said."""
    frame = session.playhead()
    footage = _footage_at(session, frame)
    if footage is None:
        current = session.timeline.GetCurrentVideoItem()
        track = track_of(session, current) if current else None
        if not current or track is None:
            raise NothingSelected
        footage = _source_under(session, current, track, frame)
    item, track = footage
    session.console.say(f"Nothing is selected: {item.GetName()} on video track {track}, at the playhead, is meant.")
    return item, track


def _source_under(
    session: Session, item: TimelineItem, track: int, frame: int | None = None
) -> tuple[TimelineItem, int]:
    """The item itself, or, for one of our own strips, the topmost clip under it."""
    ours, is_own = is_own_track(session, track), own_test(session)
    if not ours and not is_own(item):
        return item, track
    if frame is None:
        frame = whole(item.GetStart(), "tell where the clip starts")
    for below in range(track - 1, 0, -1):
        if is_own_track(session, below):
            continue
        other = _at(session, below, frame)
        if other is not None and not is_own(other):
            return other, below
    if ours:
        raise NothingSelected
    return item, track  # A strip of ours that was moved away from its source, and is meant itself.


def _footage_at(session: Session, frame: int) -> tuple[TimelineItem, int] | None:
    """The topmost clip with media at a frame that is no result of ours, on a track that is on.

    Titles, generators and adjustment clips have no media: what lies under them is meant.
    """
    timeline, is_own = session.timeline, own_test(session)
    for track in range(session.video_tracks(), 0, -1):
        if is_own_track(session, track) or timeline.GetIsTrackEnabled("video", track) is not True:
            continue
        item = _at(session, track, frame)
        if item is not None and item.GetMediaPoolItem() and not is_own(item):
            return item, track
    return None


def _at(session: Session, track: int, frame: int) -> TimelineItem | None:
    """The clip of a track at a frame; a transition is none."""
    for item in session.items(track):
        start = whole(item.GetStart(), "tell where the clip starts")
        length = whole(item.GetDuration(), "tell how long the clip is")
        if start <= frame < start + length and not is_transition(session, item, track):
            return item
    return None


def _without_repeats(chosen: list[tuple[TimelineItem, int]]) -> list[tuple[TimelineItem, int]]:
    by_id = {str(item.GetUniqueId()): (item, track) for item, track in chosen}
    return list(by_id.values())
