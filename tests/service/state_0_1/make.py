"""Makes this folder anew: `python make.py PYTHON`, PYTHON being the one of an installation of Restrip 0.1 (1e569fa).

Everything is asked through that release's own command line. What is kept: its state folder, the media its jobs name,
and the folder its results went to; in JSON, the folder that holds them is written as ROOT.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

HERE = Path(__file__).parent
ROOT = "@ROOT@"
FRAMES, SIZE = 24, (64, 48)

PLACED = """
from restrip.link.client import connect
with connect("blender 5.0", project="/edits/old.blend") as client:
    client.placed("finished", "blender", ["Restrip finished 0", "Restrip finished 8"])
"""


def picture(frame: int, *, negative: bool = False) -> np.ndarray:
    """A bright disc that moves over a ramp; [48, 64, 3] uint8 RGB."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    made = np.stack([x * 3, y * 4, x + y], axis=2).astype(np.uint8)
    made[(x - 14 - frame) ** 2 + (y - 24) ** 2 < 81] = (250, 240, 60)
    return 255 - made if negative else made


def write_media(folder: Path) -> None:
    """The clip, a folder with a painted key for each frame but 16, a matte."""
    (folder / "painted").mkdir(parents=True)
    with av.open(str(folder / "clip.mp4"), "w") as movie:
        stream = movie.add_stream("libx264", 25, options={"crf": "20", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in range(FRAMES):
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(picture(frame))))
        movie.mux(stream.encode(None))
    for frame in range(0, FRAMES, 2):
        if frame != 16:
            image = av.VideoFrame.from_ndarray(picture(frame, negative=True)).to_image()
            image.save(folder / "painted" / f"key_{frame:05d}.png", optimize=True)
    matte = np.zeros((*SIZE[::-1], 3), np.uint8)
    matte[8:40, 8:56] = 255
    av.VideoFrame.from_ndarray(matte).to_image().save(folder / "matte.png", optimize=True)


def job(job_id: str, root: Path, look: str, frames: tuple[int, ...], **more: Any) -> dict[str, Any]:
    """A job as version 0.1 was handed it."""
    output = {"folder": "", "format": "h264", "fade": "auto", "baked": False, "preview": False, "otio": "", "sheet": ""}
    return {
        "job_id": job_id,
        "project": "/edits/old.blend",
        "source": {"paths": [str(root / "media" / "clip.mp4")], "rate": "25", "length": FRAMES, "name": "clip"},
        "keys": [{"frame": frame} for frame in frames],
        "cuts": [],
        "look": {"name": look, "settings": more.pop("settings", {})},
        "output": {**output, **more.pop("output", {})},
        **more,
    }


class Old:
    """The old release's command line over a state folder of its own."""

    def __init__(self, python: str, root: Path) -> None:
        self.python, self.root, self.state = python, root, root / "state"
        self.environment = {**os.environ, "RESTRIP_STATE_DIR": str(self.state), "OMP_NUM_THREADS": "1"}

    def run(self, *words: str, code: int = 0) -> str:
        command = [self.python, "-m", "restrip", *words] if words[0] != "-c" else [self.python, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    def submit(self, body: dict[str, Any]) -> str:
        path = self.root / "job.json"
        path.write_text(json.dumps(body))
        self.run("submit", str(path))
        path.unlink()
        return str(body["job_id"])

    def wait(self, job_id: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
        while not wanted(json.loads(self.run("status", job_id, "--json"))):
            time.sleep(0.02)

    def end(self, job_id: str, state: str) -> None:
        self.wait(job_id, lambda status: status["state"] == state)


def jobs(old: Old) -> None:
    """One of each fate."""
    root, painted = old.root, f"painted:{old.root / 'media' / 'painted'}"
    results = str(root / "results")
    output = {"folder": results, "preview": True, "otio": f"{results}/finished.otio"}
    old.end(old.submit(job("finished", root, "neural:19", (0, 8, 20), output=output)), "done")
    old.run("-c", PLACED)
    matte = str(root / "media" / "matte.png")
    old.end(old.submit(job("finished-painted", root, painted, (4, 12), matte=matte, settings={"lean": 0.2})), "done")
    old.end(old.submit(job("finished-every", root, "neural:2", (), mode="every", step=6)), "done")
    old.end(old.submit(job("failed-painted", root, painted, (4, 16))), "failed")
    old.run("cache", "--limit", "3000")
    clip = str(root / "media" / "clip.mp4")
    old.run("seeds", clip, "--frame", "3", "--count", "2", "--look", "neural:1", "--json")
    old.run("suggest", clip, "--count", "2", "--json")
    old.submit(job("half", root, painted, tuple(frame for frame in range(0, FRAMES, 2) if frame != 16)))
    old.submit(job("waiting", root, "neural:3", (5,)))
    segments, before = old.state / "cache" / "segments", len(list((old.state / "cache" / "segments").glob("??/*")))
    while len(list(segments.glob("??/*"))) < before + 3:
        time.sleep(0.005)
    engine = json.loads((old.state / "run" / "engine.json").read_text())
    os.kill(engine["pid"], signal.SIGKILL)  # As a crash, or a power cut, leaves it: both are "running".


def keep(root: Path) -> None:
    """What the fixture is: without logs, locks, keys of sockets, and folders of the computer it was made on."""
    for name in ("state", "media", "results"):
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(root / name, HERE / name, ignore=shutil.ignore_patterns("*.lock", "*.log", "start.json"))
    engine = HERE / "state" / "run" / "engine.json"
    found = json.loads(engine.read_text())
    for secret in ("server_key", "client_public", "client_secret", "requests", "events"):
        found[secret] = ""
    found.update(pid=0, argv=[])
    engine.write_text(json.dumps(found, indent=1) + "\n")
    for path in HERE.rglob("*"):
        if path.suffix in (".json", ".otio"):
            path.write_text(path.read_text().replace(str(root), ROOT))


def main() -> None:
    """Make it all."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "old"
        write_media(root / "media")
        old = Old(sys.argv[1], root)
        jobs(old)
        time.sleep(3)  # Its workers notice, and end.
        keep(root)


if __name__ == "__main__":
    main()
