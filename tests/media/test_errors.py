"""Errors that nobody foresaw are those of the file that was read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from makers import Recipe, make

from restrip.media import ClipReader, errors, probe
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.timeline import ClipRange, Rate


@pytest.mark.parametrize(
    "error", [ValueError("29 is not a valid Type"), KeyError("x"), ZeroDivisionError(), OSError("bad")]
)
def test_whatever_is_raised_names_the_file(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(MediaUnreadable) as caught, errors.of_file("a.mov"):
        raise error
    assert "a.mov" in str(caught.value)
    assert "Convert" in caught.value.remedy
    assert "memory" not in caught.value.remedy
    assert caplog.records[0].exc_info


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error"), MediaMissing("b.mov")])
def test_what_is_not_the_files_fault_passes(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, errors.of_file("a.mov"):
        raise error
    assert caught.value is error


def raising(*args: Any, **kwargs: Any) -> Any:
    raise ValueError("29 is not a valid Type")


def test_a_probe_and_a_read_end_with_the_files_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", Recipe(ticks=range(5)))
    clip = ClipRange((str(path),), Rate.of(25), 5)
    with ClipReader(clip) as reader:
        monkeypatch.setattr("restrip.media.movies.movie.frame_of", raising)
        for read in (lambda: reader.frame(3), lambda: reader.thumbnail(3, (8, 8))):
            with pytest.raises(MediaUnreadable, match=r"a\.mp4.*29 is not a valid Type"):
                read()
    monkeypatch.setattr("restrip.media.av.streams.tags_of", raising)
    for open_it in (lambda: probe([str(path)]), lambda: ClipReader(clip)):
        with pytest.raises(MediaUnreadable, match=r"a\.mp4.*29 is not a valid Type"):
            open_it()
