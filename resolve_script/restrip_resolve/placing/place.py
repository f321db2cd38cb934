"""Putting a result on the timeline: import, append, make seams, read everything back; all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from restrip.client.draft import is_draft
from restrip.client.job import Manifest
from restrip.errors import BadInput, RestripError
from restrip_resolve.api import MediaPoolItem, ResolveRefused, TimelineItem, done, need, uid, whole
from restrip_resolve.clips.keep import keep_page
from restrip_resolve.clips.own import earlier_results, mark_media, retire
from restrip_resolve.clips.survey import Spot, Survey, disturbed, spot_of, spots_of, take
from restrip_resolve.journal import Guard, Journal
from restrip_resolve.placing.bins import check_media, import_files
from restrip_resolve.placing.comp_text import BadComp
from restrip_resolve.placing.dissolve import DissolveElsewhere, add_dissolves
from restrip_resolve.placing.drafts import mark
from restrip_resolve.placing.fusion import add_fade
from restrip_resolve.placing.nest import import_nested
from restrip_resolve.placing.opened import check_open, sweep
from restrip_resolve.placing.plan import Piece, Plan, methods, plan_of
from restrip_resolve.placing.tracks import Tracks, take_tracks
from restrip_resolve.session import Session, can_dissolve


class PlacedWrong(RestripError):
    """What lies on the timeline after placing isn't what was asked for."""

    code = "placed-wrong"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Resolve placed it differently: {what}. The timeline is as it was.",
            "Report this with your version of Resolve.",
        )


class OffTimeline(BadInput):
    """The result would begin before the timeline does."""

    code = "off-timeline"

    def __init__(self, frame: int, first: int) -> None:
        super().__init__(
            f"The clip now begins at frame {frame}, before the timeline's first frame, {first}.",
            "Move the clip to the right, then run Restrip - Place finished results.",
        )


@dataclass(frozen=True)
class Target:
    """Where a result goes: the absolute frame of its frame 0, the source's track, and the bin's name.

    `clip` is the source's id: earlier results of it are removed once the new strips lie above them, or, with
    `keep_earlier`, turned off.
    """

    start: int
    track: int
    name: str
    clip: str = ""
    keep_earlier: bool = False


@dataclass(frozen=True)
class Placed:
    """What was placed: the items' ids and the way the seams were made."""

    ids: tuple[str, ...]
    method: str
    tracks: tuple[int, ...]
    notes: tuple[str, ...] = ()


def place(session: Session, manifest: Manifest, target: Target, choice: str) -> Placed:
    """Place a result, in the best way that works here. Raises what the last way failed with; then nothing changed."""
    if target.start < session.first:
        raise OffTimeline(target.start, session.first)
    ways = methods(manifest, choice, dissolves=_dissolves(session))
    notes: list[str] = []
    for way, following in zip(ways, [*ways[1:], None], strict=True):
        try:
            placed = _placed(session, manifest, target, way)
            return replace(placed, notes=(*notes, *placed.notes))
        except (ResolveRefused, PlacedWrong, DissolveElsewhere, BadComp) as error:
            if following is None:
                raise
            notes.append(f"Seams as {way} did not work ({error.message}) {following} is used instead.")
            session.console.log(notes[-1])
    raise AssertionError("there is always a way")


def _dissolves(session: Session) -> bool:
    """Whether items have AddTransition; asked of the first item there is."""
    for item, _ in spots_of(session):
        return can_dissolve(item)
    return False


def _placed(session: Session, manifest: Manifest, target: Target, way: str) -> Placed:
    """One way, with the one correction that is known to be needed: how an odd transition is rounded."""
    try:
        return _once(session, manifest, plan_of(manifest, target.start, way), target)
    except DissolveElsewhere as error:
        if not error.rounding:
            raise
        return _once(session, manifest, plan_of(manifest, target.start, way, late=True), target)


def _once(session: Session, manifest: Manifest, plan: Plan, target: Target) -> Placed:
    before, job_id, draft = take(session), manifest.job_id, is_draft(manifest)
    earlier = earlier_results(session, target.clip, job_id, plan.span)
    with Journal(session.console) as journal:
        _to_edit_page(session, journal)
        _keep_playhead(session, journal)
        media = import_files(session, journal, target.name, [piece.file for piece in plan.pieces])
        for piece in plan.pieces:
            check_media(media[piece.file], piece.file, session.rate, piece.file_frames)
        mark_media(media.values(), job_id)
        whole_plan = plan
        if plan.method == "nested":
            nested = import_nested(session, journal, plan, f"Restrip {target.name}", media)
            media = {"": nested}
            mark_media([nested], job_id)
            span = plan.span
            plan = replace(plan, pieces=(Piece("", len(span), 0, span.first, 0, len(span)),), dissolves=())
        above = max([target.track, *(own.spot.track for own in earlier)])
        check_open(session)
        tracks = take_tracks(session, journal, before, (above, plan.span, plan.layers))
        journal.undo("The new strips", lambda: sweep(session, before, media, tracks.numbers))
        bias = 0
        placed = []
        for piece in plan.pieces:
            item, bias = _append(session, piece, media[piece.file], tracks.numbers[piece.layer], bias)
            placed.append(item)
        drafted = mark(placed) if draft else ""
        extra = _seams(session, plan, placed, tracks)
        _verify(session, (before, tracks), plan, extra)
        ids = tuple(uid(item) for item in placed)
        note = retire(session, earlier, keep=target.keep_earlier)
        numbers = _tracks_with(session, ids) if earlier else tracks.numbers
    notes = (*tracks.notes, *filter(None, (drafted, note)))
    return Placed(ids, whole_plan.method, numbers or tracks.numbers, notes)


