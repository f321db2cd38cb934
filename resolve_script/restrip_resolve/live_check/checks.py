"""What isn't documented about Resolve, asked of a running one: each question on a scratch timeline of its own.

docs/resolve-live-check.md says what each answer means; tests hold the two lists together.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from restrip.errors import BadInput
from restrip.timeline import FrameRange
from restrip_resolve.api import can, done, listed, need, uid, whole
from restrip_resolve.clips.clip import is_transition, read_clip
from restrip_resolve.clips.keep import keep_page, keep_settings
from restrip_resolve.clips.render import render_range
from restrip_resolve.clips.survey import spot_of
from restrip_resolve.journal import Journal
from restrip_resolve.live_check.bench import CHECKS as CHECKS  # Whole once this file is read.
from restrip_resolve.live_check.bench import LENGTH, Bench, check
from restrip_resolve.placing.fusion import fade_in, with_fade
from restrip_resolve.placing.nest import import_nested, import_once, origin_of, otio_of, remove_new, timelines_of
from restrip_resolve.placing.plan import Dissolve, Piece, Plan
from restrip_resolve.session import can_dissolve

MIDDLE = "cut in the middle, or half a frame early"


class ClipIsShared(BadInput):
    """Resolve gave the user's own clip when its file was imported a second time: nothing is tried on it."""

    code = "clip-is-shared"

    def __init__(self, path: str) -> None:
        super().__init__(f"Importing {path} again gives your own clip.", "Ask this in a version that imports it twice.")


@check("end frame", "exclusive", "inclusive", otherwise="seams")
def end_frame(bench: Bench) -> str:
    """How does AppendToTimeline count endFrame?"""
    (item,) = bench.append(0)
    length = whole(item.GetDuration(), "tell a length")
    return {LENGTH: "exclusive", LENGTH + 1: "inclusive"}.get(length, f"{length} frames for {LENGTH}")


@check("place", "as asked")
def place_and_offset(bench: Bench) -> str:
    """Is recordFrame absolute, and GetLeftOffset what startFrame was?"""
    (item,) = bench.append(50)
    found = (
        whole(item.GetStart(), "tell a start") - bench.session.first,
        whole(item.GetLeftOffset(), "tell an offset"),
    )
    return "as asked" if found == (50, 10) else f"start and offset {found} for (50, 10)"


@check("overlap", "dropped", "slid")
def overlap(bench: Bench) -> str:
    """What becomes of a clip that is appended over another?"""
    (first,) = bench.append(0)
    second = bench.append(5)
    kept = uid(first) in {uid(item) for item in bench.items()}
    if not kept:
        return "the first is gone"
    if not second:
        return "dropped"
    return "slid" if spot_of(second[0], 1).start != bench.session.first + 5 else "both lie there"


@check("locked track", "nothing placed", "can't be locked by script")
def locked_track(bench: Bench) -> str:
    """What does a locked track do with a clip?"""
    timeline = bench.session.timeline
    if not can(timeline, "SetTrackLock") or not timeline.SetTrackLock("video", 1, True):
        return "can't be locked by script"
    try:
        return "placed" if bench.append(0) else "nothing placed"
    finally:
        timeline.SetTrackLock("video", 1, False)


@check("missing track", "on track 1", "nothing placed")
def missing_track(bench: Bench) -> str:
    """Where does a track lead that isn't there?"""
    new = bench.append(0, track=9)
    if not new:
        return "nothing placed"
    tracks = [n for n in range(1, bench.session.video_tracks() + 1) if bench.session.items(n)]
    return f"on track {tracks[0]}"


@check("inserted track", "inserted", "on top", "refused", otherwise="covered")
def inserted_track(bench: Bench) -> str:
    """Does AddTrack insert at an index?"""
    timeline = bench.session.timeline
    done(timeline.AddTrack("video"), "add a track")
    (item,) = bench.append(0, track=2)
    if not timeline.AddTrack("video", {"index": 2}):
        return "refused"
    on_third = [uid(other) for other in bench.session.items(3)] if bench.session.video_tracks() > 2 else []
    return "inserted" if on_third == [uid(item)] else "on top"


@check("even dissolve", MIDDLE, "no AddTransition", otherwise="seams")
def dissolve_even(bench: Bench) -> str:
    """Where does a dissolve of 8 frames lie?"""
    return _dissolve(bench, 8)


@check("odd dissolve", MIDDLE, "4 frames before the cut", "no AddTransition", otherwise="seams")
def dissolve_odd(bench: Bench) -> str:
    """Where does a dissolve of 7 frames lie?"""
    return _dissolve(bench, 7)


