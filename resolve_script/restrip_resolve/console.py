"""What the user reads: Resolve's console and a log file; and the one handler around every script."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from restrip.client.discovery import state_dir
from restrip.errors import RestripError

LOG_BYTES = 1 << 20


def log_path() -> Path:
    """The log of the Resolve scripts."""
    return state_dir() / "resolve" / "resolve.log"


class Console:
    """Prints sentences and keeps them in the log, with details that only the log gets."""

    def __init__(self, write: Callable[[str], None] = print) -> None:
        self._write = write
        self._once: set[str] | None = None

    def notes_once(self) -> None:
        """From now on each note is said once: a watch renders the same clip again and again."""
        self._once = self._once or set()

    def note(self, text: str) -> None:
        """Print a sentence about a job or its result, unless it is to be said once and was."""
        if self._once is None:
            self.say(text)
        elif text in self._once:
            self.log(text)
        else:
            self._once.add(text)
            self.say(text)

    def say(self, text: str) -> None:
        """Print a sentence."""
        self._write(f"Restrip: {text}")
        self.log(text)

    def log(self, text: str) -> None:
        """Only into the file; a full disk or a missing right is no reason to fail."""
        path = log_path()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size > LOG_BYTES:
                path.replace(path.with_suffix(".old.log"))
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        except OSError:
            return


class Reported:
    """Every script runs inside: says what failed and what to do about it, and lets nothing through.

    `failed` is the error that ended the script, None when it went well.
    """

    def __init__(self, console: Console, action: str) -> None:
        self.console = console
        self.action = action
        self.failed: BaseException | None = None

    def __enter__(self) -> Reported:
        self.console.log(f"--- {self.action}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self.failed = error
        if isinstance(error, RestripError):
            self.console.say(f"{self.action} failed: {error.message}")
            if error.remedy:
                self.console.say(error.remedy)
        else:
            self.console.say(f"{self.action} failed: {type(error).__name__}: {error}")
            self.console.say(f"The details are in {log_path()}; please send that file with a report.")
        self.console.log("".join(traceback.format_exception(kind, error, trace)))
        return True
