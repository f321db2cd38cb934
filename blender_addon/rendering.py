"""Strips that no file shows as they are: rendered by a second, windowless Blender from a copy of the scene.

The user's Blender goes on, and its render settings are never touched. The pictures lie in a folder named by their
content, so rendering the same thing again finds the same files, and with them everything that was made from them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from restrip.errors import RestripError
from restrip.timeline import FrameRange

SCRIPT = Path(__file__).with_name("render_strip.py")
MARK = "RESTRIP "
_taken: tuple[float, float] = (-100.0, 0.0)


class RenderFailed(RestripError):
    """The second Blender didn't render the strip."""

    code = "render-failed"

    def __init__(self, name: str, log: str) -> None:
        super().__init__(
            f"{name} could not be rendered through the sequencer.",
            "Render the range by hand as pictures, add them as a strip and stylize that.",
            log=log,
        )


@dataclass(frozen=True)
class Wanted:
    """What the second Blender is asked for; it is sent as JSON."""

    blend: str
    scene: str
    strip: str
    first: int
    end: int
    folder: str
    deep: bool
    alpha: bool


@dataclass(frozen=True)
class Teller:
    """Called from the watching thread: the part that is done, the pictures, or the log of a failure."""

    progress: Callable[[float], None]
    done: Callable[[list[str]], None]
    failed: Callable[[str], None]


def begin(scene: Any, strip: Any, span: FrameRange, depth: tuple[bool, bool], teller: Teller) -> Callable[[], None]:
    """Render the frames of `span` of a strip; `depth` is (16 bit, with alpha). Returns at once, with a way to stop."""
    folder = Path(tempfile.mkdtemp(prefix="aside-", dir=renders_folder()))
    blend = folder / "scene.blend"
    bpy.data.libraries.write(str(blend), {scene}, path_remap="ABSOLUTE", compress=False)
    wanted = Wanted(str(blend), scene.name, strip.name, span.first, span.end, str(folder), *depth)
    process = subprocess.Popen(
        [*_blender(), json.dumps(asdict(wanted))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    watcher = threading.Thread(
        target=_watch, args=(process, folder, len(span), teller), name="restrip-render", daemon=True
    )
    watcher.start()
    return process.terminate


def renders_folder() -> Path:
    """Where the pictures lie."""
    return Path(bpy.utils.extension_path_user(__package__, path="renders", create=True))


def taken_mib() -> float:
    """How much the pictures take, looked up every few seconds at most: the preferences draw it."""
    global _taken
    if time.monotonic() - _taken[0] > 10.0:
        files = (path for path in renders_folder().rglob("*") if path.is_file())
        _taken = time.monotonic(), sum(path.stat().st_size for path in files) / 2**20
    return _taken[1]


def clear() -> None:
    """Delete all pictures; strips are rendered again when they are stylized again."""
    global _taken
    for folder in renders_folder().iterdir():
        shutil.rmtree(folder, ignore_errors=True)
    _taken = (-100.0, 0.0)


def _blender() -> list[str]:
    """The command of a second Blender that runs the script; the module bpy has only its Python."""
    if bpy.app.binary_path:
        return [bpy.app.binary_path, "--background", "--factory-startup", "--python", str(SCRIPT), "--"]
    return [sys.executable, str(SCRIPT)]


def _watch(process: subprocess.Popen[str], folder: Path, count: int, teller: Teller) -> None:
    """Follow the second Blender to its end. Runs in a thread of its own."""
    assert process.stdout is not None
    tail: list[str] = []
    for line in process.stdout:
        if line.startswith(MARK):
            teller.progress(int(line[len(MARK) :]) / count)
        else:
            tail = [*tail[-29:], line.rstrip()]
    process.wait()
    pictures = sorted(folder.glob("f_*.png"))
    if process.returncode != 0 or len(pictures) != count:
        shutil.rmtree(folder, ignore_errors=True)
        teller.failed("\n".join(tail))
        return
    (folder / "scene.blend").unlink()
    home = folder.with_name(_content(pictures))
    if home.exists():
        shutil.rmtree(folder)
    else:
        folder.rename(home)
    teller.done([str(home / picture.name) for picture in pictures])


def _content(pictures: list[Path]) -> str:
    """A name for these pictures, from what is in them."""
    digest = hashlib.sha256()
    for picture in pictures:
        with open(picture, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]
