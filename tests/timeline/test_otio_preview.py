"""A real job's timeline, rendered frame by frame, against what the engine wrote as its preview."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from otio_player import Shown, play

from restrip.client.job import JobSpec, Output
from restrip.media import ClipReader, Frame, MovieWriter, write_picture
from restrip.timeline import ClipRange, FrameRange, Key, Rate

sys.path.insert(0, str(Path(__file__).parents[1] / "jobs"))

from job_bench import Hand, frame_of

RATE = Rate.of(30000, 1001)
KEYS = (4, 14, 22)
FIRST, LENGTH = 3, 26


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    (folder / "painted").mkdir()
    with MovieWriter(folder / "clip.mkv", frame_of(0).size, RATE, "ffv1") as writer:
        for n in range(FIRST + LENGTH + 4):
            writer.write(frame_of(n))
    for key in KEYS:
        write_picture(folder / "painted" / f"{key}.png", Frame(255 - frame_of(FIRST + key).rgb))
    return folder


def frames_of(path: str, length: int) -> list[Frame]:
    with ClipReader(ClipRange((path,), RATE, length)) as reader:
        return list(reader.frames(FrameRange(0, length)))


def rendered(shown: list[Shown], files: dict[str, list[Frame]]) -> np.ndarray:
    return sum(float(shot.share) * files[shot.file][int(shot.frame)].rgb.astype(float) for shot in shown)


def test_the_timeline_renders_to_the_preview(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    spec = JobSpec(
        "otio-1",
        ClipRange((str(clip / "clip.mkv"),), RATE, LENGTH, trim_in=FIRST, timeline_start=1000, name="little"),
        tuple(Key(frame) for frame in KEYS),
        f"keys:{clip / 'painted'}",
        cuts=(),
        output=Output(folder=str(out), preview=True, fade=5, otio=str(out / "little.otio")),
    )
    manifest = Hand(tmp_path / "state").run(spec)
    timeline = otio.adapters.read_from_file(manifest.otio)
    files = {strip.file: frames_of(strip.file, len(strip.frames)) for strip in manifest.strips}
    preview = frames_of(manifest.preview, LENGTH)
    played = list(play(timeline, "Restrip"))
    assert len(played) == LENGTH
    assert [len(shown) for shown in played].count(2) == 8  # Two fades of five; the first frame of each is all the left.
    pictures = [rendered(shown, files) for shown in played]
    for n, frame in enumerate(preview):
        apart = {m: np.abs(pictures[m] - frame.rgb).mean() for m in (n - 1, n, n + 1) if 0 <= m < LENGTH}
        # The preview was encoded once more, which costs more than a code value on so small and sharp a clip.
        assert apart[n] < 2.5 and min(apart, key=apart.__getitem__) == n

    source = list(play(timeline, "Source"))
    assert [shown[0].frame for shown in source] == [Fraction(FIRST + n) for n in range(LENGTH)]
    (item,) = next(track for track in timeline.tracks if track.name == "Source")
    assert item.media_reference.available_range.duration.value == FIRST + LENGTH + 4