def _dissolve(bench: Bench, length: int) -> str:
    (left,) = bench.append(0)
    bench.append(LENGTH, first=10 + LENGTH)
    if not can_dissolve(left):
        return "no AddTransition"
    before = {uid(item) for item in bench.items()}
    options = {"type": "Cross Dissolve", "category": "simple", "position": "end", "alignment": "center"}
    if not left.AddTransition({**options, "duration": length}):
        return "refused"
    new = [item for item in bench.items() if uid(item) not in before]
    if len(new) != 1:
        return f"{len(new)} new items"
    if not is_transition(bench.session, new[0], 1):
        return "not recognised as a transition"
    spot = spot_of(new[0], 1)
    before_cut = bench.session.first + LENGTH - spot.start
    if spot.length != length:
        return f"{spot.length} frames for {length}"
    return {length // 2: MIDDLE}.get(before_cut, f"{before_cut} frames before the cut")


@check("fusion fade", "kept", otherwise="seams")
def fusion_fade(bench: Bench) -> str:
    """Is a written composition kept?"""
    (item,) = bench.append(0)
    piece = Piece(bench.path, bench.frames, 1, 0, 10, LENGTH, ((0, 0.0), (8, 1.0)))
    with tempfile.TemporaryDirectory(prefix="restrip-") as folder:
        plain, faded, back = (str(Path(folder) / name) for name in ("plain.comp", "faded.comp", "back.comp"))
        need(item.AddFusionComp(), "add a composition")
        done(item.ExportFusionComp(plain, 1), "export a composition")
        Path(faded).write_text(with_fade(Path(plain).read_text("utf-8"), piece, (640, 360)), "utf-8")
        for name in listed(item.GetFusionCompNameList(), "list compositions"):
            done(item.DeleteFusionCompByName(name), "delete a composition")
        need(item.ImportFusionComp(faded), "import a composition")
        done(item.ExportFusionComp(back, 1), "export a composition")
        kept = fade_in(Path(back).read_text("utf-8"))
    return "kept" if kept == [(0.0, 0.0), (8.0, 1.0)] else f"changed to {kept}"


@check("new bin", "opened", "not opened")
def new_bin(bench: Bench) -> str:
    """Is a new bin opened?"""
    pool = bench.session.pool
    before = need(pool.GetCurrentFolder(), "tell the current bin")
    made = need(pool.AddSubFolder(before, "Restrip check bin"), "make a bin")
    opened = uid(need(pool.GetCurrentFolder(), "tell the current bin")) == uid(made)
    pool.SetCurrentFolder(before)
    done(pool.DeleteFolders([made]), "delete a bin")
    return "opened" if opened else "not opened"


@check("media", "all there")
def media_properties(bench: Bench) -> str:
    """Are a clip's rate, length and file told?"""
    values = {name: bench.media.GetClipProperty(name) for name in ("FPS", "Frames", "Start TC", "File Path")}
    missing = [name for name, value in values.items() if not str(value or "")]
    return "all there" if not missing else f"without {', '.join(missing)}"


@check("plain clip", "plain", otherwise="grade")
def plain_clip(bench: Bench) -> str:
    """Is an untouched clip seen as plain?"""
    (item,) = bench.append(0)
    clip = read_clip(bench.session, item, 1)
    return "plain" if not clip.render else "; ".join(clip.render)


@check("marks", "relative, the out frame included", "not told by this version", otherwise="marks")
def marks(bench: Bench) -> str:
    """Do marks count from the timeline's start, with the out frame included?"""
    timeline, project = bench.session.timeline, bench.session.project
    if not can(timeline, "GetMarkInOut"):
        return "not told by this version"
    bench.append(0, length=LENGTH)
    with Journal(bench.session.console) as journal:
        keep_page(bench.session, journal)
        keep_settings(bench.session, journal, Path(tempfile.gettempdir()))
        journal.always("The marks of the check", lambda: done(timeline.ClearMarkInOut("all"), "clear marks"))
        done(timeline.SetMarkInOut(5, 14, "all"), "set marks")
        done(project.SetRenderSettings({"SelectAllFrames": False}), "render between marks")
        job = need(project.AddRenderJob(), "add a render job")
        facts = next(j for j in listed(project.GetRenderJobList(), "list jobs") if str(j.get("JobId")) == job)
    found = tuple(int(facts[name]) - bench.session.first for name in ("MarkIn", "MarkOut"))
    return "relative, the out frame included" if found == (5, 14) else f"5 and 14 are rendered as {found}"


@check("render", "10 frames, settings as before", "not possible in this version", otherwise="grade")
def range_render(bench: Bench) -> str:
    """Does a range render exactly, and leave no trace?"""
    if not can(bench.session.timeline, "GetMarkInOut"):
        return "not possible in this version"
    bench.append(0, length=LENGTH)
    first = bench.session.first
    with tempfile.TemporaryDirectory(prefix="restrip-") as folder:
        movie = render_range(bench.session, 1, FrameRange(first + 5, first + 15), Path(folder))
        imported = listed(bench.session.pool.ImportMedia([str(movie)]), "import the render")
        frames = str(imported[0].GetClipProperty("Frames")) if imported else "no"
        if imported:
            bench.session.pool.DeleteClips(imported)
    return "10 frames, settings as before" if frames == "10" else f"{frames} frames for 10"


@check("nested", "placed", otherwise="nested")
def nested_timeline(bench: Bench) -> str:
    """Can a timeline be imported and nested?"""
    pieces = (
        Piece(bench.path, bench.frames, 0, 0, 10, LENGTH),
        Piece(bench.path, bench.frames, 0, LENGTH, 10 + LENGTH, LENGTH),
    )
    plan = Plan("nested", 1, pieces, (Dissolve(0, FrameRange(LENGTH - 4, LENGTH + 4)),), (640, 360))
    with Journal(bench.session.console) as journal:
        clip = import_nested(bench.session, journal, plan, "Restrip check nested", {bench.path: bench.media})
        inner = Bench(bench.session, clip, "", 2 * LENGTH)
        new = inner.append(0, first=0, length=LENGTH)
        length = whole(new[0].GetDuration(), "tell a length") if new else 0
    return "placed" if length in (LENGTH, LENGTH + 1) else f"{length} frames for {LENGTH}"


@check("import links", "either way", "with source clips", "without source clips", otherwise="nested")
def import_links(bench: Bench) -> str:
    """Does an imported timeline find its media with importSourceClips, or without?"""
    session = bench.session
    plan = Plan("nested", 1, (Piece(bench.path, bench.frames, 0, 0, 10, LENGTH),), (), (640, 360))
    bin_ = need(session.pool.GetCurrentFolder(), "tell the current bin")
    clips = {uid(item) for item in listed(bin_.GetClipList(), "list a bin")}
    timelines = set(timelines_of(session))
    found = []
    with tempfile.TemporaryDirectory(prefix="restrip-") as folder:
        for name, sources in (("with source clips", Path(bench.path).parent), ("without source clips", None)):
            path = Path(folder) / f"{name}.otio"
            body = otio_of(plan, f"Restrip check {name}", session.rate, {bench.path: origin_of(session, bench.media)})
            path.write_text(json.dumps(body), "utf-8")
            try:
                _, linked = import_once(session, path, f"Restrip check {name}", sources)
                found += [name] if linked == 1 else []
            finally:
                remove_new(session, bin_, clips, timelines)
    return "either way" if len(found) == 2 else "".join(found) or "neither way"


@check("metadata", "kept", "not in this version", otherwise="moved")
def third_party_metadata(bench: Bench) -> str:
    """Does a clip in a bin keep metadata of ours?"""
    pool = bench.session.pool
    if not can(bench.media, "SetThirdPartyMetadata") or not can(bench.media, "GetThirdPartyMetadata"):
        return "not in this version"
    imported = listed(pool.ImportMedia([bench.path]), "import the clip again")
    made = need(imported[0] if imported else None, "import the clip again")
    if uid(made) == uid(bench.media):
        raise ClipIsShared(bench.path)
    try:
        answer = made.SetThirdPartyMetadata("Restrip check", "kept")
        told = made.GetThirdPartyMetadata("Restrip check")
        return "kept" if told == "kept" else f"{told!r} after the answer {answer!r}"
    finally:
        done(pool.DeleteClips([made]), "delete the clip of the check")


@check("closed timeline", "refused, nothing deleted", "deleted")
def closed_timeline(bench: Bench) -> str:
    """Does DeleteClips work on a timeline that isn't open?"""
    session = bench.session
    items = bench.append(0)
    done(session.resolve.OpenPage("edit"), "open the Edit page")
    other = need(session.pool.CreateEmptyTimeline("Restrip check other"), "make a timeline")
    try:
        done(session.project.SetCurrentTimeline(other), "open another timeline")
        said = bool(session.timeline.DeleteClips(items, False))
        left = bool(bench.items())
    finally:
        done(session.project.SetCurrentTimeline(session.timeline), "open the timeline of the check again")
        done(session.pool.DeleteTimelines([other]), "delete the other timeline")
    answers = {(False, True): "refused, nothing deleted", (True, False): "deleted"}
    return answers.get((said, left), "said done, nothing deleted" if left else "deleted, and said refused")
