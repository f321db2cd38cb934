"""Tracks for results: our own ones where they are free, else new ones right above the source."""

from __future__ import annotations

from dataclasses import dataclass

from restrip.timeline import FrameRange
from restrip_resolve.api import ResolveRefused, done, listed, uid, whole
from restrip_resolve.clips.own import OWN_TRACK, is_own_track
from restrip_resolve.clips.survey import Survey, spot_of
from restrip_resolve.journal import Journal
from restrip_resolve.session import Session

NAMES = (OWN_TRACK, f"{OWN_TRACK} (upper)")


@dataclass(frozen=True)
class Tracks:
    """The tracks to use, lower first, and which of them are new (their numbers now)."""

    numbers: tuple[int, ...]
    inserted: tuple[int, ...]
    notes: tuple[str, ...] = ()


def take_tracks(session: Session, journal: Journal, before: Survey, wanted: tuple[int, FrameRange, int]) -> Tracks:
    """`wanted` is (the track to lie above, the absolute frames needed, how many tracks). Raises ResolveRefused.

    The track to lie above is the source's, or the highest with an earlier result of it.
    """
    source, span, layers = wanted
    free = [n for n in range(source + 1, before.tracks + 1) if _usable(session, n, span)]
    for at in range(len(free) - layers + 1):
        run = free[at : at + layers]
        if run == list(range(run[0], run[0] + layers)) and not _covered(before, run[-1], span):
            return Tracks(tuple(run), ())
    covered = _covered(before, source, span)
    inserting = bool(covered) and source < before.tracks and whole(_major(session), "tell its version") >= 19
    notes = () if inserting or not covered else (f"{covered} items above the clip are covered by the new strips.",)
    numbers = []
    for layer in range(layers):
        at = source + 1 + layer if inserting else before.tracks + 1 + layer
        _add(session, journal, before, at, inserting)
        session.timeline.SetTrackName("video", at, NAMES[layer])
        numbers.append(at)
    return Tracks(tuple(numbers), tuple(numbers), notes)


def _major(session: Session) -> int:
    version = listed(session.resolve.GetVersion(), "tell its version")
    return int(version[0]) if version else 0


def _usable(session: Session, track: int, span: FrameRange) -> bool:
    """One of our tracks, on, unlocked, and empty where the result goes."""
    timeline = session.timeline
    if not is_own_track(session, track):
        return False
    if timeline.GetIsTrackEnabled("video", track) is not True or timeline.GetIsTrackLocked("video", track) is not False:
        return False
    spots = (spot_of(item, track) for item in session.items(track))
    return not any(spot.overlaps(span) for spot in spots)


def _covered(before: Survey, track: int, span: FrameRange) -> int:
    """How many items lie above a track within the span."""
    return sum(spot.track > track and spot.overlaps(span) for spot in before.spots.values())


def _add(session: Session, journal: Journal, before: Survey, at: int, inserting: bool) -> None:
    timeline = session.timeline
    count = session.video_tracks()
    journal.undo(f"Video track {at}", lambda: _remove(session, before, at, count))
    answer = timeline.AddTrack("video", {"index": at}) if inserting else timeline.AddTrack("video")
    done(answer, "add a video track")
    if session.video_tracks() != count + 1 or session.items(at) or not _moved_up(session, before, at):
        raise ResolveRefused(f"add video track {at}")


def _moved_up(session: Session, before: Survey, at: int) -> bool:
    """Whether what lay above the new track was moved up by it: an index out of bounds adds a track on top instead."""
    new = session.video_tracks() - before.tracks
    above = [(spot.track, name) for name, spot in before.spots.items() if spot.track + new > at]
    if not above:
        return True
    track, name = min(above)
    return any(uid(item) == name for item in session.items(track + new))


def _remove(session: Session, before: Survey, at: int, count: int) -> None:
    """Take our track away again; never one that holds something that isn't ours."""
    if session.video_tracks() <= count:
        return
    where = at if _moved_up(session, before, at) else session.video_tracks()
    if any(uid(item) in before.spots for item in session.items(where)):
        raise ResolveRefused("find the track that was added")
    done(session.timeline.DeleteTrack("video", where), f"delete video track {where}")
    if session.video_tracks() > count:
        raise ResolveRefused(f"delete video track {where}")
