"""Placing on the double: what lies on the timeline afterwards, on every version and in every way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from double import PROFILES, MediaFile, Profile
from double.comp import Parser, opacity
from restrip_resolve.placing.bins import WrongMedia
from restrip_resolve.placing.dissolve import DissolveElsewhere
from restrip_resolve.placing.opened import TimelineChanged
from restrip_resolve.placing.place import OffTimeline, PlacedWrong, Target, place
from stage import Stage, manifest_of, put_on_disk, spec_of

from restrip.client.discovery import state_dir
from restrip.client.job import Manifest, Output
from restrip.timeline import mix_at

VERSIONS = [name for name in PROFILES if PROFILES[name].python]
FADES = {1: (20, 28), 2: (51, 58)}


def made(baked: bool = False, folder: str = "/results") -> Manifest:
    manifest = manifest_of(spec_of(100, (10, 40, 70), output=Output(baked=baked)), FADES, folder)
    return manifest


def staged(profile: str | Profile, tmp_path: Path, manifest: Manifest) -> Stage:
    stage = Stage.of(profile)
    media = stage.footage(tmp_path)
    stage.double.item(media, 0, 50)
    stage.double.item(media, 50, 100, left=20)
    put_on_disk(stage.double, manifest)
    return stage


def target(start: int = 86450, track: int = 1) -> Target:
    return Target(start, track, "clip abcd")


def laid(stage: Stage, track: int) -> list[tuple[str, int, int, int]]:
    items = stage.double.timeline.video[track - 1].items
    return [(i.name[-11:], i.start - 86450, i.length, i.left) for i in sorted(items, key=lambda i: (i.start, i.length))]


def test_with_dissolves(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    before = stage.double.snapshot()
    placed = place(stage.session(), made(), target(), "auto")
    assert placed.method == "transitions" and len(placed.ids) == 3 and placed.tracks == (2,)
    assert laid(stage, 2) == [
        ("strip-0.mp4", 0, 24, 0),
        ("ss Dissolve", 20, 8, 0),
        ("strip-1.mp4", 24, 30, 14),
        ("ss Dissolve", 51, 7, 0),
        ("strip-2.mp4", 54, 46, 14),
    ]
    after = stage.double.snapshot()
    assert after["timelines"]["timeline-user"]["tracks"][0] == before["timelines"]["timeline-user"]["tracks"][0]
    assert {k: after[k] for k in ("page", "folder", "render", "timeline")} == {
        k: before[k] for k in ("page", "folder", "render", "timeline")
    }
    assert after["timelines"]["timeline-user"]["playhead"] == before["timelines"]["timeline-user"]["playhead"]
    assert not stage.double.world.misuse


def test_dissolves_of_odd_length_the_other_way_round(tmp_path: Path) -> None:
    """How an odd dissolve is rounded isn't documented: it is read back, and placed anew with the cut moved once."""
    stage = staged(replace(PROFILES["21.1"], odd_rounds_up=True), tmp_path, made())
    place(stage.session(), made(), target(), "transitions")
    assert [spot for spot in laid(stage, 2) if "Dissolve" in spot[0]] == [
        ("ss Dissolve", 20, 8, 0),
        ("ss Dissolve", 51, 7, 0),
    ]
    assert ("strip-2.mp4", 55, 45, 15) in laid(stage, 2)


@pytest.mark.parametrize("profile", VERSIONS)
def test_on_two_tracks(profile: str, tmp_path: Path) -> None:
    stage = staged(profile, tmp_path, made())
    placed = place(stage.session(), made(), target(), "fusion")
    assert placed.tracks == (2, 3)
    assert laid(stage, 2) == [("strip-0.mp4", 0, 28, 0), ("strip-2.mp4", 51, 49, 11)]
    assert laid(stage, 3) == [("strip-1.mp4", 20, 38, 10)]
    upper = stage.double.timeline.video[2].items[0]
    (text,) = upper.comps.values()
    comp = Parser(text).parse()
    for frame in range(20, 58):
        first, second = made().fades
        wanted = mix_at(first, frame) * (1 - mix_at(second, frame))
        assert opacity(comp, frame - 20, (1280, 720)) == pytest.approx(wanted, abs=1e-6)
    assert not stage.double.world.misuse


