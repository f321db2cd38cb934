"""The engine's log: a JSON line an event, turned over when it grows. Prompts and pictures are never in it."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

MOST_BYTES = 2 << 20
KEPT = 3

log = logging.getLogger("restrip.engine")


class EngineLog(logging.Handler):
    """Writes engine.log. With `take_over` stdout and stderr go there too, crashes of the worker included."""

    def __init__(self, path: Path, take_over: bool) -> None:
        super().__init__()
        self.path = path
        self._take_over = take_over
        self._descriptor = -1
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["trace"] = logging.Formatter().formatException(record.exc_info)
        os.write(self._descriptor, json.dumps(line, default=str).encode() + b"\n")
        if os.fstat(self._descriptor).st_size > MOST_BYTES:
            self._turn_over()

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._take_over:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(self._descriptor, 1)
            os.dup2(self._descriptor, 2)

    def _turn_over(self) -> None:
        """engine.log becomes engine.log.1, and so on. Windows can't rename what the worker has open: it is emptied."""
        os.close(self._descriptor)
        if _windows():
            with open(self.path, "wb"):
                pass
        else:
            for number in range(KEPT - 1, 0, -1):
                older = self.path.with_name(f"{self.path.name}.{number}")
                if older.exists():
                    older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._open()


def say(event: str, level: int = logging.INFO, **facts: object) -> None:
    """Log one event with its facts."""
    log.log(level, event, extra={"facts": facts})


def _windows() -> bool:
    return os.name == "nt"
