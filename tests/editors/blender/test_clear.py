"""Sources that don't fill the frame come back with their transparency; several strips get a job each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.client.client import Client

Blender = Callable[..., Any]
CLOSE, EDGE = 2.5, 40
"""Mean difference in code values; and how far a pixel on an edge may be off: the result is encoded once more."""


def test_what_lay_under_a_strip_is_still_seen(blender: Blender, engine: Client, carphone: Path, tmp_path: Path) -> None:
    picture = np.zeros((144, 176, 4), np.uint8)
    cv2.circle(picture, (90, 70), 50, (40, 200, 90, 255), -1)
    cv2.rectangle(picture, (10, 10), (60, 40), (200, 60, 60, 128), -1)
    cv2.imwrite(str(tmp_path / "clear.png"), picture)
    values = {"look.neural": "19", "style_strength": 0.0}
    told = blender(
        "clear.composed",
        path=str(carphone),
        picture=str(tmp_path / "clear.png"),
        values=values,
        folder=str(tmp_path),
        limit_s=500,
    )
    for name, seen in told.items():
        for before, after in zip(seen["before"], seen["after"], strict=True):
            a, b = (cv2.imread(path) for path in (before, after))
            assert a is not None and b is not None
            apart = np.abs(a.astype(int) - b)
            assert apart.mean() < CLOSE, (name, apart.mean())
            assert np.percentile(apart, 99.5) < EDGE, (name, np.percentile(apart, 99.5))
        assert seen["order"] == sorted(seen["order"]), "the title stays above"
    for name in ("crop", "turned", "picture"):
        assert set(told[name]["format"]) == {"mkv"}, name
        assert "FFV1" in told[name]["said"] and "transparent" in told[name]["said"]
    for name in ("small", "added"):
        assert set(told[name]["format"]) == {"mp4"}, "its file fills its own frame"


def test_a_transparent_result_is_written_as_blender_reads_it(load: Callable[[str], Any]) -> None:
    fitting = load("timeline.transparency").fitting
    assert fitting({}, {"alpha": False}) == "h264"
    assert fitting({"format": "prores4444"}, {"alpha": False}) == "prores4444"
    assert fitting({}, {"alpha": True, "bit_depth": 8}) == "ffv1"
    assert fitting({"format": "prores4444"}, {"alpha": True, "bit_depth": 12}) == "png"
    assert fitting({"format": "exr"}, {"alpha": True, "bit_depth": 16}) == "exr"
    assert fitting({"look_only": True}, {}) == "ffv1"


def test_several_strips_get_one_look_a_job_each_and_never_a_second_result(
    blender: Blender, engine: Client, carphone: Path
) -> None:
    values = {"look.neural": "19", "style_strength": 0.7}
    told = blender("clear.several", path=str(carphone), values=values, limit_s=500)
    assert told["alone"].startswith("Select further strips")
    assert told["looks"] == [values, values]
    assert told["jobs"] == told["begun again"] == ["first", "second"]
    assert told["running"] == [True, True] and told["given up"]
    assert told["placed"] == told["again"] == ["first restyled", "second restyled"]
    assert told["takes"] == [[1, 2], 2]
    assert told["back"] == [1, True]
    assert told["known"], "another take isn't offered again"
    assert told["left"] == [[1], 1]
