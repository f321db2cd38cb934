"""Strips that no file shows as they are: rendered by a second, windowless Blender from a copy of the scene.

The user's Blender goes on, and its render settings are never touched. The pictures lie in a folder named by their
content, so rendering the same thing again finds the same files, and with them everything that was made from them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from restrip.errors import RestripError
from restrip.timeline import FrameRange

from .. import PACKAGE
from ..engine import transport

MARK = "RESTRIP "
DONE = "RESTRIP-DONE "
TAIL_BYTES = 8192
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
class Teller:
    """Called by `tick`: the part that is done, the pictures, or the log of a failure."""

    progress: Callable[[float], None]
    done: Callable[[list[str]], None]
    failed: Callable[[str], None]


@dataclass
class Render:
    """A second Blender at work in `folder`, for `count` pictures; what it says goes into a file."""

    process: subprocess.Popen[bytes]
    folder: Path
    count: int
    teller: Teller
    part: float = 0.0

    @property
    def log(self) -> Path:
        """Where it says how far it is."""
        return self.folder.with_suffix(".log")

    def look(self) -> bool:
        """Tell what is new; False once there is nothing more to come."""
        status = self.process.poll()
        said = self._tail()
        if status is None:
            marked = [line for line in said if line.startswith(MARK)]
            part = int(marked[-1][len(MARK) :]) / self.count if marked else 0.0
            if part != self.part:
                self.part = part
                self.teller.progress(part)
            return True
        home = next((line[len(DONE) :] for line in reversed(said) if line.startswith(DONE)), "")
        self.log.unlink(missing_ok=True)
        if status == 0 and home:
            self.teller.done([str(Path(home) / f"f_{number:06d}.png") for number in range(self.count)])
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.teller.failed("\n".join(said))
        return False

    def _tail(self) -> list[str]:
        """The last lines that it said, each whole."""
        with open(self.log, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        whole = text.rpartition("\n")[0]
        return [line for line in whole.splitlines() if line]


_running: list[Render] = []


def begin(scene: Any, strip: Any, span: FrameRange, depth: tuple[bool, bool], teller: Teller) -> Callable[[], None]:
    """Render the frames of `span` of a strip, or of a mask that is given for it; `depth` is (16 bit, with what is
    transparent).

    Returns at once, with a way to stop.
    """
    folder = Path(tempfile.mkdtemp(prefix="aside-", dir=renders_folder()))
    blend = folder / "scene.blend"
    bpy.data.libraries.write(
        str(blend),
        {scene, strip} if isinstance(strip, bpy.types.Mask) else {scene},
        path_remap="ABSOLUTE",
        compress=False,
    )
    deep, alpha = depth
    told = {
        "module": "timeline.render_strip",
        "paths": transport.import_paths(),
        "blend": str(blend),
        "scene": scene.name,
        "strip": strip.name,
        "mask": isinstance(strip, bpy.types.Mask),
        "first": span.first,
        "end": span.end,
        "folder": str(folder),
        "deep": deep,
        "alpha": alpha,
    }
    with open(folder.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(
            [*_blender(), json.dumps(told)], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    _running.append(Render(process, folder, len(span), teller))
    return process.terminate


def tick() -> None:
    """Look at the Blenders that render; the timer calls this."""
    for render in list(_running):
        if not render.look():
            _running.remove(render)


def stop() -> None:
    """End them."""
    for render in _running:
        render.process.kill()
        render.process.wait()
        render.log.unlink(missing_ok=True)
        shutil.rmtree(render.folder, ignore_errors=True)
    _running.clear()


def renders_folder() -> Path:
    """Where the pictures lie."""
    return Path(bpy.utils.extension_path_user(PACKAGE, path="renders", create=True))


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
    for path in renders_folder().iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    _taken = (-100.0, 0.0)


def _blender() -> list[str]:
    """The command of a second Blender that runs the script; the module bpy has only its Python."""
    if bpy.app.binary_path:
        return [bpy.app.binary_path, "--background", "--factory-startup", "--python", str(transport.OUTSIDE), "--"]
    return [sys.executable, str(transport.OUTSIDE)]
