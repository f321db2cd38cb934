"""The child that computes: `python -m restrip.service.workers.worker`, started by the supervisor alone.

It reads tasks from stdin, one JSON object a line, and writes what happens to what was its stdout. Libraries that
print do so into the engine's log. When stdin ends the supervisor is gone, and so is the worker, at once.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restrip.jobs.tasks.registry import WorkerMemory

REPORT_GAP_S = 0.1


class Pipe:
    """The worker's end: writes messages, and reads tasks and cancels on a thread."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self.tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._incoming, self._outgoing = incoming, outgoing
        self._lock = threading.Lock()
        self.on_message: Callable[[], None] = lambda: None
        threading.Thread(target=self._read, daemon=True, name="pipe").start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell the supervisor."""
        with self._lock:
            self._outgoing.write(json.dumps(message, allow_nan=False).encode() + b"\n")
            self._outgoing.flush()

    def cancelled(self, task_id: str) -> bool:
        """Whether a task was asked to stop."""
        return task_id in self._cancelled

    def _read(self) -> None:
        for line in self._incoming:
            message = json.loads(line)
            if message["t"] == "cancel":
                self._cancelled.add(message["id"])
            else:
                self.tasks.put(message)
            self.on_message()
        # Nothing that is being written counts before it is whole: no need to end in good order.
        os._exit(0)


class Reporter:
    """What a task tells of itself: at most ten times a second, and always when the phase changes."""

    def __init__(self, pipe: Pipe, task_id: str) -> None:
        self._pipe, self._task_id = pipe, task_id
        self._last, self._phase = 0.0, ""

    def __call__(self, phase: str, done: int, total: int, **more: Any) -> None:
        """Send progress. Raises Cancelled when the task was asked to stop."""
        from restrip.errors import Cancelled

        if self._pipe.cancelled(self._task_id):
            raise Cancelled
        now = time.monotonic()
        if phase == self._phase and now - self._last < REPORT_GAP_S and not more:
            return
        self._last, self._phase = now, phase
        self._pipe.send({"t": "progress", "id": self._task_id, "phase": phase, "done": done, "total": total, **more})


def take_over_pipes() -> Pipe:
    """Keep stdin and stdout for messages; what libraries print goes to stderr, and they read nothing."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Pipe(incoming, outgoing)


def end_with_parent(platform: str = sys.platform) -> None:
    """Have Linux end this process with the supervisor, even in the middle of a computation that holds Python's lock.

    Elsewhere the end of stdin does it, as soon as a thread gets its turn.
    """
    if not platform.startswith("linux"):
        return
    parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(parent_death_signal, signal.SIGKILL, 0, 0, 0)


def work(pipe: Pipe) -> None:
    """Run tasks until the supervisor ends. An error that is no RestripError ends the worker: the log has it."""
    from restrip.jobs.tasks.errors import cause_of
    from restrip.jobs.tasks.registry import WorkerMemory

    shop = WorkerMemory()
    pipe.send({"t": "ready", "pid": os.getpid()})
    while True:
        task = pipe.tasks.get()
        try:
            _say(pipe, task, {**_outcome(shop, task, Reporter(pipe, task["id"])), "loaded": shop.loaded})
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            pipe.send({"t": "crash", "id": task["id"], "what": what, "cause": cause_of(error)})
            raise


def _say(pipe: Pipe, task: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
    """Tell what came of a task; what can't be said is that task's failure."""
    from restrip.jobs.tasks.errors import fault_of

    try:
        pipe.send({"id": task["id"], **outcome})
    except (TypeError, ValueError) as error:
        traceback.print_exception(error)
        pipe.send({"t": "error", "id": task["id"], "error": fault_of(error, task).to_wire()})


def _outcome(shop: WorkerMemory, task: Mapping[str, Any], report: Reporter) -> dict[str, Any]:
    """What there is to say of a task that is over."""
    from restrip.errors import RestripError
    from restrip.jobs.tasks.errors import CodeMissing, OutOfMemory, TaskFault
    from restrip.jobs.tasks.registry import run_task
    from restrip.remote.tasks import TASKS

    try:
        result = run_task(shop, task, report, TASKS)
    except RestripError as error:
        if isinstance(error, CodeMissing | OutOfMemory | TaskFault):
            traceback.print_exception(error.__cause__)
        return {"t": "error", "error": error.to_wire()}
    return {"t": "result", "result": result, "facts": shop.facts()}


def main() -> None:
    """The worker's life."""
    pipe = take_over_pipes()
    faulthandler.enable()
    end_with_parent()
    # They would print what they are given, prompts among it.
    for library in ("TRANSFORMERS", "DIFFUSERS"):
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    if os.name == "posix":
        # The supervisor decides; a Ctrl-C in its terminal is not meant for the worker.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(pipe)


if __name__ == "__main__":
    main()
