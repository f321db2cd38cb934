"""The timeline that strips are placed on is the open one: noticed before each call, and what went wrong is swept up.

Resolve appends to whatever timeline is open at that moment. The user may open another one, or another project, in the
middle of placing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from restrip.errors import BadInput
from restrip_resolve.api import MediaPoolItem, ResolveRefused, Timeline, TimelineItem, done, uid
from restrip_resolve.clips.survey import Survey, items_of, spots_of
from restrip_resolve.journal import Guard
from restrip_resolve.session import Session


class TimelineChanged(BadInput):
    """Another timeline or project was opened while strips were being placed."""

    code = "timeline-changed"

    def __init__(self, name: str, project: str) -> None:
        where = f"the timeline {name}" if name else f"the project {project}"
        super().__init__(
            f"Something else was opened in Resolve while strips were being placed: {where} was left.",
            f"Open {where} again and run Restrip - Place again there.",
        )


def check_open(session: Session) -> None:
    """Raise TimelineChanged unless the session's project and timeline are the open ones."""
    manager = session.resolve.GetProjectManager()
    project = manager.GetCurrentProject() if manager else None
    if not project or uid(project) != uid(session.project):
        raise TimelineChanged("", session.project_name)
    timeline = project.GetCurrentTimeline()
    if not timeline or uid(timeline) != uid(session.timeline):
        raise TimelineChanged(str(session.timeline.GetName()), session.project_name)


def sweep(session: Session, before: Survey, media: Mapping[str, MediaPoolItem], tracks: Sequence[int]) -> None:
    """Delete what was appended, wherever it came to lie: an append that fails may have placed something.

    Clips are deleted from the open timeline alone: the one they lie on is opened for it, and the user's again after.
    """
    ours = {uid(item) for item in media.values()}
    opened = session.project.GetCurrentTimeline()
    elsewhere = opened if opened and uid(opened) != uid(session.timeline) else None
    if elsewhere is not None:
        _delete(elsewhere, [item for item, _ in items_of(elsewhere) if _is_of(item, ours)])
        session.project.SetCurrentTimeline(session.timeline)
    try:
        _delete(session.timeline, _new(session, before, ours, tracks))
        if _new(session, before, ours, tracks):
            raise ResolveRefused("delete the new strips")
    finally:
        if elsewhere is not None:
            with Guard():
                session.project.SetCurrentTimeline(elsewhere)


def _delete(timeline: Timeline, items: list[TimelineItem]) -> None:
    if items:
        done(timeline.DeleteClips(items, False), "delete the new strips")


def _is_of(item: TimelineItem, ours: set[str]) -> bool:
    source = item.GetMediaPoolItem()
    return bool(source) and uid(source) in ours  # type: ignore[arg-type]


def _new(session: Session, before: Survey, ours: set[str], tracks: Sequence[int]) -> list[TimelineItem]:
    found = []
    for item, spot in spots_of(session):
        if uid(item) in before.spots:
            continue
        # A transition has no media; on a track of ours a new one is ours.
        if _is_of(item, ours) or (not item.GetMediaPoolItem() and spot.track in tracks):
            found.append(item)
    return found
