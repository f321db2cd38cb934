"""Pictures that are cut off anywhere aren't whole; those of the programs' libraries are."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from restrip.client.key_files.whole import is_whole

PICTURE = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)


def save(path: Path) -> None:
    if path.suffix == ".psd":
        path.write_bytes(psd())
    elif path.suffix in (".webp", ".bmp"):
        Image.fromarray(PICTURE).save(path)
    else:
        assert cv2.imwrite(str(path), PICTURE)


def psd() -> bytes:
    """A head, three empty sections and raw planes."""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 40, 60, 8, 3)
    return head + struct.pack(">III", 0, 0, 0) + b"\0\0" + PICTURE.tobytes()


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "bmp", "psd"])
def test_a_picture_is_whole_when_its_last_byte_is_there(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"key_00001.{ending}"
    save(path)
    content = path.read_bytes()
    assert is_whole(str(path))
    part = tmp_path / "part"
    cuts = {"psd": (10, 30), "tif": (3, 7)}.get(ending, (len(content) // 3, len(content) - 9))
    for size in (0, *cuts):
        part.write_bytes(content[:size])
        assert not is_whole(str(part)), size


def test_boxes_up_to_the_end_are_whole(tmp_path: Path) -> None:
    box = struct.pack(">I4s4s4x", 16, b"ftyp", b"avif") + struct.pack(">I4s", 108, b"mdat") + bytes(100)
    path = tmp_path / "key_1.avif"
    path.write_bytes(box)
    assert is_whole(str(path))
    path.write_bytes(box[:-1])
    assert not is_whole(str(path))
    path.write_bytes(struct.pack(">I4s4s4x", 16, b"ftyp", b"avif") + struct.pack(">I4s", 0, b"mdat") + bytes(5))
    assert is_whole(str(path))


def test_documents_of_krita_are_whole_with_their_list_of_parts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "key_00001.kra", "w") as document:
        document.writestr("mergedimage.png", PICTURE.tobytes())
    content = (tmp_path / "key_00001.kra").read_bytes()
    assert is_whole(str(tmp_path / "key_00001.kra"))
    (tmp_path / "part").write_bytes(content[:-60])
    assert not is_whole(str(tmp_path / "part"))


def test_what_is_unknown_is_left_to_the_engine_and_what_is_missing_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"v/1\1 whatever")
    assert is_whole(str(tmp_path / "a"))
    assert not is_whole(str(tmp_path / "none"))
    assert not is_whole(str(tmp_path))
