"""`restrip resolve` on a timeline of real footage: what an editor exports, and what it imports again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import opentimelineio as otio
import pytest

from restrip.cli import main
from restrip.cli import resolve as command
from restrip.cli.resolve import arriving


@pytest.fixture
def engine() -> Iterator[None]:
    yield
    main(["engine", "stop"])


def exported(path: Path, footage: Path, keys: list[int]) -> Any:
    """Two clips of the footage with a gap between them, an hour into the timeline; the second one is marked."""
    rate = 25.0
    timeline = otio.schema.Timeline("Edit", global_start_time=otio.opentime.RationalTime(90000, rate))
    track = otio.schema.Track("Video 1", kind="Video")
    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, rate), otio.opentime.RationalTime(132, rate))
    for name, first, length in (("plain", 0, 20), (None, 0, 10), ("marked", 40, 24)):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(length, rate)
        )
        if name is None:
            track.append(otio.schema.Gap(source_range=span))
        else:
            track.append(otio.schema.Clip(name, otio.schema.ExternalReference(str(footage), whole), span))
    for frame in keys:
        one = otio.opentime.TimeRange(otio.opentime.RationalTime(40 + frame, rate), otio.opentime.RationalTime(1, rate))
        track[2].markers.append(otio.schema.Marker("Marker 1", one, "BLUE"))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))
    return timeline


def test_a_marked_clip_comes_back_in_the_users_own_timeline(
    tmp_path: Path, bigbuckbunny: Path, engine: None, capsys: pytest.CaptureFixture[str]
) -> None:
    source = exported(tmp_path / "edit.otio", bigbuckbunny, [4, 18, 18])
    out = tmp_path / "out"
    arguments = ["--look", "neural:19", "--out", str(out), "--size", "160", "--fade", "8", "--json"]
    assert main(["resolve", str(tmp_path / "edit.otio"), *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "marked: Two keys are on frame 90048: they count as one." in told["notes"]
    back = otio.adapters.read_from_file(told["timeline"])
    assert [track.name for track in back.tracks] == ["Video 1", "Restrip"]
    assert back.tracks[0].is_equivalent_to(source.tracks[0])
    strips = [item for item in back.tracks[1] if isinstance(item, otio.schema.Clip)]
    fades = [item for item in back.tracks[1] if isinstance(item, otio.schema.Transition)]
    assert len(strips) == 2 and len(fades) == 1
    assert back.tracks[1].range_of_child(strips[0]).start_time.value == 30
    assert back.tracks[1].duration().value == 54
    for strip in strips:
        with av.open(strip.media_reference.target_url) as movie:
            assert movie.streams.video[0].frames == strip.media_reference.available_range.duration.value
    assert main(["resolve", str(tmp_path / "edit.otio"), *arguments[:-1]]) == 0, "again, from the cache"
    assert "Import it:" in capsys.readouterr().out


def test_bad_input_is_named(
    tmp_path: Path, bigbuckbunny: Path, engine: None, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--look", "neural:19", "--out", str(tmp_path / "out")]
    exported(tmp_path / "unmarked.otio", bigbuckbunny, [])
    assert main(["resolve", str(tmp_path / "unmarked.otio"), *arguments]) == 2
    assert "No clip has a marker" in capsys.readouterr().err
    (tmp_path / "x.edl").write_text("TITLE: x")
    assert main(["resolve", str(tmp_path / "x.edl"), *arguments]) == 2
    assert "Export it from the editor as OpenTimelineIO" in capsys.readouterr().err
    assert main(["resolve", str(tmp_path / "x.edl"), "--watch", *arguments]) == 2
    exported(tmp_path / "marked.otio", bigbuckbunny, [4])
    before = (tmp_path / "marked.otio").read_bytes()
    assert main(["resolve", str(tmp_path / "marked.otio"), *arguments, "--otio", str(tmp_path / "marked.otio")]) == 2
    assert (tmp_path / "marked.otio").read_bytes() == before
    assert "is there already, and Restrip didn't write it" in capsys.readouterr().err
    assert main(["resolve", str(tmp_path / "marked.otio"), "--watch", *arguments]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_each_version_that_comes_into_a_folder_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while it grows, not our own, and again when it is exported again."""
    turns = iter(range(10))

    def later(seconds: float) -> None:
        turn = next(turns)
        if turn == 1:
            (tmp_path / "b.otio").write_text("half")
        if turn == 2:
            (tmp_path / "b.otio").write_text("whole, and longer")
        if turn == 5:
            (tmp_path / "a.otio").write_text("second version")
            os.utime(tmp_path / "a.otio", ns=(1, 2))

    monkeypatch.setattr(command.time, "sleep", later)
    (tmp_path / "a.otio").write_text("first")
    (tmp_path / "a restyled.otio").write_text("ours")
    taken = [path.name for path in islice(arriving(tmp_path), 3)]
    assert taken == ["a.otio", "b.otio", "a.otio"]
    assert next(turns) == 7
