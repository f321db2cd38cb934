"""Files that commands leave where they are told to take the place of nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.cli.options import BadOption
from restrip.cli.output_file import OutputFile
from restrip.storage.owned_files import OutputExists


def test_it_takes_the_place_of_its_own_as_long_as_nobody_changed_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sheet.png"
    for content in (b"first", b"second", b"second"):
        OutputFile(path, "--out").write(content)
    assert [(entry.name, entry.read_bytes()) for entry in path.parent.iterdir()] == [("sheet.png", b"second")]
    path.write_bytes(b"painted on")
    with pytest.raises(OutputExists):
        OutputFile(path, "--out")
    assert path.read_bytes() == b"painted on"


def test_what_comes_while_it_is_made_stays(tmp_path: Path) -> None:
    file = OutputFile(tmp_path / "sheet.png", "--out")
    file.path.write_bytes(b"somebody's")
    with pytest.raises(OutputExists):
        file.write(b"ours")
    assert file.path.read_bytes() == b"somebody's"


@pytest.mark.parametrize("place", ["file/sheet.png", "folder", "link.png", "a" * 300 + ".png"])
def test_what_can_not_be_written_is_told_before_the_work(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "file")
    with pytest.raises((BadOption, OutputExists)):
        OutputFile(tmp_path / place, "--out")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name != "state") == ["file", "folder", "link.png"]
