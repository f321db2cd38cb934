"""Names of pictures in the order in which file managers show them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline import pictures_in
from restrip.timeline.picture_files import is_hidden, is_picture, natural


@pytest.mark.parametrize(
    "names",
    [
        ["a1", "a2", "a10", "a100"],
        ["A1", "a2", "A3"],
        ["a", "a1", "b"],
        ["a1b9", "a1b10", "a2b1"],
        ["001", "01", "1", "2"],
        ["shot 1 - 2", "shot 1 - 11", "shot 2 - 1"],
        ["9", "a"],
    ],
)
def test_numbers_count_by_value(names: list[str]) -> None:
    assert sorted(reversed(names), key=natural) == names


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_have_one_order(names: list[str]) -> None:
    assert sorted(names, key=natural) == sorted(reversed(names), key=natural)


def test_a_folders_pictures(tmp_path: Path) -> None:
    for name in ("f10.png", "f9.PNG", "._f9.png", ".f1.png", "notes.txt", "clip.mp4", "f11.jfif", "f12.heic"):
        (tmp_path / name).touch()
    (tmp_path / "f1.png").mkdir()
    os.symlink(tmp_path / "gone.png", tmp_path / "f2.png")
    assert [path.name for path in pictures_in(tmp_path)] == ["f9.PNG", "f10.png", "f11.jfif", "f12.heic"]
    assert is_hidden(tmp_path / ".f1.png") and not is_hidden(tmp_path / "f10.png")
    assert is_picture("x.AVIF") and not is_picture("x.gif")
