"""The menu entries as a user meets them: what is submitted, said, opened and placed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from double import PROFILES
from restrip_resolve import ledger
from restrip_resolve.clips import render
from restrip_resolve.settings import settings_path
from restrip_resolve.titles import ENTRIES
from stage import Stage, without_waiting

from restrip.client.job import JobSpec
from restrip.client.status import JobStatus
from restrip.timeline import Rate

VERSIONS = [name for name in PROFILES if PROFILES[name].python]
RENDERING = [name for name in VERSIONS if PROFILES[name].has("Timeline", "GetMarkInOut")]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "PACE", without_waiting())


def cyan(stage: Stage, *frames: int, note: str = "") -> None:
    for frame in frames:
        marker = {"color": "Cyan", "name": "Marker 1", "note": note, "duration": 1, "customData": ""}
        stage.double.timeline.markers[float(frame)] = marker


def configured(text: str) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(text, "utf-8")


@pytest.fixture(params=VERSIONS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """A clip at 50..150 of the timeline, its media from frame 20 on, with keys at 10, 40 and 70 of it."""
    made = Stage.of(request.param)
    media = made.footage(tmp_path)
    made.double.item(media, 0, 50)
    made.double.item(media, 50, 100, left=20)
    made.double.timeline.playhead = 86460
    cyan(made, 60, 90, 120)
    made.engine.fades = {1: (20, 28), 2: (50, 58)}
    configured(f"folder = {tmp_path}\n")
    return made


def submitted(stage: Stage) -> JobSpec:
    (spec,) = stage.engine.asked("submit")
    return spec  # type: ignore[no-any-return]


def test_stylize_from_marker_to_strips(stage: Stage, tmp_path: Path) -> None:
    assert stage.run("stylize"), stage.text()
    spec = submitted(stage)
    assert spec.clip.paths == (str(tmp_path / "clip.mov"),)
    assert (spec.clip.trim_in, spec.clip.length, spec.clip.timeline_start) == (20, 100, 86450)
    assert spec.clip.rate == Rate.of(24) and spec.clip.source_rate is None
    assert [key.frame for key in spec.keys] == [10, 40, 70]
    assert spec.project == stage.engine.project == "resolve:project-1:timeline-user"
    # Editions without transitions by script get one blended movie.
    assert spec.output.baked == (stage.double.world.profile.version < (21, 1, 0))
    items = stage.double.timeline.video[1].items
    assert min(i.start for i in items) == 86450 and max(i.end for i in items) == 86550
    ((job_id, by, strips),) = stage.engine.asked("placed")
    assert (job_id, by) == (spec.job_id, "resolve") and len(strips) in (1, 3)
    assert not stage.double.world.misuse
    assert "3 keys" in stage.text() and "video track 2" in stage.text()


def test_no_marker_in_range_is_said(stage: Stage) -> None:
    stage.double.timeline.markers.clear()
    assert stage.run("stylize")
    assert [key.frame for key in submitted(stage).keys] == [50]
    assert "middle frame" in stage.text()


def test_two_markers_on_one_frame_are_said(stage: Stage) -> None:
    clip = stage.double.timeline.video[0].items[1]
    clip.markers[30.0] = {"color": "Blue", "name": "a cat", "note": "", "duration": 1, "customData": ""}
    assert stage.run("stylize")
    assert [(key.frame, key.prompt) for key in submitted(stage).keys] == [(10, "a cat"), (40, None), (70, None)]
    assert "count as one" in stage.text()


def test_the_settings_file_is_used(stage: Stage, tmp_path: Path) -> None:
    stage.engine.fades = None
    cyan(stage, 61)
    for marker in stage.double.timeline.markers.values():
        marker["color"] = "Rose"
    configured(
        f"folder = {tmp_path}/out\nkey_colour = Rose\nlook = sd:/m/x.safetensors\nprompt = an oil painting\n"
        "seed = 7\nlean = no\nformat = prores4444\nfade = 12\nlong_side = 960\nmode = keys\nseams = cuts\n"
    )
    assert stage.run("stylize"), stage.text()
    spec = submitted(stage)
    assert [key.frame for key in spec.keys] == [10, 11, 40, 70]
    assert (spec.look, dict(spec.settings)) == (
        "sd:/m/x.safetensors",
        {"prompt": "an oil painting", "seed": 7, "lean": False},
    )
    assert (spec.output.format, spec.output.fade, spec.output.long_side) == ("prores4444", 12, 960)
    assert spec.output.folder.startswith(str(tmp_path / "out" / "clip.mov "))
    assert not spec.output.baked


@pytest.mark.parametrize("name", ["png", "h266"])
def test_strips_are_movies_of_a_known_format(stage: Stage, tmp_path: Path, name: str) -> None:
    configured(f"folder = {tmp_path}\nformat = {name}\n")
    assert not stage.run("stylize")
    assert "Line 2" in stage.text() and "Choose one of h264, prores4444." in stage.text()
    assert not stage.engine.asked("submit")


def test_every_frame_mode_asks_for_one_movie(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nmode = every\nstep = 2\nwhen_done = leave\n")
    assert stage.run("stylize")
    spec = submitted(stage)
    assert (spec.mode, spec.step, spec.keys, spec.output.baked) == ("every", 2, (), True)


def test_leaving_and_placing_later(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("stylize")
    assert len(stage.double.timeline.video) == 1
    assert stage.run("place")
    assert "no finished result" in stage.text()
    finish(stage)
    # The clip was moved and trimmed meanwhile: its result goes along.
    clip = stage.double.timeline.video[0].items[1]
    clip.start, clip.left, clip.length = clip.start + 205, clip.left + 5, clip.length - 5
    assert stage.run("place"), stage.text()
    assert min(i.start for i in stage.double.timeline.video[1].items) == 86650
    assert stage.run("place")
    assert len(stage.double.timeline.video) == 2, "a result that was placed is not new"


def finish(stage: Stage) -> None:
    for job_id, status in stage.engine.states.items():
        if status.state == "queued":
            stage.engine.states[job_id] = replace(status, state="done")


def test_a_clip_that_is_gone_gets_its_result_where_it_was(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("stylize")
    finish(stage)
    del stage.double.timeline.video[0].items[1]
    assert stage.run("place"), stage.text()
    assert min(i.start for i in stage.double.timeline.video[1].items) == 86450
    assert "no longer on the timeline" in stage.text()


def test_only_the_newest_result_of_a_clip_is_placed(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("stylize") and stage.run("stylize")
    finish(stage)
    assert stage.run("place")
    newest = stage.engine.asked("submit")[1]
    assert [job for job, _, _ in stage.engine.asked("placed")] == [newest.job_id]
    assert "older" in stage.text()


def test_a_result_of_another_computers_job_goes_where_its_clip_was(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("stylize")
    finish(stage)
    for record in ledger.folder().iterdir():
        record.unlink()
    assert stage.run("place"), stage.text()
    assert min(i.start for i in stage.double.timeline.video[1].items) == 86450


def test_another_timeline_open_meanwhile(stage: Stage) -> None:
    """What was rendered for one timeline isn't put onto another."""
    watch = stage.engine.watch

    def watch_and_switch(job_id: str, on_status: object = None) -> JobStatus:
        from double import TimelineState

        other = TimelineState("timeline-other", "Edit 2")
        stage.double.project.timelines.append(other)
        stage.double.project.current = other
        return watch(job_id, on_status)

    stage.engine.watch = watch_and_switch  # type: ignore[method-assign]
    assert stage.run("stylize")
    assert "Another timeline is open" in stage.text()
    assert all(len(t.video) == 1 for t in stage.double.project.timelines)


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_job_without_a_result(stage: Stage, outcome: str) -> None:
    stage.engine.outcome = outcome
    before = stage.double.snapshot()
    assert stage.run("stylize") == (outcome == "cancelled")
    assert stage.double.snapshot() == before
    assert ("Render smaller" in stage.text()) == (outcome == "failed")


