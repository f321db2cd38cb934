"""An exported timeline: which clips are marked, and what comes back, read and played with OpenTimelineIO."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from otio_player import play

from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.errors import BadInput
from restrip.timeline import Rate, seams_of, segments_of, strips_of, visible_of
from restrip.timeline.editor_timeline import Cut, CutUnreadable, MarkedClip, NothingMarked

RATES = [("25", 90000, "01:00:00:00"), ("30000/1001", 1078920, "10:00:00;00"), ("24", 0, "00:00:00:00")]


def time(value: float, rate: float) -> Any:
    return otio.opentime.RationalTime(value, rate)


def span(start: float, length: float, rate: float) -> Any:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def clip(name: str, first: int, length: int, rate: float, origin: int = 0, frames: int = 400) -> Any:
    media = otio.schema.ExternalReference(f"/films/{name}", span(origin, frames, rate))
    return otio.schema.Clip(name, media, span(origin + first, length, rate))


def marker(frame: float, rate: float, name: str = "", color: str = "CYAN", note: str = "") -> Any:
    metadata = {"Resolve_OTIO": {"Keywords": [], "Note": note}}
    return otio.schema.Marker(name, span(frame, 1, rate), color, metadata)


def exported(folder: Path, rate: float, start: int = 0, origin: int = 0) -> tuple[Path, Any]:
    """A title over two clips with a dissolve between them, and a gap: A 0..50, B 50..110, gap ..130, C 130..160."""
    timeline = otio.schema.Timeline("Edit 1", global_start_time=time(start, rate))
    video, titles = otio.schema.Track("Video 1", kind="Video"), otio.schema.Track("Video 2", kind="Video")
    a, b = clip("a.mov", 10, 50, rate, origin), clip("b.mov", 20, 60, rate, origin)
    dissolve = otio.schema.Transition("", "SMPTE_Dissolve", time(5, rate), time(5, rate))
    gap = otio.schema.Gap(source_range=span(0, 20, rate))
    video.extend([a, dissolve, b, gap, clip("c.mov", 0, 30, rate, origin)])
    title = otio.schema.Clip("Title", otio.schema.MissingReference(), span(0, 30, rate))
    titles.extend([otio.schema.Gap(source_range=span(0, 60, rate)), title])
    sound = otio.schema.Track("Audio 1", kind="Audio")
    sound.append(clip("a.mov", 10, 50, rate, origin))
    timeline.tracks.extend([video, titles, sound])
    path = folder / "edit.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path, timeline


def saved(timeline: Any, path: Path) -> Cut:
    otio.adapters.write_to_file(timeline, str(path))
    return Cut.read(path)


def made(marked: MarkedClip) -> Manifest:
    clip_, keys = marked.clip, marked.keys
    segments = segments_of(keys, clip_.length)
    fades, strips = seams_of(keys, segments), strips_of(keys, segments)
    return Manifest(
        job_id="job",
        engine_version="0.1.0",
        clip=clip_,
        size=(640, 360),
        look="neural:19",
        settings={},
        keys=tuple(KeyResult(key, "") for key in keys),
        strips=tuple(
            StripFile(s.key, s.frames, v, f"/out/{clip_.name}-{s.key}.mp4", "", "01:00:00:00")
            for s, v in zip(strips, visible_of(strips, fades), strict=True)
        ),
        fades=fades,
    )


@pytest.mark.parametrize(("rate", "start", "timecode"), RATES)
@pytest.mark.parametrize("absolute", [False, True])
def test_markers_on_clips_and_over_them_are_keys(
    rate: str, start: int, timecode: str, absolute: bool, tmp_path: Path
) -> None:
    number = float(Rate.parse(rate))
    path, timeline = exported(tmp_path, number, start, origin=start)
    base = start if absolute else 0
    for frame, color in ((60, "CYAN"), (100, "CYAN"), (70, "RED"), (120, "CYAN")):
        timeline.tracks.markers.append(marker(base + frame, number, "Marker 1", color, "oil, seed: 3" * (frame == 60)))
    timeline.tracks[0][0].markers.append(marker(start + 15, number, "K: ink", "BLUE"))
    timeline.tracks[0][0].markers.append(marker(start + 200, number, "beyond"))
    found = saved(timeline, path).marked("cyan")
    assert [(m.track, m.clip.paths, m.clip.trim_in, m.clip.length, m.clip.timeline_start) for m in found] == [
        (0, ("/films/a.mov",), 10, 50, start),
        (0, ("/films/b.mov",), 20, 60, start + 50),
    ]
    assert [[(k.frame, k.prompt, k.seed) for k in m.keys] for m in found] == [
        [(5, "ink", None)],
        [(10, "oil", 3), (50, None, None)],
    ]
    assert {m.clip.rate for m in found} == {Rate.parse(rate)}


def test_strips_come_to_lie_over_their_clips_and_under_titles(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0, 90000)
    for frame in (5, 30, 60, 100):
        timeline.tracks.markers.append(marker(frame, 25.0))
    cut = saved(timeline, path)
    results = [(marked, made(marked)) for marked in cut.marked("CYAN")]
    (tmp_path / "out.otio").write_text(cut.with_results(results), "utf-8")
    back = otio.adapters.read_from_file(str(tmp_path / "out.otio"))
    assert [track.name for track in back.tracks] == ["Video 1", "Restrip", "Video 2", "Audio 1"]
    assert back.duration() == timeline.duration() and back.global_start_time.value == 90000
    shown = list(play(back, "Restrip"))
    assert len(shown) == 110
    assert {shot.file for shot in shown[4]} == {"/out/a.mov-0.mp4"}
    assert {shot.file for shot in shown[109]} == {"/out/b.mov-1.mp4"}
    assert {shot.file for shot in shown[80]} == {"/out/b.mov-0.mp4", "/out/b.mov-1.mp4"}
    for before, after in zip(timeline.tracks, [back.tracks[0], back.tracks[2], back.tracks[3]], strict=True):
        assert before.is_equivalent_to(after)


def test_a_later_result_lies_above_an_earlier_one(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0)
    timeline.tracks.markers.append(marker(60, 25.0))
    cut = saved(timeline, path)
    path.write_text(cut.with_results([(m, made(m)) for m in cut.marked("cyan")]), "utf-8")
    again = Cut.read(path)
    found = again.marked("cyan")
    assert [m.clip.name for m in found] == ["b.mov"], "a result is no source"
    later = [(m, replace(made(m), job_id="later")) for m in found]
    path.write_text(again.with_results(later), "utf-8")
    back = otio.adapters.read_from_file(str(path))
    assert [track.name for track in back.tracks] == ["Video 1", "Restrip", "Restrip", "Video 2", "Audio 1"]


def test_what_has_no_file_or_another_speed_is_passed_over_and_said(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0)
    timeline.tracks[0][0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    title = timeline.tracks[1][1]
    for item, frame in ((timeline.tracks[0][0], 20), (title, 3), (timeline.tracks[0][2], 30)):
        item.markers.append(marker(frame, 25.0))
    cut = saved(timeline, path)
    assert [m.clip.name for m in cut.marked("cyan")] == ["b.mov"]
    assert ["a.mov" in cut.notes[0], "Title" in cut.notes[1]] == [True, True]


def test_paths_are_read_in_every_form(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0)
    for url, wanted in {
        "file:///films/my%20clip.mov": "/films/my clip.mov",
        "file://localhost/films/a.mov": "/films/a.mov",
        "file:///C:/films/a.mov": "C:/films/a.mov",
        "/films/100%25.mov": "/films/100%25.mov",
        "takes/a %d.mov": str(tmp_path / "takes/a %d.mov"),
        "C:\\films\\a.mov": "C:\\films\\a.mov",
    }.items():
        timeline.tracks[0][0].media_reference.target_url = url
        timeline.tracks[0][0].markers[:] = [marker(15, 25.0)]
        assert saved(timeline, path).marked("cyan")[0].clip.paths == (wanted,)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"OTIO_SCHEMA": "Clip.2"}', '{"OTIO_SCHEMA": "Timeline.1", "tracks": 3}'],
)
def test_what_is_no_timeline_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.otio").write_text(text)
    with pytest.raises(CutUnreadable, match=r"x\.otio"):
        Cut.read(tmp_path / "x.otio")
    with pytest.raises(CutUnreadable):
        Cut.read(tmp_path / "missing.otio")


@pytest.mark.parametrize("wrong", [None, "x", [], {}, float("inf"), float("nan"), -1, {"value": None, "rate": 25.0}])
def test_whatever_stands_in_the_place_of_something_else_is_said(wrong: object, tmp_path: Path) -> None:
    """Every value of an exported timeline in turn."""
    path, timeline = exported(tmp_path, 25.0)
    timeline.tracks[0][0].markers.append(marker(15, 25.0, "a prompt", note="seed: 3"))
    timeline.tracks.markers.append(marker(90025, 25.0))
    otio.adapters.write_to_file(timeline, str(path))
    body = json.loads(path.read_text())
    places = list(_spots(body))
    for holder, name in places:
        right, holder[name] = holder[name], wrong
        with suppress(BadInput):
            Cut(body, str(path)).marked("cyan")
        holder[name] = right
    assert len(places) > 200


def _spots(body: Any) -> Iterator[tuple[Any, Any]]:
    """Where a value stands, all the way down."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        yield body, name
        if isinstance(value, dict | list):
            yield from _spots(value)