@pytest.mark.parametrize("profile", VERSIONS)
def test_one_baked_movie(profile: str, tmp_path: Path) -> None:
    manifest = made(baked=True)
    stage = staged(profile, tmp_path, manifest)
    placed = place(stage.session(), manifest, target(), "baked")
    assert placed.method == "baked"
    assert laid(stage, 2) == [("4-baked.mp4", 0, 100, 0)]
    assert not stage.double.world.misuse


@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize(
    ("rate", "drop", "start"), [("23.976", False, 86400), ("29.97", True, 107892), ("50", False, 0)]
)
def test_on_timelines_of_other_rates(profile: str, rate: str, drop: bool, start: int, tmp_path: Path) -> None:
    stage = Stage.of(profile, rate=rate, drop=drop, start=start, start_tc="01:00:00;00" if drop else "01:00:00:00")
    if start == 0:
        stage.double.timeline.start_tc = "00:00:00:00"
    stage.double.item(stage.footage(tmp_path), 50, 100)
    put_on_disk(stage.double, made())
    stage.double.timeline.playhead = start + 2000
    placed = place(stage.session(), made(), target(start + 50), "fusion")
    starts = sorted(item.start - start for track in stage.double.timeline.video[1:] for item in track.items)
    assert starts == [50, 70, 101] and placed.tracks == (2, 3)
    assert stage.double.timeline.playhead == start + 2000
    assert not stage.double.world.misuse


@pytest.mark.parametrize("profile", VERSIONS)
def test_cuts(profile: str, tmp_path: Path) -> None:
    stage = staged(profile, tmp_path, made())
    place(stage.session(), made(), target(), "cuts")
    assert [spot[1:] for spot in laid(stage, 2)] == [(0, 24, 0), (24, 30, 14), (54, 46, 14)]
    assert not stage.double.world.misuse


@pytest.mark.parametrize("profile", VERSIONS)
def test_nested(profile: str, tmp_path: Path) -> None:
    manifest = made(folder=str(tmp_path))
    stage = staged(profile, tmp_path, manifest)
    for path, file in list(stage.double.world.disk.items()):
        if "strip" in path:
            stage.double.world.disk[path] = replace(file, start_tc="01:00:00:00")
    place(stage.session(), manifest, target(), "nested")
    (item,) = stage.double.timeline.video[1].items
    assert (item.start, item.length, item.name) == (86450, 100, "Restrip clip abcd")
    assert item.media is not None and item.media.timeline is not None
    inner = sorted(item.media.timeline.video[0].items, key=lambda i: (i.start, i.length))
    assert [(i.start - 86400, i.length, i.left) for i in inner] == [
        (0, 24, 0),
        (20, 8, 0),
        (24, 30, 14),
        (51, 7, 0),
        (54, 46, 14),
    ]
    assert stage.double.project.current is stage.double.timeline
    assert not stage.double.world.misuse


@pytest.mark.parametrize("sources", [True, False])
def test_nested_is_imported_with_or_without_source_clips(sources: bool, tmp_path: Path) -> None:
    manifest = made(folder=str(tmp_path))
    profile = replace(PROFILES["20"], links_with_sources=sources)
    stage = staged(profile, tmp_path, manifest)
    stage.double.timeline.rate, stage.double.timeline.drop = "29.97", True
    stage.double.timeline.start_tc, stage.double.timeline.start = "01:00:00;00", 107892
    put_on_disk(stage.double, manifest)
    place(stage.session(), manifest, target(107942), "nested")
    nested = [t for t in stage.double.project.timelines if t is not stage.double.timeline]
    assert [(len(t.video[0].items), t.drop) for t in nested] == [(5, True)]
    assert not stage.double.world.misuse


START_TCS = {"00:00:00:00": 0, "01:00:00:00": 86400, "10:00:00:00": 864000}


