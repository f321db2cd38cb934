"""A failure at every single call of every script: afterwards all is as it was, or the result lies there whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from double import MODES, Failure
from restrip_resolve.clips import render
from stage import Stage, without_waiting

from restrip.client.status import JobStatus
from restrip.timeline import FrameRange

START, LENGTH = 86450, 60


@dataclass(frozen=True)
class Scenario:
    """A script in a situation. `places` says that it puts strips on the timeline when it succeeds."""

    profile: str
    action: str
    settings: str = ""
    prepare: Callable[[Stage], None] = lambda stage: None
    places: bool = True


def graded(stage: Stage) -> None:
    stage.double.timeline.video[0].items[1].tools = [["Glow"]]
    stage.double.timeline.marks = {"video": {"in": 50, "out": 109}, "audio": {"in": 50, "out": 109}}
    stage.double.item(None, 60, 10, track=2, properties=None)
    stage.double.item(None, 60, 10, track=3, properties=None)
    stage.double.timeline.video[2].enabled = False
    stage.double.world.page = "edit"


def graded_in_a_fresh_project(stage: Stage) -> None:
    graded(stage)
    stage.double.project.render.settings["TargetDir"] = ""


def under_a_title(stage: Stage) -> None:
    stage.double.timeline.playhead = START + 40
    stage.double.item(None, 60, 10, track=2, properties=None)


def with_a_free_track(stage: Stage) -> None:
    """One of ours, which an earlier result doesn't fill."""
    stage.double.item(stage.double.project.root.folders[0].clips[1], 300, 20, track=2)
    stage.double.timeline.video[1].name = "Restrip"


def finished(stage: Stage) -> None:
    """A job of an earlier day, done and not placed."""
    assert stage.run("stylize"), stage.text()
    for job_id, status in stage.engine.states.items():
        stage.engine.states[job_id] = JobStatus(job_id, status.project, "done", name=status.name)
    stage.double.world.calls.clear()
    stage.said.clear()


def on_the_color_page(stage: Stage) -> None:
    finished(stage)
    stage.double.world.page = "color"


LEAVE = "when_done = leave\n"
SCENARIOS = {
    "transitions": Scenario("21.1", "stylize"),
    "baked below a title": Scenario("21.0.4", "stylize", prepare=under_a_title),
    "two tracks": Scenario("21.0.3", "stylize", "seams = fusion\n"),
    "a free track": Scenario("21.0.4", "stylize", prepare=with_a_free_track),
    "cuts": Scenario("18.6", "stylize", "seams = cuts\n"),
    "nested": Scenario("20", "place", LEAVE + "seams = nested\n", finished),
    "finished": Scenario("21.1", "place", LEAVE, on_the_color_page),
    "graded": Scenario("21.1", "stylize", LEAVE, graded, places=False),
    "graded, fresh project": Scenario("20", "stylize", LEAVE, graded_in_a_fresh_project, places=False),
    "again": Scenario("21.1", "again", LEAVE, finished, places=False),
    "seeds": Scenario("20", "seeds", prepare=graded, places=False),
    "suggest": Scenario("21.0.3", "suggest", places=False),
    "cancel": Scenario("21.1", "cancel", LEAVE, finished, places=False),
    "settings": Scenario("21.1", "settings", places=False),
}


def built(scenario: Scenario, folder: Path) -> Stage:
    """The situation before the script runs."""
    state = folder / "state"
    os.environ["RESTRIP_STATE_DIR"] = str(state)
    (state / "resolve").mkdir(parents=True)
    (state / "resolve" / "settings.txt").write_text(f"folder = {folder}\n{scenario.settings}")
    stage = Stage.of(scenario.profile)
    stage.engine.fades = {1: (22, 30), 2: (37, 42)}
    media = stage.footage(folder)
    stage.double.item(media, 0, 50)
    stage.double.item(media, 50, LENGTH, left=20)
    stage.double.item(media, 110, 40)
    stage.double.timeline.playhead = START + 12
    for frame in (60, 70, 85):
        stage.double.timeline.markers[float(frame + 10)] = {
            "color": "Cyan",
            "name": "Marker 1",
            "note": "",
            "duration": 1,
            "customData": "",
        }
    scenario.prepare(stage)
    return stage


def whole_result(before: dict[str, Any], stage: Stage) -> str:
    """What is wrong with a timeline that a script says it has placed a result on; "" when nothing is."""
    after = stage.double.snapshot()
    for part in ("page", "timeline", "folder", "render"):
        if after[part] != before[part]:
            return f"{part} is {after[part]}"
    user, now = before["timelines"]["timeline-user"], after["timelines"]["timeline-user"]
    for part in ("markers", "marks", "playhead"):
        if user[part] != now[part]:
            return f"{part} are {now[part]}"
    known = {item[0] for track in user["tracks"] for item in track[3]}
    left = [(*track[:3], [item for item in track[3] if item[0] in known]) for track in now["tracks"]]
    if [track for track in left if track in user["tracks"]] != user["tracks"]:
        return "a track of the user's has changed"
    new = [item for track in now["tracks"] for item in track[3] if item[0] not in known]
    covered = {frame for item in new for frame in range(item[1], item[1] + item[2])}
    if covered != set(FrameRange(START, START + LENGTH)):
        return f"the new strips cover {len(covered)} frames"
    return ""


def ways_to_fail(call: tuple[str, str]) -> list[str]:
    """A call that only reads can't have had an effect, and has no other success to lie about."""
    reads = call[1].startswith(("Get", "Is"))
    return [mode for mode in MODES if not reads or mode in ("none", "false", "raise")]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_failure_at_every_call_changes_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "PACE", without_waiting())
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path))
    scenario = SCENARIOS[name]
    (tmp_path / "reference").mkdir()
    stage = built(scenario, tmp_path / "reference")
    before = stage.double.snapshot()
    assert stage.run(scenario.action), stage.text()
    assert not stage.double.world.misuse
    assert (whole_result(before, stage) if scenario.places else "") == ""
    calls = list(stage.double.world.calls)
    wrong, failed = [], 0
    for at, call in enumerate(calls):
        for mode in ways_to_fail(call):
            folder = tmp_path / f"{at}-{mode}"
            folder.mkdir()
            stage = built(scenario, folder)
            before = stage.double.snapshot()
            stage.double.world.failure = Failure(at, mode)
            well = stage.run(scenario.action)
            failed += not well
            case = f"call {at} {'.'.join(call)} ({mode}), said {stage.said[-1:]}"
            if stage.double.world.misuse:
                wrong.append(f"{case}: {stage.double.world.misuse}")
            after = stage.double.snapshot()
            if after != before and not (well and scenario.places and not whole_result(before, stage)):
                if scenario.action == "suggest" and well:
                    continue
                wrong.append(f"{case}: {'well' if well else 'failed'}, {differences(before, after)}")
    assert not wrong, f"{len(wrong)} of {len(calls)} calls:\n" + "\n".join(wrong[:25])
    assert failed or name == "settings"


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Where two snapshots differ."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [d for key in keys for d in differences(before.get(key), after.get(key), f"{where}.{key}")]
    return [f"{where}: {before} -> {after}"]
