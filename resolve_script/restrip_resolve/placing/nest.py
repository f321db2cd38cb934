"""Our strips as a timeline of their own, placed like a clip: real dissolves also where scripts can't make any.

The OpenTimelineIO file is written the way Resolve writes them: media references by key, bare paths, source ranges that
count from the media's own start timecode.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restrip.client.discovery import state_dir
from restrip.timeline import Rate
from restrip.timeline import otio_schema as schema
from restrip_resolve.api import Folder, MediaPoolItem, ResolveRefused, Timeline, can, done, listed, need, uid, whole
from restrip_resolve.journal import Journal
from restrip_resolve.placing.plan import Dissolve, Piece, Plan
from restrip_resolve.session import Session
from restrip_resolve.timecode import BadTimecode, frame_of

_OF_RESOLVE: Mapping[str, Any] = {"Resolve_OTIO": {}}


def otio_of(plan: Plan, name: str, rate: Rate, origins: Mapping[str, int]) -> schema.Object:
    """The plan as an OTIO document; `origins` are the frames at which the files' own timecode begins."""
    after = {dissolve.left: dissolve for dissolve in plan.dissolves}
    children: list[schema.Object] = []
    for index, piece in enumerate(plan.pieces):
        children.append(_clip(piece, rate, origins.get(piece.file, 0)))
        if index in after:
            children.append(_transition(after[index], piece.end, rate))
    start = schema.rational_time(round(float(rate)) * 3600, rate)
    return schema.timeline(name, start, [schema.track("Video 1", schema.VIDEO, children)], _OF_RESOLVE)


def _clip(piece: Piece, rate: Rate, origin: int) -> schema.Object:
    available = schema.time_range(origin, piece.file_frames, rate)
    media = schema.external_reference(Path(piece.file).name, piece.file, available)
    return schema.clip(media, schema.time_range(origin + piece.first, piece.length, rate), metadata=_OF_RESOLVE)


def _transition(dissolve: Dissolve, cut: int, rate: Rate) -> schema.Object:
    before, after = cut - dissolve.frames.first, dissolve.frames.end - cut
    offsets = schema.rational_time(before, rate), schema.rational_time(after, rate)
    return schema.dissolve("Cross Dissolve", *offsets, _OF_RESOLVE)


def import_nested(
    session: Session, journal: Journal, plan: Plan, name: str, media: Mapping[str, MediaPoolItem]
) -> MediaPoolItem:
    """Make the timeline in the current bin and return the clip that stands for it. Raises ResolveRefused."""
    _keep_timeline(session, journal)
    origins = {path: origin_of(session, item) for path, item in media.items()}
    path = state_dir() / "resolve" / "nested" / f"{name}.otio"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(otio_of(plan, name, session.rate, origins), indent=1), "utf-8")
    bin_ = need(session.pool.GetCurrentFolder(), "tell the current bin")
    clips_before = {uid(item) for item in listed(bin_.GetClipList(), "list a bin")}
    timelines_before = set(timelines_of(session))
    journal.undo("The nested timeline", lambda: remove_new(session, bin_, clips_before, timelines_before))
    clips = 0
    # Versions differ in which of the two links the clips to the media that is in the bin already.
    for with_sources in (True, False):
        timeline, clips = import_once(session, path, name, Path(plan.pieces[0].file).parent if with_sources else None)
        if timeline and clips == len(plan.pieces):
            break
        remove_new(session, bin_, clips_before, timelines_before)
    else:
        raise ResolveRefused("import the nested timeline whole", clips)
    assert timeline is not None
    _keep_drop_frame(session, timeline)
    _back_to(session)
    if can(timeline, "GetMediaPoolItem"):
        return need(timeline.GetMediaPoolItem(), "give the nested timeline's clip")
    found = [item for item in listed(bin_.GetClipList(), "list a bin") if item.GetName() == name]
    return need(found[-1] if found else None, "show the nested timeline in the bin")


def import_once(session: Session, path: Path, name: str, sources: Path | None) -> tuple[Timeline | None, int]:
    """Import a timeline, with the source clips of the folder `sources` or without; how many of its items have media."""
    options = {"timelineName": name, "importSourceClips": sources is not None}
    if sources is not None:
        options["sourceClipsPath"] = str(sources)
    timeline = session.pool.ImportTimelineFromFile(str(path), options)
    if not timeline:
        return None, 0
    items = listed(timeline.GetItemListInTrack("video", 1), "list the imported timeline")
    return timeline, sum(1 for item in items if item.GetMediaPoolItem())


def _keep_drop_frame(session: Session, timeline: Timeline) -> None:
    """Count the nested timeline as the user's is counted: an imported one doesn't drop numbers by itself.

    Only the names of its frames depend on it, so a refusal is no failure.
    """
    if session.drop and can(timeline, "SetSetting"):
        timeline.SetSetting("timelineDropFrameTimecode", "1")


def timelines_of(session: Session) -> dict[str, Timeline]:
    """All timelines of the project by id."""
    count = whole(session.project.GetTimelineCount(), "count the timelines")
    found = [need(session.project.GetTimelineByIndex(n), f"give timeline {n}") for n in range(1, count + 1)]
    return {uid(timeline): timeline for timeline in found}


def remove_new(session: Session, bin_: Folder, clips_before: set[str], timelines_before: set[str]) -> None:
    """Delete the timelines that are new, and what is new in a bin; the session's timeline is open again."""
    _back_to(session)
    new = [timeline for name, timeline in timelines_of(session).items() if name not in timelines_before]
    if new:
        done(session.pool.DeleteTimelines(new), "delete the nested timeline")
    if set(timelines_of(session)) - timelines_before:
        raise ResolveRefused("delete the nested timeline")
    clips = [item for item in listed(bin_.GetClipList(), "list a bin") if uid(item) not in clips_before]
    if clips:
        done(session.pool.DeleteClips(clips), "delete clips of the nested timeline")


def origin_of(session: Session, item: MediaPoolItem) -> int:
    """The frame at which a clip's own timecode begins; 0 where it tells none."""
    try:
        return frame_of(str(item.GetClipProperty("Start TC") or ""), session.rate)
    except BadTimecode:
        return 0


def _keep_timeline(session: Session, journal: Journal) -> None:
    journal.always("The current timeline", lambda: _back_to(session))


def _back_to(session: Session) -> None:
    """Importing a timeline opens it; strips go into the user's."""
    wanted = uid(session.timeline)
    if uid(need(session.project.GetCurrentTimeline(), "tell the current timeline")) == wanted:
        return
    session.project.SetCurrentTimeline(session.timeline)
    if uid(need(session.project.GetCurrentTimeline(), "tell the current timeline")) != wanted:
        raise ResolveRefused("go back to your timeline")
