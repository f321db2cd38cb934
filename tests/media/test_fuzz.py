"""Whatever a file holds, reading it ends with pictures or with a named error."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from kinds import KINDS, laden, photographs
from makers import Recipe, make, numbered

from restrip.media import Frame, write_picture

resource = pytest.importorskip("resource", reason="limits on memory are POSIX's")

SMALL = {"preset": "ultrafast", "g": "6", "bf": "0"}
SEEDS: dict[str, Recipe] = {
    "a.mp4": Recipe(ticks=range(12), options={**SMALL, "bf": "2"}),
    "b.mp4": Recipe(ticks=range(12), options=SMALL, muxing={"movflags": "+faststart"}),
    "c.mkv": Recipe(ticks=range(12), options=SMALL),
    "d.mov": Recipe(ticks=range(4), codec="prores_ks", layout="yuva444p10le", options={}),
    "e.avi": Recipe(ticks=range(12), codec="mpeg4", options={"g": "6", "bf": "1"}),
    "f.webm": Recipe(ticks=range(12), codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "g.ts": Recipe(ticks=range(12), codec="mpeg2video", options={"g": "6"}),
    "h.gif": Recipe(ticks=range(6), codec="gif", layout="rgb8", options={}),
}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("seeds")
    paths = [make(folder / name, recipe) for name, recipe in SEEDS.items()]
    for ending in (".png", ".tif", ".exr"):
        paths.append(folder / f"still{ending}")
        write_picture(paths[-1], Frame(numbered(300)))
    paths.append(folder / "still.ppm")
    paths[-1].write_bytes(b"P6 64 48 255\n" + numbered(300).tobytes())
    return paths


@pytest.fixture(scope="module")
def laden_seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Movies with much beside their pictures, and those whose tables take decoding."""
    folder = tmp_path_factory.mktemp("laden")
    makers = {"a.mkv": photographs, "b.mov": photographs, "c.mkv": laden, "d.mp4": laden, "e.mov": laden}
    for name in ("packed.avi", "fields.ts", "joined.ts", "hidden.webm", "b-pictures.wmv"):
        makers[name] = KINDS[name].make
    for name, maker in makers.items():
        maker(folder / name)
    return [folder / name for name in makers]


def limits() -> None:
    """A mutation that asks for all the memory there is, is refused it."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))


def outcomes_of(seeds: list[Path], count: int) -> Counter[str]:
    """What came of reading `count` mutations of the seeds."""
    script = Path(__file__).with_name("inside") / "eat.py"
    argv = [sys.executable, str(script), "11", str(count), *map(str, seeds)]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=300, preexec_fn=limits)
    # OpenEXR tells of damage on the standard output too.
    lines = [line for line in run.stdout.splitlines() if line[:1].isdigit()]
    assert run.returncode == 0, f"{lines[-1:]}\n{run.stderr[-3000:]}"
    assert len(lines) == count
    assert "Traceback" not in run.stderr, run.stderr[-3000:]
    return Counter(line.split()[-1] for line in lines)


def test_mutated_files_never_take_the_reader_down(seeds: list[Path]) -> None:
    lifecycle = outcomes_of(seeds, 220)
    assert lifecycle["read"] + lifecycle["noted"] > 40
    assert lifecycle["media-unreadable"] > 20


def test_what_is_beside_pictures_never_takes_the_reader_down(laden_seeds: list[Path]) -> None:
    lifecycle = outcomes_of(laden_seeds, 160)
    assert lifecycle["read"] + lifecycle["noted"] > 60
    assert lifecycle["media-unreadable"] > 5
