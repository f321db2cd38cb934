"""What editors see with the sidebar closed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from restrip.client.client import Client

Blender = Callable[..., Any]


def test_a_failure_is_seen_and_trying_again_takes_what_was_corrected(
    blender: Blender, engine: Client, carphone: Path, tmp_path: Path
) -> None:
    told = blender("noticed.failed_and_corrected", path=str(carphone), blend=str(tmp_path / "a.blend"))
    assert told["failed"] == ["COLOR_01", "COLOR_04"]
    kind, said = told["said"]
    assert kind == "WARNING" and said.startswith("shot: ") and "99" in said
    assert any(entry[:2] == ["operator", "restrip.show_job"] and "99" in entry[2] for entry in told["bar"])
    assert told["again"] == ["sending", "COLOR_04"]
    assert told["look"] == "neural:19"
    assert all(a <= b for a, b in pairwise(told["bars"])), "the bar goes back"
    assert 0 <= told["bars"][0] <= 0.3 and told["bars"][-1] > 0.3
    assert not any(phase.startswith("Waiting 0") for phase in told["phases"]), told["phases"]
    assert told["done"][0] == "INFO" and told["done"][1].startswith("shot is restyled.")
    assert ["operator", "restrip.show_result", "shot is restyled"] in told["done bar"]
    assert (told["selected"], told["active"]) == (["other"], "other")
    assert told["reloaded"] == "COLOR_01"
    assert told["dismissed"] == ["COLOR_04", "", ""]


def test_the_count_of_keyframes_follows_the_markers(blender: Blender, counting: Callable[..., Path]) -> None:
    told = blender("noticed.keyframes_counted", path=str(counting("25")))
    assert told["drawn"] == [0, 1, 1, 0]
    assert told["interval"] <= 0.25
