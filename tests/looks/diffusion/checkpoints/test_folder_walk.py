"""Folders are walked to the end, whatever they hold."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from restrip.looks.diffusion.checkpoints import folder_walk
from restrip.looks.diffusion.checkpoints.folder_walk import FolderUnsearchable, walk

linked = pytest.mark.skipif(os.name == "nt", reason="links need rights there")
kernels = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel shows itself so on Linux")


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def files_below(root: Path) -> list[str]:
    return sorted(os.path.relpath(os.path.join(here, name), root) for here, _, names in walk(root) for name in names)


def test_all_files_below_are_found_and_who_asks_may_leave_folders_out(tmp_path: Path) -> None:
    made(tmp_path, "a", "one/b", "one/deep/c", "two/d")
    assert files_below(tmp_path) == ["a", "one/b", "one/deep/c", "two/d"]
    seen = []
    for here, inside, names in walk(tmp_path):
        inside[:] = [name for name in inside if name != "one"]
        seen += [here, *names]
    assert seen == [str(tmp_path), "a", str(tmp_path / "two"), "d"]


def test_what_is_not_there_or_no_folder_holds_nothing(tmp_path: Path) -> None:
    made(tmp_path, "file")
    for name in ("file", "missing", "a\0b"):
        assert not list(walk(tmp_path / name))


@linked
def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    made(tmp_path, "models/a", "elsewhere/b")
    (tmp_path / "models" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "models" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "models" / "self").symlink_to(".")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path)
    (tmp_path / "elsewhere" / "gone").symlink_to(tmp_path / "nowhere")
    assert {name for name in files_below(tmp_path / "models") if name.count("/") < 2} == {
        *("a", "again/b", "again/gone", "more/b", "more/gone")
    }


@linked
def test_links_that_lead_from_each_folder_to_each_other_come_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in range(9):
        for other in range(9):
            (tmp_path / f"{one}").mkdir(exist_ok=True)
            (tmp_path / f"{one}" / f"{other}").symlink_to(tmp_path / f"{other}")
    monkeypatch.setattr(folder_walk, "MOST_FOLDERS", 500)
    with pytest.raises(FolderUnsearchable, match="more than 500 folders") as caught:
        list(walk(tmp_path))
    assert caught.value.bad_input and caught.value.remedy


@kernels
@pytest.mark.parametrize("place", ["/proc", "/proc/self", "/proc/self/fd", "/sys/kernel"])
def test_the_kernels_folders_are_not_walked(place: str, tmp_path: Path) -> None:
    with pytest.raises(FolderUnsearchable, match="system's own"):
        list(walk(place))
    made(tmp_path, "mine/a").joinpath("mine", "kernels").symlink_to(place)
    assert files_below(tmp_path) == ["mine/a"]
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(FolderUnsearchable):
        list(walk(tmp_path / "link"))


def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(folder_walk.os, "scandir", refused)
    with pytest.raises(FolderUnsearchable, match="permission is denied"):
        list(walk(tmp_path))