@pytest.mark.parametrize("start_tc", START_TCS)
@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize("way", ["nested", "fusion", "cuts"])
def test_strips_with_a_timecode_of_their_own(profile: str, start_tc: str, way: str, tmp_path: Path) -> None:
    """The engine writes the source's timecode into strips; what is placed counts from the file's first frame."""
    manifest = made(folder=str(tmp_path))
    stage = staged(profile, tmp_path, manifest)
    for path, file in list(stage.double.world.disk.items()):
        if "strip" in path:
            stage.double.world.disk[path] = replace(file, start_tc=start_tc)
    placed = place(stage.session(), manifest, target(), way)
    track = stage.double.timeline.video[placed.tracks[0] - 1]
    assert min(i.start for i in track.items) == 86450 and max(i.end for i in track.items) <= 86550
    if way == "nested":
        (path,) = (state_dir() / "resolve" / "nested").glob("*.otio")
        first = json.loads(path.read_text("utf-8"))["tracks"]["children"][0]["children"][0]
        assert first["source_range"]["start_time"]["value"] == START_TCS[start_tc]


def test_nested_files_open_in_opentimelineio(tmp_path: Path) -> None:
    otio: Any = pytest.importorskip("opentimelineio")
    manifest = made(folder=str(tmp_path))
    stage = staged("20", tmp_path, manifest)
    place(stage.session(), manifest, target(), "nested")
    (path,) = (state_dir() / "resolve" / "nested").glob("*.otio")
    timeline = otio.adapters.read_from_file(str(path))
    assert timeline.duration().value == 100
    assert [type(child).__name__ for child in timeline.tracks[0]] == [
        "Clip",
        "Transition",
        "Clip",
        "Transition",
        "Clip",
    ]
    clip = timeline.tracks[0][0]
    assert clip.media_reference.target_url == manifest.strips[0].file
    whole, used = clip.media_reference.available_range, clip.source_range
    assert (used.start_time, used.duration.value, whole.duration.value) == (whole.start_time, 24, 40)


