"""Which items of a timeline are results of ours: by the job's id in their clip's metadata, else by their files.

A track's name says little: users rename tracks and move strips. The job's id travels with the media pool's clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from restrip.timeline import FrameRange
from restrip_resolve import ledger
from restrip_resolve.api import MediaPoolItem, TimelineItem, can, done, uid
from restrip_resolve.clips.survey import Spot, spots_of
from restrip_resolve.journal import Guard
from restrip_resolve.session import Session

TAG = "Restrip job"
OWN_TRACK = "Restrip"
"""Tracks of this name hold results; what lies under them is the source."""


@dataclass(frozen=True)
class OwnItem:
    """A strip of ours on the timeline, and the job that made it."""

    item: TimelineItem
    spot: Spot
    job_id: str


def mark_media(media: Iterable[MediaPoolItem], job_id: str) -> None:
    """Write the job's id into the clips' metadata, where this version of Resolve takes it."""
    for clip in media:
        if can(clip, "SetThirdPartyMetadata"):
            with Guard():  # What can't be marked is known by its file.
                clip.SetThirdPartyMetadata(TAG, job_id)


def own_items(session: Session) -> list[OwnItem]:
    """All strips of ours on the timeline."""
    files = ledger.files_of(session.key)
    found = []
    for item, spot in spots_of(session):
        job_id = _job_of(item, files)
        if job_id:
            found.append(OwnItem(item, spot, job_id))
    return found


def own_test(session: Session) -> Callable[[TimelineItem], bool]:
    """Tells whether an item is a strip of ours; the records are read once, here."""
    files = ledger.files_of(session.key)
    return lambda item: bool(_job_of(item, files))


def is_own_track(session: Session, track: int) -> bool:
    """Whether a track was made for results."""
    return str(session.timeline.GetTrackName("video", track) or "").startswith(OWN_TRACK)


def _job_of(item: TimelineItem, files: dict[str, str]) -> str:
    media = item.GetMediaPoolItem()
    if not media:
        return ""
    if can(media, "GetThirdPartyMetadata"):
        told = media.GetThirdPartyMetadata(TAG)
        if isinstance(told, str) and told:
            return told
    return files.get(ledger.normal(str(media.GetClipProperty("File Path") or "")), "")


def earlier_results(session: Session, clip: str, job_id: str, span: FrameRange) -> list[OwnItem]:
    """Strips of ours over the absolute `span` that the clip with this id was given before, or this very job."""
    jobs = {record.job_id for record in ledger.all_of(session.key) if record.item == clip} | {job_id}
    return [own for own in own_items(session) if own.job_id in jobs and own.spot.overlaps(span)]


def retire(session: Session, earlier: Sequence[OwnItem], *, keep: bool) -> str:
    """Take earlier strips away, or only turn them off (`keep`); what could not be done is answered as a note.

    The new strips lie above them already: nothing here may undo that, so a refusal is no error.
    """
    items = [own.item for own in earlier]
    if not items:
        return ""
    if not keep:
        with Guard():
            done(session.timeline.DeleteClips(items, False), "delete the earlier strips")
        with Guard():
            _drop_empty_tracks(session, {own.spot.track for own in earlier})
    left = _still_there(session, earlier)
    for item in left:
        with Guard():
            item.SetClipEnabled(False)
    if keep or not left:
        return ""
    return f"{len(left)} earlier strips could not be removed: they are turned off, below the new ones."


def _still_there(session: Session, earlier: Sequence[OwnItem]) -> list[TimelineItem]:
    with Guard():
        ids = {uid(item) for item, _ in spots_of(session)}
        return [own.item for own in earlier if own.item.GetUniqueId() in ids]
    return [own.item for own in earlier]


def _drop_empty_tracks(session: Session, tracks: set[int]) -> None:
    """Tracks of ours that held nothing but what was removed, from the top down."""
    for track in sorted(tracks, reverse=True):
        if is_own_track(session, track) and not session.items(track):
            done(session.timeline.DeleteTrack("video", track), f"delete video track {track}")
