"""The live check against the double: every question is answered, and what differs is told with what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from double import PROFILES, Profile
from restrip_resolve.clips import render
from restrip_resolve.live_check.bench import OTHERWISE
from restrip_resolve.live_check.checks import CHECKS
from stage import Stage, without_waiting

from restrip.client.discovery import state_dir

DOCUMENT = Path(__file__).parents[3] / "docs" / "resolve-live-check.md"
VERSIONS = [name for name in PROFILES if PROFILES[name].python]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "PACE", without_waiting())


def staged(profile: str | Profile, tmp_path: Path) -> Stage:
    stage = Stage.of(profile)
    stage.double.item(stage.footage(tmp_path), 50, 100, left=20)
    stage.double.timeline.playhead = 86460

    def rendered(path: str, first: int, last: int) -> None:
        from double import MediaFile

        Path(path).write_bytes(b"movie")
        stage.double.world.disk[path] = MediaFile(last - first + 1)

    stage.double.world.renderer = rendered
    return stage


def report() -> list[str]:
    lines = (state_dir() / "resolve" / "live-check.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("[")]


@pytest.mark.parametrize("profile", VERSIONS)
def test_every_question_is_answered_and_nothing_is_left(profile: str, tmp_path: Path) -> None:
    stage = staged(profile, tmp_path)
    before = stage.double.snapshot()
    assert stage.run("live_check"), stage.text()
    lines = report()
    assert len(lines) == len(CHECKS) and all(line.startswith("[fine]") for line in lines), "\n".join(lines)
    after = stage.double.snapshot()
    assert after == before
    assert not stage.double.world.misuse
    assert stage.opened == [state_dir() / "resolve" / "live-check.txt"]


def test_the_report_tells_versions_apart(tmp_path: Path) -> None:
    answers = {}
    for profile in ("18.6", "21.1"):
        stage = staged(profile, tmp_path)
        assert stage.run("live_check")
        answers[profile] = {line.split(": ")[0][10:]: line.split(": ", 1)[1] for line in report()}
    assert answers["18.6"]["end frame"] == "inclusive" and answers["21.1"]["end frame"] == "exclusive"
    assert answers["18.6"]["marks"] == "not told by this version"
    assert "middle" in answers["21.1"]["odd dissolve"] and answers["18.6"]["odd dissolve"] == "no AddTransition"


def test_what_the_scripts_can_do_with_is_fine_either_way(tmp_path: Path) -> None:
    stage = staged(replace(PROFILES["21.1"], odd_rounds_up=True, overlap="slide"), tmp_path)
    assert stage.run("live_check")
    text = "\n".join(report())
    assert "odd dissolve: 4 frames before the cut" in text and "overlap: slid" in text and "DIFFERS" not in text


def test_behaviour_that_is_switched_is_found(tmp_path: Path) -> None:
    """Each switch that a script can ask about gives another answer."""
    usual = PROFILES["21.1"]
    stage = staged(replace(usual, deletes_closed=True, links_with_sources=False), tmp_path)
    assert stage.run("live_check")
    assert {"[fine]    closed timeline: deleted", "[fine]    import links: without source clips"} <= set(report())
    stage = staged(replace(usual, third_party_sticks=False, out_inclusive=False, links_with_sources=True), tmp_path)
    before = stage.double.snapshot()
    assert stage.run("live_check")
    differing = [line for line in report() if line.startswith("[DIFFERS]")]
    assert [line.split(":")[0][10:] for line in differing] == ["marks", "metadata"]
    assert "mark_out_inclusive = no" in differing[0] and "'' after the answer True" in differing[1]
    assert "[fine]    import links: with source clips" in report()
    assert stage.double.snapshot() == before and not stage.double.world.misuse


def test_the_users_own_clip_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Resolve that gives the same clip when a file is imported twice isn't asked about metadata."""
    import double.pool as inside

    stage = staged("21.1", tmp_path)
    clip = stage.double.timeline.video[0].items[0].media
    assert clip is not None
    original = inside.MediaPool.ImportMedia

    def shared(self: inside.MediaPool, items: list[str]) -> object:
        return [inside.MediaPoolItem(self._world, clip)] if items == [clip.path] else original(self, items)

    monkeypatch.setattr(inside.MediaPool, "ImportMedia", shared)
    assert stage.run("live_check")
    (asked,) = [line for line in report() if not line.startswith("[fine]")]
    assert asked.startswith("[NOT ASKED] metadata") and "your own clip" in asked
    assert clip.third == {} and not stage.double.world.misuse


def test_what_differs_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import double.timeline as inside

    monkeypatch.setattr(inside.TimelineItem, "ImportFusionComp", lambda self, path: None)
    monkeypatch.setattr(inside.TimelineItem, "AddTransition", lambda self, transitionOptions: 1 / 0)
    stage = staged("21.1", tmp_path)
    before = stage.double.snapshot()
    assert stage.run("live_check")
    differing = [line for line in report() if line.startswith("[DIFFERS]")]
    assert [line.split(":")[0] for line in differing] == [
        "[DIFFERS] even dissolve",
        "[DIFFERS] odd dissolve",
        "[DIFFERS] fusion fade",
    ]
    assert "ZeroDivisionError" in differing[0] and all("seams = baked" in line for line in differing)
    assert stage.double.snapshot() == before


@pytest.mark.parametrize("refuses", [False, True])
def test_in_a_fresh_project_nothing_is_advised_from_a_missing_folder(
    refuses: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import double.app as inside

    stage = staged("21.1", tmp_path)
    stage.double.project.render.settings["TargetDir"] = ""
    if refuses:
        original = inside.Project.SetRenderSettings

        def no_folder(self: inside.Project, settings: dict[str, object]) -> bool:
            return not settings.get("TargetDir") and original(self, settings)

        monkeypatch.setattr(inside.Project, "SetRenderSettings", no_folder)
    before = stage.double.snapshot()
    assert stage.run("live_check")
    lines = report()
    asked = [line for line in lines if not line.startswith("[fine]")]
    assert [line.split(":")[0] for line in asked] == (["[NOT ASKED] marks", "[NOT ASKED] render"] if refuses else [])
    assert all("Deliver page" in line and "Set `" not in line for line in asked)
    assert stage.double.snapshot() == before


def test_a_clip_that_is_too_short_is_refused(tmp_path: Path) -> None:
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path, 60), 50, 60)
    stage.double.timeline.playhead = 86460
    assert not stage.run("live_check")
    assert "at least 80 frames" in stage.text()


def test_the_document_has_every_check_and_every_remedy() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert [check.name for check in CHECKS if f"**{check.name}**" not in text] == []
    assert {check.otherwise for check in CHECKS} == set(OTHERWISE)