def _tracks_with(session: Session, ids: tuple[str, ...]) -> tuple[int, ...]:
    """The tracks on which items lie now: tracks below them may be gone. Empty when Resolve doesn't tell."""
    with Guard():
        return tuple(sorted({spot.track for item, spot in spots_of(session) if uid(item) in ids}))
    return ()


def _seams(session: Session, plan: Plan, placed: Sequence[TimelineItem], tracks: Tracks) -> dict[str, Spot]:
    if plan.method == "transitions":
        return add_dissolves(session, plan, placed, tracks.numbers[0])
    for piece, item in zip(plan.pieces, placed, strict=True):
        if piece.opacity:
            add_fade(item, piece, plan.size)
    return {}


def _append(session: Session, piece: Piece, media: MediaPoolItem, track: int, bias: int) -> tuple[TimelineItem, int]:
    """Append one strip and find it on its track; returns it and how much Resolve's end frame differs.

    Version 18 counted the end frame differently: one correction, then the difference is known. An append that places
    nothing is tried again as it is before anything is concluded from it.
    """
    there = {uid(item) for item in session.items(track)}
    refused = 0
    for _ in range(4):
        check_open(session)
        session.pool.AppendToTimeline(
            [
                {
                    "mediaPoolItem": media,
                    "startFrame": piece.first,
                    "endFrame": piece.first + piece.length + bias,
                    "recordFrame": piece.record,
                    "trackIndex": track,
                    "mediaType": 1,
                }
            ]
        )
        # What it returns proves nothing: a locked track gives items, too. Only the track tells.
        new = [item for item in session.items(track) if uid(item) not in there]
        if not new:
            refused += 1
            check_open(session)
            # Resolve now and then places nothing for no reason: only what it refuses twice says something.
            if refused == 2 and bias == 0:
                bias = -1  # Counted the old way, the last frame asked for lies behind the file's end.
            elif refused > 3:
                break
            continue
        if len(new) != 1:
            raise PlacedWrong(f"{len(new)} items appeared on track {track} for a strip at {piece.record}")
        spot = spot_of(new[0], track)
        off = spot.length - piece.length
        if off and abs(off) == 1 and bias == 0 and spot.start == piece.record:
            check_open(session)
            done(session.timeline.DeleteClips(new, False), "delete a strip of the wrong length")
            bias = -off
            continue
        _check(new[0], spot, piece)
        return new[0], bias
    raise PlacedWrong(f"a strip at {piece.record} can't be made {piece.length} frames long")


def _check(item: TimelineItem, spot: Spot, piece: Piece) -> None:
    left = whole(item.GetLeftOffset(), "tell a strip's source offset")
    got, asked = (spot.start, spot.length, left), (piece.record, piece.length, piece.first)
    if got != asked:
        raise PlacedWrong(f"start, length and source offset are {got} instead of {asked}")


def _verify(session: Session, around: tuple[Survey, Tracks], plan: Plan, extra: Mapping[str, Spot]) -> None:
    """All strips where they belong, nothing else new, nothing else moved."""
    before, tracks = around
    after = take(session)
    moved = disturbed(before, after, tracks.inserted)
    if moved:
        raise PlacedWrong(moved[0])
    new = {name: spot for name, spot in after.spots.items() if name not in before.spots}
    wanted = [Spot(tracks.numbers[piece.layer], piece.record, piece.length) for piece in plan.pieces]
    if _sorted([*wanted, *extra.values()]) != _sorted(list(new.values())):
        raise PlacedWrong(f"there are {len(new)} new items instead of {len(wanted) + len(extra)}")


def _sorted(spots: list[Spot]) -> list[Spot]:
    return sorted(spots, key=lambda spot: (spot.track, spot.start, spot.length))


def _to_edit_page(session: Session, journal: Journal) -> None:
    """Deleting clips, which taking back needs, works on the Edit page only."""
    if need(session.resolve.GetCurrentPage(), "tell which page is open") == "edit":
        return
    keep_page(session, journal)
    done(session.resolve.OpenPage("edit"), "open the Edit page")


def _keep_playhead(session: Session, journal: Journal) -> None:
    timecode = need(session.timeline.GetCurrentTimecode(), "tell where the playhead is")

    def back() -> None:
        if session.timeline.GetCurrentTimecode() != timecode:
            session.timeline.SetCurrentTimecode(timecode)
        if session.timeline.GetCurrentTimecode() != timecode:
            raise ResolveRefused("move the playhead back")

    journal.always("The playhead", back)


def free_name(name: str, job_id: str) -> str:
    """A bin's name for a result: the clip's, and enough of the job's id to tell results apart."""
    return f"{name} {job_id[-8:]}".replace("/", "-").replace("\\", "-")