def test_again_hands_in_only_what_changed(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert not stage.run("again")
    assert "has been stylized yet" in stage.text()
    assert stage.run("stylize")
    assert stage.run("again")
    assert len(stage.engine.asked("submit")) == 1 and "nothing to do" in stage.text()
    cyan(stage, 100)
    assert stage.run("again")
    first, second = stage.engine.asked("submit")
    assert [key.frame for key in second.keys] == [10, 40, 50, 70]
    assert replace(second, job_id=first.job_id, keys=first.keys, output=first.output) == first
    configured(f"folder = {tmp_path}\nwhen_done = leave\nstrength = 0.5\n")
    assert stage.run("again")
    assert stage.engine.asked("submit")[2].settings == {"strength": 0.5}


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_again_goes_on_with_what_has_no_result(stage: Stage, state: str, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("stylize")
    (first,) = stage.engine.asked("submit")
    stage.engine.states[first.job_id] = replace(stage.engine.states[first.job_id], state=state)
    assert stage.run("again")
    assert len(stage.engine.asked("submit")) == 2


def test_a_job_that_is_refused_is_not_remembered(stage: Stage) -> None:
    from restrip.client.job import BadJob

    def refuse(spec: object) -> object:
        raise BadJob("Too large.", "Render smaller.")

    stage.engine.submit = refuse  # type: ignore[method-assign,assignment]
    assert not stage.run("stylize")
    assert "Too large" in stage.text() and not ledger.folder().exists()


@pytest.mark.parametrize("stage", RENDERING, indirect=True)
def test_again_uses_a_render_again(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\nwith_grade = always\n")
    assert stage.run("stylize"), stage.text()
    cyan(stage, 100)
    assert stage.run("again"), stage.text()
    first, second = stage.engine.asked("submit")
    assert first.clip.paths == second.clip.paths != (str(tmp_path / "clip.mov"),)
    assert (first.clip.trim_in, first.clip.length) == (0, 100)
    assert "used again" in stage.text()


def test_seeds_of_the_frame_under_the_playhead(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nlook = sd:/m\nseeds = 4\nprompt = oil\n")
    cyan(stage, 77, note="a cat")
    stage.double.timeline.playhead = 86477
    assert stage.run("seeds"), stage.text()
    ((clip, frame, asked),) = stage.engine.asked("seeds")
    assert (clip.trim_in + frame, clip.length) == (47, 1)
    assert (asked["look"], asked["count"], asked["settings"], asked["prompt"]) == (
        "sd:/m",
        4,
        {"prompt": "oil"},
        "a cat",
    )
    assert stage.opened == [Path("/results/sheet.png")]
    assert "Seeds 7, 8" in stage.text()


def test_suggestions_become_markers(stage: Stage) -> None:
    stage.engine.keys = [{"frame": 3, "reason": "motion"}, {"frame": 40}, {"frame": 99, "reason": "light"}]
    assert stage.run("suggest"), stage.text()
    ((clip, asked),) = stage.engine.asked("suggest")
    assert (clip.length, asked["count"]) == (100, 6)
    markers = stage.double.timeline.markers
    assert sorted(markers) == [53, 60, 90, 120, 149]
    assert markers[53.0]["note"] == "Restrip: motion" and markers[53.0]["color"] == "Cyan"
    assert "2 Cyan markers set, 1 were there already" in stage.text()
    # They are keys, and their texts are no prompts.
    stage.engine.fades = None
    assert stage.run("stylize")
    assert [(key.frame, key.prompt) for key in submitted(stage).keys] == [(f, None) for f in (3, 10, 40, 70, 99)]


def test_cancel_stops_what_runs_for_this_timeline(stage: Stage, tmp_path: Path) -> None:
    configured(f"folder = {tmp_path}\nwhen_done = leave\n")
    assert stage.run("cancel")
    assert "Nothing is being rendered" in stage.text()
    assert stage.run("stylize")
    stage.engine.states["other"] = JobStatus("other", "resolve:elsewhere", "running")
    assert stage.run("cancel")
    assert stage.engine.asked("cancel") == [submitted(stage).job_id]


@pytest.mark.parametrize("stage", RENDERING, indirect=True)
def test_cancel_stops_the_render_of_a_range(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second script's Cancel, while the first waits for Resolve's queue."""
    import double.app as inside

    configured(f"folder = {tmp_path}\nwith_grade = always\n")
    original, asked = inside.Project.GetRenderJobStatus, []

    def cancelled_meanwhile(self: inside.Project, jobId: str) -> object:
        asked.append(jobId)
        if len(asked) == 2:
            assert stage.run("cancel"), stage.text()
        return original(self, jobId)

    monkeypatch.setattr(inside.Project, "GetRenderJobStatus", cancelled_meanwhile)
    before = stage.double.snapshot()
    assert not stage.run("stylize")
    assert "render of the range is stopped" in stage.text() and "was stopped at" in stage.text()
    assert stage.double.snapshot() == before and not stage.engine.asked("submit")


@pytest.mark.parametrize("stage", RENDERING, indirect=True)
def test_cancel_leaves_the_users_own_render_alone(stage: Stage) -> None:
    stage.double.project.render.jobs["mine"] = {"JobId": "mine", "TargetDir": "/user/renders"}
    stage.double.project.render.running = "mine"
    assert stage.run("cancel")
    assert stage.double.project.render.running == "mine" and "Nothing is being rendered" in stage.text()


@pytest.mark.parametrize("dies", ["answers nothing", "raises"])
def test_a_resolve_that_was_closed_meanwhile_is_said(stage: Stage, dies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import double.world as inside

    def nothing(*_: object) -> None:
        if dies == "raises":
            raise TypeError("'NoneType' object is not callable")

    watch = stage.engine.watch

    def watch_and_close(job_id: str, on_status: object = None) -> JobStatus:
        monkeypatch.setattr(inside, "_call", nothing)
        return watch(job_id, on_status)

    stage.engine.watch = watch_and_close  # type: ignore[method-assign]
    assert not stage.run("stylize")
    assert "Resolve was closed" in stage.text() and "dialogs" not in stage.text()


def test_every_job_leaves_a_timeline_file_for_placing_by_hand(stage: Stage, tmp_path: Path) -> None:
    assert stage.run("stylize"), stage.text()
    output = submitted(stage).output
    assert Path(output.otio).parent == Path(output.folder)


def test_settings_are_written_opened_and_kept(stage: Stage) -> None:
    configured("look = sd:/m\nseed = 12\n")
    assert stage.run("settings"), stage.text()
    text = settings_path().read_text("utf-8")
    assert stage.opened == [settings_path()]
    assert "\nlook = sd:/m\n" in text and "\nseed = 12\n" in text
    assert "\n#prompt = \n" in text and "\n#shading = off\n" in text and "One of off, on." in text
    assert "strength" not in text, "other looks' settings are left out"
    assert stage.run("settings")
    assert settings_path().read_text("utf-8") == text
    assert settings_path().with_suffix(".before.txt").exists()
    assert stage.run("stylize"), stage.text()


def test_settings_that_do_nothing_with_a_model_are_left_out(stage: Stage) -> None:
    configured("look = sd:/m\nseed = 12\n")
    assert stage.run("settings"), stage.text()
    text = settings_path().read_text("utf-8")
    assert "lean" not in text and "#shading" in text
    assert "# Brisk: Mattes (latents), Style picture; fast.\n" in text
    configured("look = sd:/m\nlean = no\n")
    assert stage.run("settings") and "\nlean = no\n" in settings_path().read_text("utf-8"), "what is set stays"
    configured("look = sd:/gone\n")
    assert stage.run("settings") and "#lean = True\n" in settings_path().read_text("utf-8")
    configured("look = neural:3\n")
    assert stage.run("settings") and "Brisk" not in settings_path().read_text("utf-8")


def test_settings_work_without_a_project(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.project = None  # type: ignore[assignment]
    assert stage.run("settings")


@pytest.mark.parametrize("action", [name for name in ENTRIES if name != "settings"])
def test_without_a_project_it_is_said_what_to_do(action: str) -> None:
    stage = Stage.of("21.1")
    stage.double.project = None  # type: ignore[assignment]
    assert not stage.run(action)
    assert "Open a project" in stage.text()


def test_an_unexpected_error_is_logged_and_named(stage: Stage) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("seven")

    stage.engine.submit = broken  # type: ignore[method-assign,assignment]
    assert not stage.run("stylize")
    assert "ZeroDivisionError: seven" in stage.text()
    from restrip_resolve.console import log_path

    assert "Traceback" in log_path().read_text("utf-8")


def test_the_log_is_bounded(stage: Stage) -> None:
    from restrip_resolve.console import LOG_BYTES, log_path

    log_path().parent.mkdir(parents=True, exist_ok=True)
    log_path().write_bytes(b"x" * (LOG_BYTES + 1))
    stage.run("cancel")
    assert log_path().stat().st_size < 10_000
    assert log_path().with_suffix(".old.log").stat().st_size == LOG_BYTES + 1


def test_a_look_is_saved_and_given_to_other_clips(stage: Stage, tmp_path: Path) -> None:
    assert not stage.run("save_look") and "no look to save" in stage.text()
    assert stage.run("stylize"), stage.text()
    first = submitted(stage)
    assert stage.run("save_look") and stage.run("save_look"), stage.text()
    assert stage.engine.asked("save_look") == [(first.job_id, "clip"), (first.job_id, "clip 2")]
    assert "look_file = clip 2" in stage.text()
    configured(f"folder = {tmp_path}\nlook_name = moody\n")
    assert stage.run("save_look") and stage.engine.looks[-1] == "moody"
    configured(f"folder = {tmp_path}\nlook_file = moody\nseed = 9\n")
    assert stage.run("stylize"), stage.text()
    spec = stage.engine.asked("submit")[-1]
    assert spec.look == "sd:/m" and spec.settings == {"seed": 9, "prompt": "a fox"}, "the file's own lines go before"
    assert stage.run("settings")
    text = settings_path().read_text("utf-8")
    assert "# Saved looks, for look_file: clip, clip 2, moody." in text and "look_file = moody" in text
    configured(f"folder = {tmp_path}\nlook_file = none such\n")
    before = len(stage.engine.asked("submit"))
    assert not stage.run("stylize") and "no saved look none such" in stage.text()
    assert len(stage.engine.asked("submit")) == before
