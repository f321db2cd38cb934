"""Why a worker ended: by what the engine did, what the worker said, and what the system tells of its process.

deadline    it showed no sign of life, and the engine ended it
memory      the system ended it because memory ran out
signal      a signal ended it: a crash inside a library, or somebody from outside
import      it couldn't start, or couldn't load code
exception   it said what went wrong in code
exit        it left, without a word
"""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass

from restrip.service.workers.slot import CANCELLED, HUNG, Slot

MOST_TEXT = 300
_WINDOWS_NO_MEMORY = (0xC0000017, 0xC000012D)
_WINDOWS_FAULT = 0xC0000000
_UNKILLED = -1


@dataclass(frozen=True)
class ExitReason:
    """`cause` is one of the above, or "" where nothing tells; `what` has the facts in words; `ready` whether the worker
    had come so far that it could begin its task.
    """

    cause: str
    what: str
    ready: bool = True


def ending_of(slot: Slot) -> ExitReason:
    """How the worker of a slot ended, before the slot forgets it."""
    if slot.why == HUNG:
        return ExitReason("deadline", f"after {slot.patience_s:g} s", slot.ready)
    if slot.why == CANCELLED:
        return ExitReason("deadline", f"it didn't stop within {slot.limits.cancel_s:g} s", slot.ready)
    if slot.why:
        return ExitReason(slot.cause or "exception", slot.why[:MOST_TEXT], slot.ready)
    worker = slot.worker
    code = worker.exit_code if worker is not None else None
    if worker is None or code is None:
        return ExitReason("", "", slot.ready)
    by_system = _by_system(code, worker.memory_ran_out)
    if by_system is not None:
        return ExitReason(*by_system, slot.ready)
    if not slot.ready:
        return ExitReason("import", (worker.last_words or f"exit code {code}")[:MOST_TEXT], False)
    return ExitReason("exit", f"exit code {code}")


def _by_system(code: int, memory_ran_out: bool) -> tuple[str, str] | None:
    """Cause and facts of a process that the system ended; None for one that left by itself."""
    if sys.platform == "win32" or code >= _WINDOWS_FAULT:
        code &= 0xFFFFFFFF
        if code < _WINDOWS_FAULT:
            return None
        return ("memory" if code in _WINDOWS_NO_MEMORY else "signal"), f"{code:#x}"
    if code > _UNKILLED:
        return None
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return ("memory" if name == "SIGKILL" and memory_ran_out else "signal"), name
