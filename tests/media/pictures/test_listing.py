"""Folders of pictures: their order, gaps, what lies beside them, and pictures that aren't alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from makers import number_in, numbered

from restrip.media import ClipReader, Frame, probe, write_picture
from restrip.media.pictures.listing import listed
from restrip.request import media_paths
from restrip.timeline import ClipRange, Rate


def write(folder: Path, names: list[str], start: int = 0) -> None:
    for number, name in enumerate(names, start=start):
        write_picture(folder / name, Frame(numbered(number)))


def shown(paths: list[str]) -> list[int]:
    with ClipReader(ClipRange(tuple(paths), Rate.of(25), len(paths))) as reader:
        return [number_in(frame) for frame in reader.frames()]


def test_a_folder_is_read_as_file_managers_show_it(tmp_path: Path) -> None:
    """Numbers by value, hidden files and what macOS leaves on other disks left out, the rest said."""
    write(tmp_path, [f"frame{n}.png" for n in range(1, 13)], start=1)
    for name in ("._frame1.png", ".hidden.png", "notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"\0\5\26\7 no picture")
    (tmp_path / "frame99.png").mkdir()
    paths = media_paths(tmp_path)
    assert shown(paths) == list(range(1, 13))
    (note,) = probe(paths).notes
    assert "notes.txt" in note and "Thumbs.db" in note and "hidden" not in note


def test_missing_numbers_are_held_or_closed_up(tmp_path: Path) -> None:
    present = [1, 2, 3, 6, 7, 9]
    for n in present:
        write_picture(tmp_path / f"a_{n:03}.png", Frame(numbered(n)))
    held = media_paths(tmp_path)
    assert shown(held) == [1, 2, 3, 3, 3, 6, 7, 7, 9]
    assert any("held at 3 to 4, 7." in note for note in probe(held).notes)
    closed = media_paths(tmp_path, "close")
    assert shown(closed) == present
    assert any("2 between a_003.png and a_006.png" in note for note in probe(closed).notes)


@pytest.mark.parametrize(
    "names",
    [
        ["a_0000.png", "a_0002.png", "a_0004.png"],
        ["shot_101500.png", "shot_101507.png", "shot_101522.png"],
        ["left.png", "right.png"],
        ["a_1.png", "a_2.png", "b_7.png", "b_8.png"],
    ],
)
def test_numbers_that_dont_count_frames_have_no_gaps(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, names)
    paths = media_paths(tmp_path)
    assert [Path(path).name for path in paths] == names
    assert probe(paths).notes == ()


def test_transparency_depth_and_size_are_looked_for_in_all_pictures(tmp_path: Path) -> None:
    """The first is opaque, 8 bit and small: that decides the size, and nothing else."""
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:, :20] = 0
    frames = [Frame(numbered(0)), Frame(numbered(1), alpha), Frame(numbered(2)).with_depth(True)]
    frames.append(Frame(numbered(3, (128, 96))))
    paths = [str(tmp_path / f"{n}.png") for n in range(4)]
    for path, frame in zip(paths, frames, strict=True):
        write_picture(path, frame)
    info = probe(paths)
    assert (info.alpha, info.bit_depth, info.size) == (True, 16, (64, 48))
    assert [word for word in ("128x96", "16", "transparency") if any(word in note for note in info.notes)] == [
        "128x96",
        "16",
        "transparency",
    ]
    with ClipReader(ClipRange(tuple(paths), Rate.of(25), 4)) as reader:
        read = list(reader.frames())
    assert all(frame.deep and frame.alpha is not None and frame.size == (64, 48) for frame in read)
    assert read[0].alpha.min() == 65535
    assert read[1].alpha[:, :20].max() == 0 and read[1].alpha[:, 20:].min() == 65535


def test_files_that_are_no_pictures_under_pictures_names_are_said(tmp_path: Path) -> None:
    write(tmp_path, ["a0.png", "a1.png", "a2.png", "a3.png"])
    (tmp_path / "a2.png").write_text("no picture")
    paths = media_paths(tmp_path)
    assert any("can't be read: 2." in note for note in probe(paths).notes)
    assert shown(paths) == [0, 1, 1, 3]


def test_numbers_are_listed_in_spans() -> None:
    assert listed([7, 1, 2, 3, 9]) == "1 to 3, 7, 9"
    assert listed(range(0, 60, 2), most=3) == "0, 2, 4 and 27 more"
