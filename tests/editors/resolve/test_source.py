"""What the engine reads for a clip: the file with the right frames of it, or a render that leaves no trace."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from double import PROFILES, Profile
from restrip_resolve.clips import render
from restrip_resolve.clips.render import CannotRestore, RenderBusy, RenderFailed
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.clips.source import NeedsRender, Source, source_of
from stage import Stage, without_waiting

from restrip.errors import RemoteError
from restrip.timeline import Rate

VERSIONS = [name for name in PROFILES if PROFILES[name].python]
RENDERING = [name for name in VERSIONS if PROFILES[name].has("Timeline", "GetMarkInOut")]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "PACE", without_waiting())


def source(stage: Stage, folder: Path, choice: str = "auto") -> Source:
    session = stage.session()
    stage.double.timeline.playhead = stage.double.timeline.start + 60
    (clip,) = source_clips(session)
    found = source_of(session, stage.engine, clip, choice, folder)
    assert not stage.double.world.misuse
    return found


@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize(
    ("clip_rate", "file_rate"), [("24", "24"), ("29.97", "30000/1001"), ("50", "50"), ("25", "25")]
)
def test_frames_are_found_by_time(profile: str, clip_rate: str, file_rate: str, tmp_path: Path) -> None:
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path, 600, fps=clip_rate), 50, 100, left=20)
    stage.engine.info = {"frames": 600, "rate": file_rate, "vfr": False}
    clip = source(stage, tmp_path).clip
    assert (clip.trim_in, clip.length, clip.source_rate) == (20, 100, None)
    assert clip.media_time(10) == Fraction(30, 24)


@pytest.mark.parametrize(
    ("timeline", "played", "file", "walked"),
    [
        ("25", "25", "50", "50"),
        ("24", "23.976", "60000/1001", "60"),
        ("30", "25", "50", "60"),
        ("25", "50", "25", "25/2"),
    ],
)
def test_a_clip_played_at_another_rate_than_its_files(
    timeline: str, played: str, file: str, walked: str, tmp_path: Path
) -> None:
    """Resolve was told to play a file of 50/s at 25: a frame of the timeline is a frame of the file."""
    stage = Stage.of("21.1", rate=timeline)
    stage.double.item(stage.footage(tmp_path, 600, fps=played), 50, 100, left=20)
    stage.engine.info = {"frames": 600, "rate": file, "vfr": False}
    clip = source(stage, tmp_path).clip
    assert clip.source_rate == Rate.parse(walked)


def test_variable_rates_are_the_engines_to_read(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path, 270, fps="30"), 50, 100)
    stage.engine.info = {"frames": 243, "rate": "27", "vfr": True}
    assert source(stage, tmp_path).clip.source_rate is None


@pytest.mark.parametrize("profile", RENDERING)
def test_a_subclip_is_rendered(profile: str, tmp_path: Path) -> None:
    """Its offsets don't count from the file's first frame."""
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path, 240), 50, 100)
    stage.engine.info = {"frames": 900, "rate": "24", "vfr": False}
    found = source(stage, tmp_path)
    assert found.rendered and "240 frames of a file that has 900" in stage.text()


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("profile", RENDERING)
def test_a_render_holds_exactly_the_range_and_leaves_no_trace(
    profile: str | Profile, everything: bool, tmp_path: Path
) -> None:
    stage = Stage.of(profile)
    stage.double.project.render.select_all = everything
    stage.double.item(stage.footage(tmp_path), 50, 100, left=20, properties={"ZoomX": 2.0})
    stage.double.item(None, 0, 200, track=2, properties=None)
    stage.double.item(None, 0, 30, track=3, properties=None)
    stage.double.timeline.video[2].enabled = False
    stage.double.timeline.marks = {"video": {"in": 60, "out": 99}, "audio": {"in": 60, "out": 99}}
    stage.double.timeline.playhead = 86460
    stage.double.timeline.selected = [stage.double.timeline.video[0].items[0].id]
    stage.double.timeline.video[1].items.clear()
    seen: list[Any] = []

    def look(path: str, first: int, last: int) -> None:
        tracks = [track.enabled for track in stage.double.timeline.video]
        settings = stage.double.project.render
        seen.append((first, last, tracks, settings.format, settings.codec, settings.mode, dict(settings.settings)))
        Path(path).write_bytes(b"movie")

    stage.double.world.renderer = look
    before = stage.double.snapshot()
    found = source(stage, tmp_path)
    after = stage.double.snapshot()
    after["timelines"]["timeline-user"]["playhead"] = before["timelines"]["timeline-user"]["playhead"]
    assert after == before
    ((first, last, tracks, container, codec, mode, settings),) = seen
    assert (first, last) == (86460, 86499)
    assert tracks == [True, False, False]
    assert (container, codec, mode) == ("mov", "ProRes422HQ", 1)
    assert (settings["FormatWidth"], settings["FormatHeight"], settings["FrameRate"]) == (1920, 1080, 24.0)
    assert settings["ExportVideo"] is True and settings["ExportAudio"] is False
    assert (found.clip.paths, found.clip.trim_in, found.clip.length) == ((found.rendered,), 0, 40)
    assert found.clip.timeline_start == 86460
    assert Path(found.rendered).read_bytes() == b"movie"


@pytest.mark.parametrize("switch", ["preset_keeps_folder", "out_inclusive"])
def test_a_render_leaves_no_trace_whatever_presets_keep_and_marks_mean(switch: str, tmp_path: Path) -> None:
    usual = PROFILES["21.1"]
    other = replace(usual, **{switch: not getattr(usual, switch)})
    test_a_render_holds_exactly_the_range_and_leaves_no_trace(other, True, tmp_path)


def test_a_track_that_is_off_is_on_while_it_renders(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    item = stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    stage.double.timeline.selected = [item.id]
    stage.double.timeline.video[0].enabled = False
    seen: list[bool] = []

    def look(path: str, first: int, last: int) -> None:
        seen.append(stage.double.timeline.video[0].enabled)
        Path(path).write_bytes(b"movie")

    stage.double.world.renderer = look
    source(stage, tmp_path)
    assert seen == [True] and not stage.double.timeline.video[0].enabled


def test_a_timeline_name_that_is_no_file_name_gets_one(tmp_path: Path) -> None:
    stage = Stage.of(
        "21.1",
    )
    stage.double.timeline.name = "Edit 1/2: rough"
    stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    assert Path(source(stage, tmp_path).rendered).name == "restrip-source.mov"


def test_the_users_queue_is_left_alone(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    stage.double.project.render.jobs["mine"] = {"JobId": "mine"}
    source(stage, tmp_path)
    assert list(stage.double.project.render.jobs) == ["mine"]


@pytest.mark.parametrize("profile", RENDERING)
def test_while_resolve_renders_it_is_left_alone(profile: str, tmp_path: Path) -> None:
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    stage.double.project.render.running = "mine"
    before = stage.double.snapshot()
    with pytest.raises(RenderBusy):
        source(stage, tmp_path)
    before["timelines"]["timeline-user"]["playhead"] = 86460
    assert stage.double.snapshot() == before


def test_a_render_that_fails_says_why_and_leaves_no_trace(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    stage.double.timeline.playhead = 86460
    stage.double.project.render.fails = "Codec non disponibile"
    before = stage.double.snapshot()
    with pytest.raises(RenderFailed, match="Codec non disponibile"):
        source(stage, tmp_path)
    assert stage.double.snapshot() == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mov"]


def test_a_version_that_cant_tell_its_marks_doesnt_render(tmp_path: Path) -> None:
    stage = Stage.of("18.6")
    stage.double.item(stage.footage(tmp_path), 50, 100, properties={"ZoomX": 2.0})
    with pytest.raises(CannotRestore, match=r"19\.1"):
        source(stage, tmp_path)


@pytest.mark.parametrize("code", ["media-unreadable", "media-damaged", "decoder-missing", "colours-unreadable"])
@pytest.mark.parametrize("profile", RENDERING)
def test_what_resolve_alone_can_read_is_rendered_by_it(profile: str, code: str, tmp_path: Path) -> None:
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path, name="A001.braw"), 50, 100, left=20)

    def unreadable(paths: object) -> dict[str, Any]:
        raise RemoteError({"code": code, "message": "A001.braw can't be read: no decoder."})

    stage.engine.probe = unreadable  # type: ignore[method-assign,assignment]
    found = source(stage, tmp_path)
    assert found.rendered and found.clip.length == 100
    assert "only Resolve can read its file (A001.braw can't be read: no decoder)" in stage.text()
    with pytest.raises(NeedsRender, match="only Resolve"):
        source(stage, tmp_path, "never")


def test_other_failures_of_the_engine_are_no_reason_to_render(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100)

    def missing(paths: object) -> dict[str, Any]:
        raise RemoteError({"code": "media-missing", "message": "It isn't there."})

    stage.engine.probe = missing  # type: ignore[method-assign,assignment]
    with pytest.raises(RemoteError, match="isn't there"):
        source(stage, tmp_path)


def test_never_rendering_reads_the_file_and_says_so(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100, left=20, tools=[["Glow"]])
    found = source(stage, tmp_path, "never")
    assert found.clip.paths == (str(tmp_path / "clip.mov"),) and "graded" in found.notes[-1]
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100, speed=50.0)
    with pytest.raises(NeedsRender, match="speed"):
        source(stage, tmp_path, "never")


def test_always_rendering(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100)
    assert source(stage, tmp_path, "always").rendered