def test_placed_twice_the_bin_is_made_once_files_are_imported_once_and_strips_lie_there_once(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    place(stage.session(), made(), target(), "auto")
    place(stage.session(), made(), target(), "auto")
    (own,) = [f for f in stage.double.project.root.folders if f.name == "Restrip"]
    (results,) = own.folders
    assert len(results.clips) == 3
    assert [track.name for track in stage.double.timeline.video] == ["Video 1", "Restrip"]
    assert [spot[1:] for spot in laid(stage, 2)] == [(0, 24, 0), (20, 8, 0), (24, 30, 14), (51, 7, 0), (54, 46, 14)]


def test_our_free_track_is_used_again(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    place(stage.session(), made(), target(), "auto")
    other = replace(made(), job_id="other")
    placed = place(stage.session(), other, target(86650), "auto")
    assert placed.tracks == (2,)
    assert len(stage.double.timeline.video) == 2


@pytest.mark.parametrize("fault", ["locked", "off", "full", "foreign"])
def test_a_track_that_isnt_free_isnt_used(fault: str, tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    stage.double.item(stage.footage(tmp_path, name="o.mov"), 400 if fault != "full" else 60, 20, track=2)
    track = stage.double.timeline.video[1]
    track.name = "Titles" if fault == "foreign" else "Restrip"
    track.locked, track.enabled = fault == "locked", fault != "off"
    placed = place(stage.session(), made(), target(), "auto")
    assert "Restrip" in stage.double.timeline.video[placed.tracks[0] - 1].name
    assert stage.double.timeline.video[placed.tracks[0] - 1] is not track


@pytest.mark.parametrize("profile", VERSIONS)
def test_titles_above_the_clip_stay_above_where_the_version_can_insert_tracks(profile: str, tmp_path: Path) -> None:
    manifest = made(baked=True)
    stage = staged(profile, tmp_path, manifest)
    title = stage.double.item(None, 60, 30, track=2, properties=None, name="Title")
    other = stage.double.item(None, 10, 20, track=3, properties=None, name="Logo")
    placed = place(stage.session(), manifest, target(), "baked")
    tracks = [[item.name[-9:] for item in track.items] for track in stage.double.timeline.video]
    if profile == "18.6":
        assert placed.tracks == (4,) and "covered" in placed.notes[0]
    else:
        assert placed.tracks == (2,) and not placed.notes
        assert tracks[1:] == [["baked.mp4"], ["Title"], ["Logo"]]
    assert title.start == 86460 and other.start == 86410


def test_inserting_that_adds_on_top_instead_is_noticed(tmp_path: Path) -> None:
    """An index that Resolve takes as out of bounds puts the track on top: nothing of the user's is touched."""
    manifest = made(baked=True)
    stage = staged("20", tmp_path, manifest)
    stage.double.item(None, 60, 30, track=3, properties=None, name="Title")
    assert not stage.double.timeline.video[1].items, "an empty track of the user's right above the clip"
    before = stage.double.snapshot()

    import double.timeline as inside

    original = inside.Timeline.AddTrack
    try:
        inside.Timeline.AddTrack = lambda self, trackType, newTrackOptions=None: original(self, trackType)  # type: ignore[method-assign]
        with pytest.raises(Exception, match="add video track"):
            place(stage.session(), manifest, target(), "baked")
    finally:
        inside.Timeline.AddTrack = original  # type: ignore[method-assign]
    assert stage.double.snapshot() == before


@pytest.mark.parametrize("page", ["cut", "color", "fairlight", "deliver"])
def test_the_page_is_gone_back_to(page: str, tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    stage.double.world.page = page
    place(stage.session(), made(), target(), "auto")
    assert stage.double.world.page == page


def test_files_that_resolve_reads_differently_are_refused(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    before = stage.double.snapshot()
    good = stage.double.world.disk[made().strips[1].file]
    for bad in (replace(good, fps="25"), MediaFile(good.frames - 1, good.fps, good.size)):
        stage.double.world.disk[made().strips[1].file] = bad
        with pytest.raises(WrongMedia):
            place(stage.session(), made(), target(), "auto")
        assert stage.double.snapshot() == before


def test_a_missing_file_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    before = stage.double.snapshot()
    del stage.double.world.disk[made().strips[2].file]
    with pytest.raises(Exception, match="strip-2"):
        place(stage.session(), made(), target(), "auto")
    assert stage.double.snapshot() == before


def test_ahead_of_the_timelines_start(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    with pytest.raises(OffTimeline):
        place(stage.session(), made(), target(86300), "auto")


def test_without_handles_the_next_way_is_taken(tmp_path: Path) -> None:
    """Studio refuses a dissolve: the baked movie goes there instead, and it is said."""
    manifest = made(baked=True)
    stage = staged("21.1", tmp_path, manifest)

    import double.timeline as inside

    original = inside.TimelineItem.AddTransition
    try:
        inside.TimelineItem.AddTransition = lambda self, transitionOptions: None  # type: ignore[method-assign,assignment]
        placed = place(stage.session(), manifest, target(), "auto")
        with pytest.raises(Exception, match="cross dissolve"):
            place(stage.session(), manifest, target(86700), "transitions")
    finally:
        inside.TimelineItem.AddTransition = original  # type: ignore[method-assign]
    assert placed.method == "baked" and "baked is used instead" in placed.notes[0]
    assert laid(stage, 2) == [("4-baked.mp4", 0, 100, 0)]


def test_dissolves_that_come_to_lie_elsewhere_are_taken_back(tmp_path: Path) -> None:
    stage = staged("21.1", tmp_path, made())
    before = stage.double.snapshot()

    import double.timeline as inside

    original = inside.TimelineItem.AddTransition

    def shorter(self: Any, transitionOptions: dict[str, Any]) -> Any:
        return original(self, {**transitionOptions, "duration": transitionOptions["duration"] - 2})

    try:
        inside.TimelineItem.AddTransition = shorter  # type: ignore[method-assign]
        with pytest.raises(DissolveElsewhere):
            place(stage.session(), made(), target(), "transitions")
    finally:
        inside.TimelineItem.AddTransition = original  # type: ignore[method-assign]
    assert stage.double.snapshot() == before


@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize("nothing", [1, 3])
def test_an_append_that_places_nothing_is_tried_again_as_it_is(
    profile: str, nothing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every so often Resolve answers an empty list for no reason: the end frames stay what they are."""
    import double.pool as inside

    stage = staged(replace(PROFILES[profile], empty_append=nothing), tmp_path, made())
    original, asked = inside.MediaPool.AppendToTimeline, []

    def noted(self: Any, clipInfo: list[dict[str, Any]]) -> Any:
        asked.append(clipInfo[0]["endFrame"])
        return original(self, clipInfo)

    monkeypatch.setattr(inside.MediaPool, "AppendToTimeline", noted)
    place(stage.session(), made(), target(), "cuts")
    assert [spot[1:] for spot in laid(stage, 2)] == [(0, 24, 0), (24, 30, 14), (54, 46, 14)]
    assert asked[nothing - 1] == asked[nothing]


@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2])
def test_another_timeline_opened_while_placing(
    profile: str, when: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was placed is taken back from the timeline where it lies, and the user's new timeline stays open."""
    import double.pool as inside
    from double import TimelineState, TrackState

    stage = staged(profile, tmp_path, made())
    other = TimelineState("timeline-other", "Edit 2", video=[TrackState(f"Video {n}") for n in (1, 2, 3)])
    stage.double.project.timelines.append(other)
    before = stage.double.snapshot()
    original, calls = inside.MediaPool.AppendToTimeline, [0]

    def switching(self: Any, clipInfo: list[dict[str, Any]]) -> Any:
        calls[0] += 1
        if when == "before" and calls[0] == at:
            stage.double.project.current = other
        answer = original(self, clipInfo)
        if when == "after" and calls[0] == at:
            stage.double.project.current = other
        return answer

    monkeypatch.setattr(inside.MediaPool, "AppendToTimeline", switching)
    with pytest.raises(TimelineChanged, match="the timeline Edit 1 was left"):
        place(stage.session(), made(), target(), "cuts")
    after = stage.double.snapshot()
    assert after["timeline"] == "timeline-other"
    # Resolve moves the playhead of a timeline that it appends to.
    after["timelines"]["timeline-other"]["playhead"] = before["timelines"]["timeline-other"]["playhead"]
    assert {**after, "timeline": before["timeline"]} == before
    assert not stage.double.world.misuse


def test_another_project_opened_while_placing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import double.app as inside
    import double.pool as pool
    from double import ProjectState

    stage = staged("21.1", tmp_path, made())
    root = stage.double.project.root
    other = ProjectState("project-2", "Another film", root, root)
    original, opened = pool.MediaPool.AppendToTimeline, []

    def switching(self: Any, clipInfo: list[dict[str, Any]]) -> Any:
        opened.append(other)
        return original(self, clipInfo)

    monkeypatch.setattr(pool.MediaPool, "AppendToTimeline", switching)
    current = inside.ProjectManager.GetCurrentProject
    monkeypatch.setattr(
        inside.ProjectManager,
        "GetCurrentProject",
        lambda self: inside.Project(self._world, other) if opened else current(self),
    )
    with pytest.raises(TimelineChanged, match="the project Film was left"):
        place(stage.session(), made(), target(), "cuts")


def test_strips_that_come_to_lie_elsewhere_are_taken_back(tmp_path: Path) -> None:
    """A strip that slides behind another is no success, whatever Resolve answers."""
    stage = staged("21.0.3", tmp_path, made())
    before = stage.double.snapshot()

    import double.pool as inside

    original = inside.MediaPool._append

    def late(self: Any, timeline: Any, info: dict[str, Any]) -> Any:
        return original(self, timeline, {**info, "recordFrame": info["recordFrame"] + 3})

    try:
        inside.MediaPool._append = late  # type: ignore[method-assign]
        with pytest.raises(PlacedWrong, match="instead of"):
            place(stage.session(), made(), target(), "fusion")
    finally:
        inside.MediaPool._append = original  # type: ignore[method-assign]
    assert stage.double.snapshot() == before
