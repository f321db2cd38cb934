"""A real Blender with a window on a screen that nobody sees, driven by keys, clicks and Python.

Needs Xvfb, xdotool and ImageMagick's `import`, as Debian has them, and Blender 4.2 or later.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SIZE = (1600, 900)


@dataclass
class Desk:
    """A screen with Blender on it. Use it in a `with` statement: leaving it ends both.

    `work` is a folder for everything that the run leaves behind; Blender's own user folder is in it. `inside` is put
    before each command, for programs that live in a container that sees `work` under the same path, for example
    "chroot /srv/sid".
    """

    blender: str
    work: Path
    display: int = 77
    inside: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    _screen: subprocess.Popen[bytes] | None = None
    _blender: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Desk:
        self.work.mkdir(parents=True, exist_ok=True)
        with open(self.work / "screen.log", "wb") as log:
            self._screen = subprocess.Popen(
                [*shlex.split(self.inside), "Xvfb", f":{self.display}", "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        time.sleep(1.5)
        return self

    def __exit__(self, *_: object) -> None:
        self.close_blender()
        _end(self._screen)

    def open_blender(self) -> None:
        """Start Blender on its Video Editing workspace; returns when its window is there."""
        for name in ("ready", "command.py", "answer"):
            (self.work / name).unlink(missing_ok=True)
        width, height = map(str, SIZE)
        with open(self.work / "blender.log", "ab") as log:
            self._blender = subprocess.Popen(
                [
                    *self._command(self.blender, "--app-template", "Video_Editing"),
                    *("--window-geometry", "0", "0", width, height, "--python", str(self.work / "remote.py")),
                ],
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        _until((self.work / "ready").exists, 120, f"Blender doesn't open a window: see {self.work / 'blender.log'}")

    def close_blender(self) -> None:
        """End Blender as a crash would: nothing is saved, nothing is asked."""
        _end(self._blender)
        self._blender = None

    def run(self, *arguments: str) -> str:
        """Run Blender without a window, with these arguments; what it prints."""
        done = subprocess.run(
            self._command(self.blender, *arguments),
            capture_output=True,
            text=True,
            env=self._environment(),
            timeout=300,
        )
        return done.stdout + done.stderr

    def python(self, code: str, limit_s: float = 60) -> str:
        """Run code in Blender's main thread, as a timer does; what it prints. Raises RuntimeError with a traceback."""
        answer = self.work / "answer"
        answer.unlink(missing_ok=True)
        aside = self.work / "command.aside"
        aside.write_text(textwrap.dedent(code), "utf-8")
        aside.rename(self.work / "command.py")
        _until(answer.exists, limit_s, f"Blender doesn't answer: see {self.work / 'blender.log'}")
        told = answer.read_text("utf-8")
        if told.startswith("Traceback"):
            raise RuntimeError(told)
        return told.strip()

    def keys(self, *arguments: str) -> None:
        """Keys and clicks, in xdotool's words: "mousemove", "700", "400", "click", "3", "key", "Return"."""
        subprocess.run(self._command("xdotool", *arguments), env=self._environment(), check=True)
        time.sleep(0.4)

    def picture(self, path: Path) -> None:
        """The whole screen as a JPEG, somewhat smaller, for documents."""
        made = self.work / "screen.jpg"
        command = self._command("import", "-window", "root", "-resize", "75%", "-quality", "85", str(made))
        subprocess.run(command, env=self._environment(), check=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.read_bytes())

    def _command(self, *arguments: str) -> list[str]:
        return [*shlex.split(self.inside), *arguments]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DISPLAY": f":{self.display}",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "HOME": str(self.work),
            "BLENDER_USER_RESOURCES": str(self.work / "blender"),
            **self.environment,
        }


def _until(condition: object, limit_s: float, otherwise: str) -> None:
    assert callable(condition)
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End a process with its children, which a container's command may have."""
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
