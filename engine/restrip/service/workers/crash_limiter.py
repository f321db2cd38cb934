"""How often a process died lately, and a record of the unexpected ends of workers."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.client.worker_crashes import MOST, deaths_file, last_deaths
from restrip.service.limits import Limits
from restrip.service.log import say
from restrip.service.scheduler import WorkerTask
from restrip.service.workers.errors import REMEDIES, told
from restrip.service.workers.exit_reasons import ExitReason
from restrip.storage.json_files import write_json


class CrashLimiter:
    """The times of the last deaths: more than `limits.restarts` within `limits.restarts_within_s` are too many."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._times: deque[float] = deque()

    def __len__(self) -> int:
        return len(self._times)

    def too_many(self) -> bool:
        """Count one more, now; whether that is one too many."""
        now = time.monotonic()
        self._times.append(now)
        while now - self._times[0] > self._limits.restarts_within_s:
            self._times.popleft()
        return len(self._times) > self._limits.restarts

    def forget(self) -> None:
        """Reset the count."""
        self._times.clear()


class CrashHistory:
    """The last of them, on the disk too: 'restrip doctor' reads it when no engine runs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.last: list[dict[str, Any]] = last_deaths(root)

    def note(self, ending: ExitReason, task: WorkerTask | None, machine: str = "") -> None:
        """Write one down. What an exception said stays out: it may quote what the job is about."""
        if ending.cause == "exception":
            ending = replace(ending, what=ending.what.partition(":")[0])
        death = {
            "time": round(time.time(), 1),
            "cause": ending.cause,
            "what": f"The worker {told(ending)}.",
            "task": task.kind if task is not None else "",
            "job": task.job_id if task is not None else "",
            "machine": machine,
            "remedy": REMEDIES[ending.cause],
        }
        self.last = [*self.last, death][-MOST:]
        try:
            write_json(deaths_file(self._root), {"deaths": self.last})
        except OSError as error:
            say("death not written down", why=str(error))
