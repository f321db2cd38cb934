"""Exported pictures of keys know whether somebody painted on them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from restrip.timeline.exported_keys import is_untouched, marked, painted_among
from restrip.timeline.key_names import keys_in_folder, painted_in_folder


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(value: int = 7, text: bytes = b"") -> bytes:
    """A grey pixel, in two chunks as large pictures are."""
    pixels = zlib.compress(bytes([0, value]))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", pixels[:3]) + chunk(b"IDAT", pixels[3:]) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + text + body


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_other_pixels_are_painted_even_where_the_text_was_kept(tmp_path: Path) -> None:
    exported = marked(png())
    assert is_untouched(saved(tmp_path / "a.png", exported))
    text = exported[33 : 33 + 12 + 25]
    assert text[4:8] == b"tEXt" and not is_untouched(saved(tmp_path / "b.png", png(8, text)))
    assert is_untouched(saved(tmp_path / "c.png", png(7, text)))


def test_what_isnt_an_exported_frame_isnt_untouched(tmp_path: Path) -> None:
    for content in (png(), b"", b"\x89PNG\r\n\x1a\n\0\0", marked(png())[:-30], b"8BPS and more"):
        assert not is_untouched(saved(tmp_path / "a.png", content))
    assert not is_untouched(tmp_path / "none.png") and not is_untouched(tmp_path)


def test_what_is_painted_beside_an_exported_frame_is_the_key(tmp_path: Path) -> None:
    exported = saved(tmp_path / "key_1.png", marked(png()))
    assert keys_in_folder(tmp_path) == {1: [exported]} and painted_in_folder(tmp_path, 1) == exported
    document = saved(tmp_path / "key_1.psd", b"painted")
    assert keys_in_folder(tmp_path) == {1: [document]} and painted_in_folder(tmp_path, 1) == document
    picture = saved(tmp_path / "key_1.tif", b"exported from the document")
    assert keys_in_folder(tmp_path) == {1: [picture]} and painted_in_folder(tmp_path, 1) == document
    saved(exported, png())
    assert keys_in_folder(tmp_path) == {1: [exported, picture]}, "two that were painted are for the caller to refuse"


def test_one_picture_is_what_there_is(tmp_path: Path) -> None:
    one, other = (saved(tmp_path / name, marked(png())) for name in ("1.png", "2.png"))
    assert painted_among([one]) == [one] and painted_among([one, other]) == [one, other]
