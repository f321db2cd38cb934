"""A report that can be sent to strangers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from restrip.cli.bundle import without_paths, write_bundle
from restrip.cli.options import BadOption
from restrip.link.discovery import run_folder


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("reading /home/ada/Secret Film/take.mov now", "reading <path>.mov now"),
        ("reading '/home/ada/film/take.mov': truncated", "reading '<path>.mov': truncated"),
        (r"reading C:\Users\ada\take.mov", "reading <path>.mov"),
        ("3/4 frames", "3/4 frames"),
    ],
)
def test_paths_are_cut(line: str, clean: str) -> None:
    assert without_paths(line) == clean


def test_a_bundle_has_the_log_and_no_names(tmp_path: Path) -> None:
    (run_folder() / "engine.log").write_text("job abc: reading /home/ada/film/take.mov\n", "utf-8")
    names = write_bundle(tmp_path / "report.zip", [])
    with zipfile.ZipFile(tmp_path / "report.zip") as bundle:
        assert sorted(bundle.namelist()) == names
        assert bundle.read("engine.log").decode() == "job abc: reading <path>.mov\n"
        assert b"restrip" in bundle.read("versions.json")


def test_a_bundle_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="can't be written"):
        write_bundle(tmp_path / "no folder" / "report.zip", [])
