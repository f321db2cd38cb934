"""The double itself is strict: what would be forgiven by a mock isn't."""

from __future__ import annotations

import pytest
from double import PROFILES, Double, Failure, Injected
from double.comp import EMPTY, Malformed, Parser, opacity, write
from restrip_resolve.api import can


@pytest.fixture
def stage() -> Double:
    return Double.of("21.1")


def test_hasattr_is_always_true_and_a_missing_method_reads_as_none() -> None:
    timeline = Double.of("21.0.3").resolve.GetProjectManager().GetCurrentProject().GetCurrentTimeline()
    assert hasattr(timeline, "GetSelectedClips")
    assert timeline.GetSelectedClips is None
    assert not can(timeline, "GetSelectedClips")
    assert can(timeline, "GetMarkers")


def test_a_bridge_that_makes_up_methods_is_seen_through() -> None:
    from dataclasses import replace

    stage = Double.of(replace(PROFILES["21.0.3"], makes_up_methods=True))
    timeline = stage.resolve.GetProjectManager().GetCurrentProject().GetCurrentTimeline()
    assert callable(timeline.GetSelectedClips)
    assert not can(timeline, "GetSelectedClips")
    assert can(timeline, "GetMarkers")


def test_unknown_methods_and_wrong_arguments_are_misuse(stage: Double) -> None:
    assert stage.resolve.GetTheWeather is None
    assert stage.resolve.OpenPage("edit", "color") is None
    assert stage.resolve.OpenPage(pageName="edit") is None
    assert len(stage.world.misuse) == 3


def append(stage: Double, **changes: object) -> list[object]:
    project = stage.resolve.GetProjectManager().GetCurrentProject()
    pool = project.GetMediaPool()
    info = {
        "mediaPoolItem": pool.GetRootFolder().GetSubFolderList()[0].GetClipList()[-1],
        "startFrame": 0,
        "endFrame": 10,
        "recordFrame": 86400,
        "trackIndex": 1,
        "mediaType": 1,
        **changes,
    }
    return list(pool.AppendToTimeline([info]) or [])


@pytest.mark.parametrize("changes", [{"endFrame": 10.0}, {"trackIndex": True}, {"extra": 1}, {"mediaType": 3}])
def test_clip_infos_are_taken_literally(stage: Double, changes: dict[str, object]) -> None:
    stage.media("/a.mov", 100)
    assert append(stage, **changes) == []
    assert stage.world.misuse


def test_a_locked_track_lies_and_an_overlap_is_dropped_or_slides(stage: Double) -> None:
    stage.media("/a.mov", 100)
    assert append(stage) and append(stage, startFrame=20, endFrame=30, recordFrame=86405)
    assert [item.start for item in stage.timeline.video[0].items] == [86400]
    stage.timeline.video[0].locked = True
    assert append(stage, recordFrame=86500)
    assert len(stage.timeline.video[0].items) == 1
    sliding = Double.of("21.0.3")
    sliding.media("/a.mov", 100)
    append(sliding), append(sliding, recordFrame=86405)
    assert [item.start for item in sliding.timeline.video[0].items] == [86400, 86410]


@pytest.mark.parametrize(("profile", "length"), [("18.6", 11), ("20", 10), ("21.1", 10)])
def test_the_end_frame_is_counted_as_the_version_does(profile: str, length: int) -> None:
    stage = Double.of(profile)
    stage.media("/a.mov", 100)
    append(stage)
    assert stage.timeline.video[0].items[0].length == length


def test_tracks_that_are_not_there_mean_track_one(stage: Double) -> None:
    stage.media("/a.mov", 100)
    append(stage, trackIndex=5)
    assert len(stage.timeline.video[0].items) == 1


def test_failures_come_once_and_in_every_way(stage: Double) -> None:
    stage.world.failure = Failure(0, "raise")
    with pytest.raises(Injected):
        stage.resolve.OpenPage("color")
    assert stage.world.page == "edit"
    stage.world.failure = Failure(len(stage.world.calls), "acts, none")
    assert stage.resolve.OpenPage("color") is None
    assert stage.world.page == "color"
    stage.world.failure = Failure(len(stage.world.calls), "lie")
    assert stage.resolve.OpenPage("media") is True
    assert stage.world.page == "color"


def test_the_composition_parser_reads_what_it_writes_and_refuses_what_is_broken() -> None:
    comp = Parser(EMPTY % {"first": -5, "last": 94, "frames": 100}).parse()
    again = Parser(write(comp)).parse()
    assert again == comp
    media = comp.named["Tools"].named["MediaIn1"]
    assert media.named["CustomData"].named["MediaProps"].named["MEDIA_NAME"] == 'a "quoted" name.mov'
    assert opacity(comp, 3, (10, 10)) == 1.0
    for broken in ("Composition { Tools = { A = 1 B = 2 } }", "{", "Composition { } x", "Composition { A = 1, A = 2 }"):
        with pytest.raises(Malformed):
            Parser(broken).parse()
