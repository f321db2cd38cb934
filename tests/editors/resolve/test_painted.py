"""Painted keys from Resolve's menu: exported, opened, and watched until the watch is ended."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from double import PROFILES
from double.pool import MediaPool
from restrip_resolve import ledger
from restrip_resolve.actions import watch_keys
from restrip_resolve.api import uid
from restrip_resolve.clips import render
from restrip_resolve.clips.own import own_items
from restrip_resolve.placing import watched_results
from restrip_resolve.settings import settings_path
from stage import SCHEMA, Stage, without_waiting

from restrip.client.key_files.made import MadeResult
from restrip.client.key_files.watch import KeyWatch
from restrip.client.schema import Schema
from restrip.client.setting import Setting

VERSIONS = [name for name in PROFILES if PROFILES[name].python]
END = b"IEND\xaeB`\x82"


class Studio:
    """A clip with keys at 10, 40 and 70 of it, a folder of their pictures, and hands that work while scripts wait."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self.now = 0.0
        self.plan: list[Callable[[], Any]] = []
        folder.mkdir()
        for number in (10, 40, 70):
            self.paint(number, "as exported")

    def paint(self, number: int, text: str) -> None:
        (self.folder / f"key_{number:05d}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + text.encode() + END)

    def sleep(self, seconds: float) -> None:
        """Two seconds pass; every third time the hands do the next thing."""
        self.now += 2.0
        assert self.now < 1000, "the watch doesn't end"
        if self.now % 6 == 0 and self.plan:
            self.plan.pop(0)()

    def configure(self, *lines: str) -> None:
        settings_path().parent.mkdir(parents=True, exist_ok=True)
        text = [f"folder = {self.folder.parent}", f"look = keys:{self.folder}", "progress = console", *lines]
        settings_path().write_text("\n".join(text), "utf-8")

    def placed(self) -> set[str]:
        """The jobs whose strips lie on the timeline."""
        return {own.job_id for own in own_items(self.stage.session())}


@pytest.fixture(params=VERSIONS)
def studio(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    stage = Stage.of(request.param)
    media = stage.footage(tmp_path)
    stage.double.item(media, 50, 100, left=20)
    stage.double.timeline.playhead = 86492
    for frame in (60, 90, 120):
        marker = {"color": "Cyan", "name": "Marker 1", "note": "", "duration": 1, "customData": ""}
        stage.double.timeline.markers[float(frame)] = marker
    made = Studio(stage, tmp_path / "keys")
    made.configure()
    painted = Setting("first_number", "int", 0, low=0, high=10**6, looks=("keys",))
    schema = Schema(SCHEMA.etag, (*SCHEMA.settings, painted), formats=SCHEMA.formats)
    monkeypatch.setattr(type(stage.engine), "settings", lambda self: schema)
    monkeypatch.setattr(render, "PACE", without_waiting())
    monkeypatch.setattr(watch_keys, "sleep", made.sleep)
    monkeypatch.setattr(watch_keys, "KeyWatch", functools.partial(KeyWatch, clock=lambda: made.now))
    return made


def test_keys_are_exported_where_the_look_finds_them(studio: Studio) -> None:
    studio.configure("first_number = 100")
    assert studio.stage.run("export_keys"), studio.stage.text()
    ((clip, frames, folder, asked),) = studio.stage.engine.asked("export_keys")
    assert frames == [10, 40, 70] and folder == str(studio.folder) and clip.length == 100
    assert asked == {"first": 100, "editor": "resolve"}
    assert studio.stage.opened == [studio.folder]
    assert "key_00070.png was painted already: it is left alone." in studio.stage.text()
    settings_path().write_text(f"folder = {studio.folder.parent}\n")
    assert studio.stage.run("export_keys"), studio.stage.text()
    own = studio.folder.parent / "clip.mov keys"
    assert studio.stage.engine.asked("export_keys")[1][2] == str(own)
    assert f"Set `look = keys:{own}` in {settings_path()}" in studio.stage.text()


def test_the_key_next_to_the_playhead_is_opened_in_the_program_of_the_settings(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    context = studio.stage.context
    monkeypatch.setattr(
        studio.stage,
        "context",
        lambda: __import__("dataclasses").replace(context(), open_picture=lambda *given: opened.append(given)),
    )
    studio.configure("paint_program = /opt/My Paint/paint --new")
    assert studio.stage.run("open_key"), studio.stage.text()
    assert opened == [(str(studio.folder / "key_00040.png"), "/opt/My Paint/paint --new")]
    (studio.folder / "key_00040.png").unlink()
    assert not studio.stage.run("open_key") and "has no picture yet" in studio.stage.text()
    monkeypatch.undo()


def test_a_saved_key_is_rendered_again_and_takes_the_place_of_the_last(studio: Studio) -> None:
    def end() -> None:
        assert studio.stage.run("cancel")

    studio.plan = [
        lambda: [studio.paint(40, "blue"), studio.paint(40, "blue, signed")],
        lambda: studio.paint(40, "teal"),
        end,
    ]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    first, second, third = (spec.job_id for spec in studio.stage.engine.asked("submit"))
    assert studio.placed() == {third} and second not in studio.placed() and first not in studio.placed()
    text = studio.stage.text()
    assert text.count("key_00040.png was saved.") == 2 and "watched no longer" in text and not studio.plan
    # Three jobs of one clip: what holds for all of them is said with the first.
    assert text.count("Effects of the Edit page") == text.count("You can go on editing") == 1
    before = len(studio.stage.engine.asked("submit"))
    studio.plan = [end]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    assert len(studio.stage.engine.asked("submit")) >= before


def bins(studio: Studio) -> list[str]:
    """The bins of results in the media pool."""
    own = [folder for folder in studio.stage.double.project.root.folders if folder.name == "Restrip"]
    return [bin_.name for folder in own for bin_ in folder.folders]


def test_old_results_of_the_watch_are_deleted_but_not_what_is_shown_or_was_taken_elsewhere(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_results, "KEPT", 2)
    timeline, project = studio.stage.double.timeline, studio.stage.double.project
    submitted = studio.stage.engine.asked

    def copied() -> None:
        """Save the timeline as it is under another name, as editors do; then paint on."""
        other = replace(timeline, id="copy", name="Version 1", video=copy.deepcopy(timeline.video))
        for track, own in zip(other.video, timeline.video, strict=True):
            for item, like in zip(track.items, own.items, strict=True):
                item.media = like.media
        project.timelines.append(other)
        studio.paint(40, "4")

    def compounded() -> None:
        """Take one of the strips off the timeline, as New Compound Clip does; then paint on."""
        ours = {uid(own.item) for own in own_items(studio.stage.session())}
        for track in timeline.video:
            gone = next((item for item in track.items if item.id in ours and item.kind == "clip"), None)
            if gone is not None:
                track.items.remove(gone)
                break
        studio.paint(40, "6")

    studio.plan = [
        *(functools.partial(studio.paint, 40, str(n)) for n in (1, 2, 3)),
        copied,
        functools.partial(studio.paint, 40, "5"),
        compounded,
        *(functools.partial(studio.paint, 40, str(n)) for n in (7, 8, 9)),
        lambda: studio.stage.run("cancel"),
    ]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    made = [spec.job_id for spec in submitted("submit")]
    assert len(made) == 10 and studio.placed() == {made[-1]}
    # The first wasn't made by a save; the fourth lies on the copy; the sixth's strips weren't all there any more.
    kept = [made[n] for n in (0, 3, 5, 8, 9)]
    assert {name[-8:] for name in bins(studio)} == {job_id[-8:] for job_id in kept}
    assert submitted("discard") == [job_id for job_id in made if job_id not in kept]
    assert {record.job_id for record in ledger.all_of(studio.stage.session().key)} == set(kept)
    assert not studio.stage.double.world.misuse


def test_a_media_pool_that_keeps_its_clips_keeps_their_files(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_results, "KEPT", 1)
    deleted = []
    monkeypatch.setattr(MadeResult, "delete", lambda self: deleted.append(self.job_id) or True)
    monkeypatch.setattr(MediaPool, "DeleteClips", lambda self, clips: False)
    studio.plan = [functools.partial(studio.paint, 40, str(n)) for n in range(4)]
    studio.plan.append(lambda: studio.stage.run("cancel"))
    assert studio.stage.run("watch_keys"), studio.stage.text()
    assert not deleted and not studio.stage.engine.asked("discard") and len(bins(studio)) == 5


def test_the_setting_makes_stylize_go_on_and_a_second_watch_ends_the_first(studio: Studio) -> None:
    studio.configure("watch_keys = yes")
    studio.plan = [lambda: studio.paint(70, "red"), lambda: watch_keys.Turn(studio.stage.session().key)]
    assert studio.stage.run("stylize"), studio.stage.text()
    assert len(studio.stage.engine.asked("submit")) == 2 and "key_00070.png was saved." in studio.stage.text()


def test_a_folder_that_vanishes_is_named_and_the_watch_goes_on_when_it_is_back(studio: Studio) -> None:
    away = studio.folder.with_name("away")
    studio.plan = [
        lambda: studio.folder.rename(away),
        lambda: None,
        lambda: [away.rename(studio.folder), studio.paint(10, "painted meanwhile")],
        lambda: studio.stage.run("cancel"),
    ]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    text = studio.stage.text()
    assert "isn't there any more" in text and "is back." in text and "key_00010.png was saved." in text
    assert len(studio.placed()) == 1 and len(studio.stage.engine.asked("submit")) == 2


def test_what_goes_wrong_is_said_and_the_watch_goes_on(studio: Studio) -> None:
    def broken() -> None:
        studio.stage.engine.outcome = "failed"
        studio.paint(40, "broken")

    def good() -> None:
        studio.stage.engine.outcome = "done"
        studio.paint(40, "good")

    studio.plan = [broken, good, lambda: studio.stage.run("cancel")]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    assert "Too little memory." in studio.stage.text()
    assert studio.placed() == {studio.stage.engine.asked("submit")[2].job_id}


def test_what_failed_for_want_of_the_folder_is_rendered_when_that_is_back(studio: Studio) -> None:
    away = studio.folder.with_name("away")

    def taken_out() -> None:
        studio.stage.engine.outcome = "failed"
        studio.paint(40, "saved, and then the drive is gone")

    def back() -> None:
        studio.stage.engine.outcome = "done"
        away.rename(studio.folder)

    studio.plan = [
        taken_out,
        lambda: studio.folder.rename(away),
        lambda: None,
        back,
        lambda: None,
        lambda: studio.stage.run("cancel"),
    ]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    assert len(studio.stage.engine.asked("submit")) == 3 and "is back." in studio.stage.text()


def test_another_timeline_in_between_only_holds_it_up(studio: Studio) -> None:
    own = studio.stage.double.timeline

    def elsewhere() -> None:
        studio.stage.double.project.current = None
        studio.paint(40, "blue")

    def back() -> None:
        assert len(studio.stage.engine.asked("submit")) == 1
        studio.stage.double.project.current = own

    studio.plan = [elsewhere, lambda: None, back, lambda: studio.stage.run("cancel")]
    assert studio.stage.run("watch_keys"), studio.stage.text()
    assert len(studio.stage.engine.asked("submit")) == 2 and len(studio.placed()) == 1


def test_clips_without_painted_keys_arent_watched(studio: Studio) -> None:
    settings_path().write_text(f"folder = {studio.folder.parent}\nlook = neural:3\n")
    assert not studio.stage.run("watch_keys")
    assert "There is nothing to watch" in studio.stage.text() and not studio.stage.engine.asked("submit")
