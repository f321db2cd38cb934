"""Whatever a file holds, reading it ends with pictures or with a named error."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
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


def limits() -> None:
    """A mutation that asks for all the memory there is, is refused it."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))


def test_mutated_files_never_take_the_reader_down(seeds: list[Path]) -> None:
    script = Path(__file__).with_name("inside") / "eat.py"
    argv = [sys.executable, str(script), "11", "220", *map(str, seeds)]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=300, preexec_fn=limits)
    lines = run.stdout.splitlines()
    assert run.returncode == 0, f"{lines[-1:]}\n{run.stderr[-3000:]}"
    assert len(lines) == 220
    outcomes = Counter(line.split()[-1] for line in lines)
    assert outcomes["read"] + outcomes["noted"] > 40
    assert outcomes["media-unreadable"] > 20
