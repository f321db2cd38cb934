"""Names of painted keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.timeline.key_names import key_name, key_number, keys_in_folder


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("key_00045.png", 45),
        ("shot2_090.tif", 90),
        ("7.JPG", 7),
        ("key_00012.GIF", 12),
        ("key_00045 blue.png", None),
        ("key_00045 (before).png", None),
        ("~key_00045.png", None),
        (".key_00045.png", None),
        ("key_00045.txt", None),
        ("key_٤٥.png", None),
    ],
)
def test_the_digits_that_end_a_pictures_name_are_its_frame(name: str, number: int | None) -> None:
    assert key_number(f"/some/folder9/{name}") == number


def test_names_that_are_made_are_read_again(tmp_path: Path) -> None:
    for number in (0, 45, 123456):
        assert key_number(key_name(number)) == number
        (tmp_path / key_name(number)).touch()
    (tmp_path / "other 45.jpg").touch()
    found = keys_in_folder(tmp_path)
    assert list(found) == [0, 45, 123456] and len(found[45]) == 2


def test_a_document_gives_way_to_the_picture_that_was_exported_from_it(tmp_path: Path) -> None:
    for name in ("key_1.psd", "key_1.png", "key_2.kra", "key_3.tif", "key_3.png"):
        (tmp_path / name).touch()
    found = {number: [path.name for path in paths] for number, paths in keys_in_folder(tmp_path).items()}
    assert found == {1: ["key_1.png"], 2: ["key_2.kra"], 3: ["key_3.png", "key_3.tif"]}


def test_names_sort_as_their_frames_do() -> None:
    assert [key_name(45), key_name(7, ".jpg"), key_name(123456)] == ["key_00045.png", "key_00007.jpg", "key_123456.png"]