def test_media_on_a_server_is_passed_over_and_said(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0)
    timeline.tracks[0][0].media_reference.target_url = "http://films.example/a.mov"
    for item in (timeline.tracks[0][0], timeline.tracks[0][2]):
        item.markers.append(marker(30, 25.0))
    cut = saved(timeline, path)
    assert [m.clip.name for m in cut.marked("cyan")] == ["b.mov"]
    assert "a.mov" in cut.notes[0] and "no file of its own" in cut.notes[0]
    del timeline.tracks[0][2].markers[:]
    with pytest.raises(NothingMarked, match=r"a\.mov at frame 0 was passed over"):
        saved(timeline, path).marked("cyan")


def test_a_timeline_without_markers_is_said(tmp_path: Path) -> None:
    path, _ = exported(tmp_path, 25.0)
    with pytest.raises(NothingMarked, match="rose"):
        Cut.read(path).marked("Rose")


def test_nothing_else_of_the_file_changes(tmp_path: Path) -> None:
    path, timeline = exported(tmp_path, 25.0)
    timeline.tracks[0][0].markers.append(marker(15, 25.0))
    timeline.metadata["Resolve_OTIO"] = {"Resolve OTIO Meta Version": "1.0", "x": [1, {"y": "ü"}]}
    cut = saved(timeline, path)
    before = json.loads(path.read_text("utf-8"))
    after = json.loads(cut.with_results([(m, made(m)) for m in cut.marked("cyan")]))
    del after["tracks"]["children"][1]
    assert after == before
