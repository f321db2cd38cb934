from __future__ import annotations

from pathlib import Path

import pytest

from restrip.storage.texts import json_of, read_json, read_text, words


def test_a_text_with_and_without_a_mark_is_read_and_what_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_bytes("\ufeff0: fröhlich".encode())
    assert read_text(path) == "0: fröhlich"
    path.write_bytes(b"\xff\xfe0\0")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        read_text(path)


def test_json_is_read_and_what_is_none_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"a": [1]}')
    assert read_json(path) == {"a": [1]}
    for text, said in (("[" * 200_000, "nested too deeply"), ('{\n "a"', "no JSON from line 2"), ("", "no JSON")):
        with pytest.raises(ValueError, match=said):
            json_of(text)


def test_what_the_system_says_stands_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        read_text(tmp_path / "not there")
    assert words(caught.value) == "no such file or directory"
    assert words(ValueError("it is larger than 64 MiB")) == "it is larger than 64 MiB"
