"""Drafts in Resolve: coloured and filling the picture; rendered in full with what the draft was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from double import PROFILES
from restrip_resolve.placing import drafts
from restrip_resolve.settings import settings_path
from stage import Stage

from restrip.client.draft import facts_of
from restrip.client.job import Manifest

VERSIONS = [name for name in PROFILES if PROFILES[name].python]


def configured(folder: Path, *lines: str) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text("\n".join([f"folder = {folder}", *lines]), "utf-8")


@pytest.fixture(params=VERSIONS)
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A clip at 50..150 with three keys, and an engine whose drafts are drafts."""
    made = Stage.of(request.param)
    made.double.item(made.footage(tmp_path), 50, 100, left=20)
    made.double.timeline.playhead = 86460
    mark(made, 60, 90, 120)
    plain = made.engine.manifest

    def manifest(job_id: str) -> Manifest:
        found, spec = plain(job_id), made.engine.specs[job_id]
        return replace(found, facts=facts_of(spec, (3840, 2160))) if spec.output.draft else found

    monkeypatch.setattr(made.engine, "manifest", manifest)
    return made


def mark(stage: Stage, *frames: int) -> None:
    for frame in frames:
        marker = {"color": "Cyan", "name": "", "note": "", "duration": 1, "customData": ""}
        stage.double.timeline.markers[float(frame)] = marker


def ours(stage: Stage, job_id: str) -> list[object]:
    return [
        (item.start, item.length, item.colour, (item.properties or {})["Scaling"])
        for track in stage.double.timeline.video
        for item in track.items
        if item.media and (item.media.name.startswith(job_id) or item.name.startswith("Restrip"))
    ]


@pytest.mark.parametrize("seams", ["auto", "fusion", "cuts"])
def test_a_draft_is_coloured_and_the_full_render_takes_its_place(stage: Stage, seams: str, tmp_path: Path) -> None:
    configured(tmp_path, "draft = yes", f"seams = {seams}", "strength = 0.25")
    assert stage.run("stylize"), stage.text()
    (draft,) = stage.engine.asked("submit")
    assert draft.output.draft
    laid = ours(stage, draft.job_id)
    assert laid and {part[2:] for part in laid} == {("Orange", drafts.FIT)}  # type: ignore[index]
    # What was set meanwhile, for other clips, is not for this one.
    configured(tmp_path, "look = neural:3", f"seams = {seams}", "strength = 1.0")
    mark(stage, 100)
    assert stage.run("full"), stage.text()
    full = stage.engine.asked("submit")[1]
    assert full.job_id != draft.job_id and not full.output.draft
    assert (full.clip, full.keys, full.look, full.settings) == (draft.clip, draft.keys, draft.look, draft.settings)
    assert full.output.folder != draft.output.folder and full.output.otio.startswith(full.output.folder)
    assert replace(full.output, draft=True, folder="", otio="") == replace(draft.output, folder="", otio="")
    assert ours(stage, draft.job_id) == []
    assert [part[:2] for part in ours(stage, full.job_id)] == [part[:2] for part in laid]  # type: ignore[index]
    assert {part[2:] for part in ours(stage, full.job_id)} == {("", 0)}  # type: ignore[index]
    assert not stage.run("full") and "no draft" in stage.text()
    assert not stage.double.world.misuse


def test_a_clip_that_was_moved_takes_its_full_render_along(stage: Stage, tmp_path: Path) -> None:
    configured(tmp_path, "draft = yes", "seams = cuts")
    assert stage.run("stylize")
    draft = stage.engine.asked("submit")[0]
    before = [part[0] for part in ours(stage, draft.job_id)]  # type: ignore[index]
    next(item for item in stage.double.timeline.video[0].items).start += 7
    assert stage.run("full"), stage.text()
    full = stage.engine.asked("submit")[1]
    assert [part[0] for part in ours(stage, full.job_id)] == [start + 7 for start in before]  # type: ignore[index]


def test_without_a_draft_nothing_is_handed_in(stage: Stage, tmp_path: Path) -> None:
    configured(tmp_path)
    assert not stage.run("full") and "no draft" in stage.text()
    assert stage.run("stylize")
    assert not stage.run("full") and len(stage.engine.asked("submit")) == 1


def test_a_scaling_that_is_refused_is_said(stage: Stage, tmp_path: Path) -> None:
    items = stage.session().items(1)
    stage.double.timeline.video[0].items[0].properties = None
    assert "shown small" in drafts.mark(items)
