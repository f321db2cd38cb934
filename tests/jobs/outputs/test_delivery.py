"""Nothing of the user's is written over, and what can't be written is known before work starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from restrip.jobs.outputs.delivery import (
    Delivery,
    OutputMoved,
    check_place,
    strip_name,
    sweep_folder,
)
from restrip.media.files import OutputUnwritable
from restrip.storage.atomic import aside_of
from restrip.storage.owned_files import OutputExists, tree_sha256
from restrip.timeline import Key


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_missing_folder_is_made_and_left_empty(state: Path, folder: Path) -> None:
    assert check_place(state, folder / "deep", [folder / "deep" / "a.mp4"]) == (folder / "deep").resolve()
    assert list((folder / "deep").iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_is_no_folder(state: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputUnwritable):
        check_place(state, tmp_path / place, [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights(state: Path, folder: Path) -> None:
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputUnwritable):
        check_place(state, folder, [])


def test_what_is_there_and_not_ours_is_left_alone(state: Path, folder: Path) -> None:
    folder.mkdir()
    theirs = folder / "strip.mp4"
    theirs.write_text("precious")
    with pytest.raises(OutputExists) as caught:
        check_place(state, folder, [folder / "other.mp4", theirs])
    assert caught.value.detail == {"path": str(theirs)}
    assert theirs.read_text() == "precious"


def deliver(state: Path, folder: Path, text: str) -> Path:
    target = folder / "strip.mp4"
    resolved = check_place(state, folder, [target])
    delivery = Delivery(state, folder, str(resolved))
    delivery.expect([target])
    assert delivery.put(target, lambda path: path.write_text(text)) == tree_sha256(target)
    delivery.delivered()
    return target


def test_what_we_wrote_may_be_replaced(state: Path, folder: Path) -> None:
    deliver(state, folder, "1")
    assert deliver(state, folder, "2").read_text() == "2"


def test_unless_it_was_changed_since(state: Path, folder: Path) -> None:
    target = deliver(state, folder, "1")
    target.write_text("graded by hand")
    with pytest.raises(OutputExists):
        check_place(state, folder, [target])


def test_after_a_crash_between_two_files_both_contents_are_ours(state: Path, folder: Path) -> None:
    target = deliver(state, folder, "before")
    delivery = Delivery(state, folder, str(check_place(state, folder, [target])))
    delivery.put(target, lambda path: path.write_text("after"))  # And then the power goes.
    check_place(state, folder, [target])
    target.write_text("before")
    check_place(state, folder, [target])


def test_what_appears_while_a_job_runs_is_left_alone(state: Path, folder: Path) -> None:
    targets = [folder / "strip.mp4", folder / "sheet.png", folder / "pictures"]
    delivery = Delivery(state, folder, str(check_place(state, folder, targets)))
    delivery.expect(targets)
    targets[0].write_text("precious")
    targets[2].mkdir()
    (targets[2] / "1.png").write_text("precious")

    def meanwhile(path: Path) -> None:
        targets[1].write_text("precious")
        path.write_text("ours")

    def pictures(path: Path) -> None:
        path.mkdir()
        (path / "1.png").write_text("ours")

    for target, write in zip(targets, (lambda path: path.write_text("ours"), meanwhile, pictures), strict=True):
        with pytest.raises(OutputExists):
            delivery.put(target, write)
    assert [path.read_text() for path in (targets[0], targets[1], targets[2] / "1.png")] == ["precious"] * 3
    # So it does after a crash, when the job goes on: what it meant to write is no claim on what is there.
    with pytest.raises(OutputExists):
        check_place(state, folder, targets)
    assert sorted(path.name for path in folder.iterdir()) == ["pictures", "sheet.png", "strip.mp4"]


@pytest.mark.skipif(os.name != "posix", reason="no pipes with names")
def test_a_pipe_or_a_link_in_a_folder_of_ours_waits_for_nobody(state: Path, folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "strip.mp4")
    with pytest.raises(OutputExists):
        check_place(state, folder, [folder / "strip.mp4"])

    def pictures(path: Path) -> None:
        path.mkdir()
        (path / "1.png").write_text("1")

    target = folder / "pictures"
    Delivery(state, folder, str(folder.resolve())).put(target, pictures)
    os.mkfifo(target / "2.png")
    with pytest.raises(OutputExists):
        check_place(state, folder, [target])


@pytest.mark.parametrize("place", ["run", "jobs/other-1", "", "cache/x"])
def test_the_engines_own_folder_is_no_place_for_results(state: Path, place: str) -> None:
    with pytest.raises(OutputUnwritable, match="own folder"):
        check_place(state, state / place, [])
    with pytest.raises(OutputUnwritable, match="own folder"):
        check_place(state, state / "jobs" / "job-1" / "result", [state / place / "x.otio"])
    check_place(state, state / "jobs" / "job-1" / "result", [])


def test_a_link_is_never_written_through(state: Path, folder: Path, tmp_path: Path) -> None:
    target = deliver(state, folder, "1")
    (tmp_path / "precious").write_text("1")
    target.unlink()
    target.symlink_to(tmp_path / "precious")
    with pytest.raises(OutputExists):
        check_place(state, folder, [target])


def test_what_a_killed_process_left_half_written_is_swept_away(state: Path, folder: Path) -> None:
    folder.mkdir()
    target, child = folder / "strip.mp4", subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mine = aside_of(target)
    names = {who: mine.name.replace(f"-{os.getpid()}-", f"-{who}-") for who in (child.pid, dead.pid)}
    others = [".hidden.part", f"{aside_of(folder / 'other.mp4').name}", "strip.mp4.part", f".x-{dead.pid}-y.part"]
    manifest = f"strip.mp4.aside-{dead.pid}-1234"
    for name in (mine.name, *names.values(), *others, manifest):
        (folder / name).write_text("half")
    resolved = check_place(state, folder, [target])
    Delivery(state, folder, str(resolved)).expect([target])
    left = {path.name for path in folder.iterdir()}
    assert left == {mine.name, names[child.pid], *others}
    assert child.stdin is not None
    child.stdin.close()
    child.wait()
    sweep_folder(state, folder)
    assert {path.name for path in folder.iterdir()} == {mine.name, *others}


def test_a_folder_that_was_swapped_for_a_link_is_refused(state: Path, folder: Path, tmp_path: Path) -> None:
    resolved = check_place(state, folder, [])
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputMoved):
        Delivery(state, folder, str(resolved))


@pytest.mark.parametrize("by", ["a link", "another folder", "nothing", "a link above"])
def test_a_folder_that_is_swapped_between_two_files_gets_no_more(state: Path, tmp_path: Path, by: str) -> None:
    folder = tmp_path / "above" / "out"
    folder.mkdir(parents=True)
    delivery = Delivery(state, folder, str(check_place(state, folder, [])))
    delivery.expect([folder / "strip.mp4"])
    delivery.stay()
    (tmp_path / "elsewhere" / "out").mkdir(parents=True)
    if by == "a link above":
        folder.parent.rename(tmp_path / "before")
        (tmp_path / "above").symlink_to(tmp_path / "elsewhere")
    else:
        folder.rename(tmp_path / "before")
    if by == "a link":
        folder.symlink_to(tmp_path / "elsewhere" / "out")
    elif by == "another folder":
        folder.mkdir()
    for ask in (delivery.stay, delivery.delivered, lambda: delivery.put(folder / "strip.mp4", Path.touch)):
        with pytest.raises(OutputMoved, match="is gone" if by == "nothing" else "another place") as caught:
            ask()
        assert caught.value.detail["gone"] == (by == "nothing")


def test_folders_of_pictures_have_a_hash_too(folder: Path) -> None:
    (folder / "strip").mkdir(parents=True)
    (folder / "strip" / "1.png").write_text("1")
    first = tree_sha256(folder / "strip")
    (folder / "strip" / "1.png").write_text("2")
    assert tree_sha256(folder / "strip") != first


def test_names_sort_and_say_the_frame() -> None:
    assert strip_name(0, Key(45), ".mp4") == "strip-000-frame-00045.mp4"
    assert strip_name(12, Key(123456), "") == "strip-012-frame-123456"
