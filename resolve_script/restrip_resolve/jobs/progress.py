"""Progress where it is seen while a script waits: a small window, the engine's page in the browser, or the console.

script ── a line a change ──► window.py (a process of its own: no fault of tkinter's reaches Resolve)
script ◄── cancel, pictures ── window.py
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from restrip.client.status import JobStatus
from restrip_resolve import entry
from restrip_resolve.console import Console

READY_S = 10.0
LEAVE_S = 3.0
PAGE = "restrip status --web"
WINDOW = Path(__file__).with_name("window.py")


class Progress:
    """What a script shows while it waits, for the length of a `with`. Nothing here raises or holds the script up.

    `how` is auto (the first that works), window, browser or console; quiet is the window or nothing, silent nothing.
    `cancel_wanted` becomes true by the window's button.
    """

    def __init__(self, how: str, console: Console) -> None:
        self.how = how
        self.console = console
        self.python = _python()
        self.cancel_wanted = False
        self._window: subprocess.Popen[str] | None = None
        self._news: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._ready = threading.Event()
        self._came = False

    def __enter__(self) -> Self:
        if self.how in ("quiet", "silent"):
            if self.how == "quiet" and self.python:
                self._open_window()
            return self
        if self.how != "console" and self.python:
            if self.how in ("auto", "window") and self._open_window():
                return self
            if open_page(self.python):
                self.console.say(f"Its progress is shown in your browser ({PAGE} opens that page again).")
                return self
        self.console.note(f"In a terminal, {PAGE} shows progress and pictures.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def tell(self, name: str, status: JobStatus) -> None:
        """Show how far a job is."""
        if self._window is None:
            return
        left = "" if status.eta_s is None else f"about {max(1, round(status.eta_s / 60))} min left"
        words = (status.phase if status.state == "running" else "") or status.state.replace("_", " ")
        news = {"name": name, "words": words, "left": left, "picture": status.picture}
        self._news.put({**news, "done": status.done, "total": status.total})

    def take_cancel(self) -> bool:
        """Whether the button was pressed since this was asked last."""
        wanted, self.cancel_wanted = self.cancel_wanted, False
        return wanted

    def _open_window(self) -> bool:
        """Start the window, and wait for its word that it is there."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            window = subprocess.Popen(
                [self.python, "-I", str(WINDOW)], text=True, encoding="utf-8", env=_environment(), **pipes, **_quiet()
            )
        except OSError:
            return False
        self._window = window
        threading.Thread(target=self._hear, args=(window,), daemon=True).start()
        self._ready.wait(READY_S)
        if not self._came:
            self._close()
            return False
        threading.Thread(target=self._send, args=(window,), daemon=True).start()
        return True

    def _hear(self, window: subprocess.Popen[str]) -> None:
        assert window.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in window.stdout:
                word = line.strip()
                if word == "ready":
                    self._came = True
                    self._ready.set()
                elif word == "cancel":
                    self.cancel_wanted = True
                elif word == "pictures":
                    open_page(self.python)
        self._ready.set()

    def _send(self, window: subprocess.Popen[str]) -> None:
        """In a thread, so that a window that hangs holds up only this; of several changes the last is sent."""
        assert window.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            while (news := self._news.get()) is not None:
                while not self._news.empty():
                    news = self._news.get_nowait()
                    if news is None:
                        return
                window.stdin.write(json.dumps(news) + "\n")
                window.stdin.flush()

    def _close(self) -> None:
        window, self._window = self._window, None
        if window is None:
            return
        self._news.put(None)
        window.terminate()
        try:
            window.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            window.kill()
            window.wait()
        for pipe in (window.stdin, window.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()


def open_page(python: str) -> bool:
    """Start `restrip status --web`, which opens the browser and ends by itself; False where it can't be started.

    Nor where there is no display to open a browser on.
    """
    if os.name == "posix" and os.uname().sysname == "Linux" and not _display():
        return False
    nothing = subprocess.DEVNULL
    try:
        subprocess.Popen(
            [python, "-m", "restrip", "status", "--web"],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            env=_environment(),
            start_new_session=True,
            **_quiet(),
        )
    except OSError:
        return False
    return True


def _python() -> str:
    """The Python of the `restrip` command, as the installer wrote it down; "" when there is none."""
    python = str(entry.read_config().get("python") or "")
    return python if os.path.isfile(python) else ""


def _display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _environment() -> dict[str, str]:
    """Without the libraries that Resolve puts first."""
    return {k: v for k, v in os.environ.items() if not k.upper().startswith(entry.EDITORS_VARIABLES)}


def _quiet() -> dict[str, Any]:
    return {"creationflags": entry.NO_WINDOW} if os.name == "nt" else {}
