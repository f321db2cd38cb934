"""Look files as they come from anywhere: whole, newer, cut short, made to do harm."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restrip.errors import RestripError
from restrip.looks.look_file.archive import DESCRIPTION, FRAME, PICTURE, THUMBNAIL, LookArchive, write_archive
from restrip.looks.look_file.pictures import png_of, read_anchor, thumbnail_of
from restrip.looks.look_file.record import SUFFIX, VERSION, AnchorUsed, LookRecord, ModelUsed
from restrip.media import Frame

FROZEN = Path(__file__).parent / "version-1.restriplook"
"""Written by the first version that had look files; never written again."""


def lively(size: tuple[int, int] = (64, 48)) -> Frame:
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    return Frame(np.stack([x * 3, y * 4, (x + y) * 2], axis=-1).astype(np.uint8))


def parts_of(frame: Frame, picture: Frame) -> dict[str, bytes]:
    return {FRAME: png_of(frame), PICTURE: png_of(picture), THUMBNAIL: thumbnail_of(picture)}


def record_of(parts: dict[str, bytes], **more: Any) -> LookRecord:
    sums = [hashlib.sha256(parts[name]).hexdigest() for name in (FRAME, PICTURE)]
    given = {"name": "moody", "look": "neural:19", "settings": {"style_strength": 0.7}, **more}
    return LookRecord(anchor=AnchorUsed(*sums, (64, 48), "a fox", 7, "run", 12), **given)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    target = tmp_path / f"moody{SUFFIX}"
    frame = lively()
    parts = parts_of(frame, Frame(255 - frame.rgb))
    write_archive(target, record_of(parts, models=(ModelUsed("look", "a.safetensors", "0" * 64, 5),)), parts)
    return target


def rewritten(whole: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same archive with its parts changed."""
    with zipfile.ZipFile(whole) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    target = whole.with_name(f"changed{SUFFIX}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target


def described(parts: dict[str, bytes], **more: Any) -> None:
    parts[DESCRIPTION] = json.dumps({**json.loads(parts[DESCRIPTION]), **more}).encode()


def test_what_was_written_is_read_and_equal_looks_are_equal_files(whole: Path, tmp_path: Path) -> None:
    with LookArchive(whole) as archive:
        record = archive.record
        parts = {name: archive.part(name) for name in (FRAME, PICTURE, THUMBNAIL)}
    assert (record.name, record.look, record.settings) == ("moody", "neural:19", {"style_strength": 0.7})
    assert record.models[0].name == "a.safetensors" and record.version == VERSION == 1
    write_archive(tmp_path / "again", record, parts)
    assert (tmp_path / "again").read_bytes() == whole.read_bytes()
    anchor = read_anchor(str(whole))
    assert np.array_equal(anchor.frame.rgb, 255 - anchor.picture.rgb)
    assert (anchor.prompt, anchor.seed, anchor.name) == ("a fox", 7, "moody")


def test_sixteen_bit_pictures_keep_their_depth(tmp_path: Path) -> None:
    deep = lively().with_depth(True)
    parts = parts_of(deep, deep)
    write_archive(tmp_path / "deep", record_of(parts), parts)
    assert np.array_equal(read_anchor(str(tmp_path / "deep")).picture.rgb, deep.rgb)


def test_files_of_version_1_are_read_for_ever() -> None:
    with LookArchive(FROZEN) as archive:
        record = archive.record
    assert record.to_json() == json.loads((FROZEN.parent / "version-1.json").read_text("utf-8"))
    anchor = read_anchor(str(FROZEN))
    assert anchor.picture.size == (64, 48) and anchor.digest.startswith("39d765")


BROKEN: dict[str, tuple[str, Callable[[dict[str, bytes]], None]]] = {
    "newer": ("look-too-new", lambda parts: described(parts, version=VERSION + 1, settings=[1, 2])),
    "no version": ("look-unreadable", lambda parts: described(parts, version="1")),
    "another format": ("look-unreadable", lambda parts: described(parts, format="a preset")),
    "a field of another kind": ("look-unreadable", lambda parts: described(parts, look=5)),
    "no object": ("look-unreadable", lambda parts: parts.update({DESCRIPTION: b"[1]"})),
    "no JSON": ("look-unreadable", lambda parts: parts.update({DESCRIPTION: b"\xff"})),
    "deep": ("look-unreadable", lambda parts: parts.update({DESCRIPTION: b"[" * 100_000})),
    "a long description": ("look-unreadable", lambda parts: described(parts, more="x" * (2 << 20))),
    "no description": ("look-unreadable", lambda parts: parts.pop(DESCRIPTION)),
    "no picture": ("look-unreadable", lambda parts: parts.pop(PICTURE)),
    "another picture": ("look-unreadable", lambda parts: parts.update({PICTURE: parts[FRAME]})),
    "many parts": ("look-unreadable", lambda parts: parts.update({f"more-{n}": b"" for n in range(100)})),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_look_is_refused_by_name(what: str, whole: Path) -> None:
    code, change = BROKEN[what]
    with pytest.raises(RestripError) as caught:
        read_anchor(str(rewritten(whole, lambda parts: change(parts) and None)))
    assert caught.value.code == code and caught.value.remedy


def test_a_picture_of_another_size_than_said_is_not_decoded(whole: Path) -> None:
    def huge(parts: dict[str, bytes]) -> None:
        body = json.loads(parts[DESCRIPTION])
        png = bytearray(parts[PICTURE])
        png[16:24] = (60_000).to_bytes(4, "big") * 2
        parts[PICTURE] = bytes(png)
        body["anchor"] |= {"picture_sha256": hashlib.sha256(png).hexdigest(), "size": [60_000, 60_000]}
        parts[DESCRIPTION] = json.dumps(body).encode()

    with pytest.raises(RestripError) as caught:
        read_anchor(str(rewritten(whole, huge)))
    assert caught.value.code == "look-unreadable"


@pytest.mark.parametrize("left", [0.0, 0.02, 0.5, 0.97])
def test_a_file_that_is_cut_short_is_refused(left: float, whole: Path) -> None:
    content = whole.read_bytes()
    whole.write_bytes(content[: round(left * len(content))])
    with pytest.raises(RestripError) as caught:
        read_anchor(str(whole))
    assert caught.value.code == ("look-unreadable" if left else "media-unreadable")


def test_damaged_bytes_are_noticed(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    at = content.index(b"IDAT") + 40
    content[at] ^= 0xFF
    whole.write_bytes(content)
    with pytest.raises(RestripError) as caught:
        read_anchor(str(whole))
    assert caught.value.code == "look-unreadable"


def test_names_in_the_archive_lead_nowhere(whole: Path, tmp_path: Path) -> None:
    """Nothing is unpacked by a name in the file, and parts of other names are no parts."""

    def evil(parts: dict[str, bytes]) -> None:
        parts |= {"../../evil": b"x", "/evil": b"x", "painting.png/../../evil": b"x"}

    changed = rewritten(whole, evil)
    before = sorted(tmp_path.rglob("*"))
    with LookArchive(changed) as archive:
        for name in ("../../evil", "/evil", "painting.png/../../evil", "painting.sh"):
            with pytest.raises(RestripError):
                archive.part(name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_goes_off_nowhere(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from restrip.looks.look_file import archive as module

    monkeypatch.setitem(module.LIMITS, PICTURE, 64)
    with LookArchive(whole) as archive, pytest.raises(RestripError) as caught:
        archive.part(PICTURE)
    assert "larger" in caught.value.message
