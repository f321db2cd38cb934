"""Errors of workers: what the user reads and the remedy, by cause."""

from __future__ import annotations

from restrip.errors import RestripError
from restrip.service.workers.exit_reasons import ExitReason
from restrip.storage.texts import words

_KEPT = "what was finished is kept."
_LOG = "'restrip engine log' has the lines"

WHAT = {
    "deadline": "showed no sign of life and was ended",
    "memory": "was ended by the system, because memory ran out",
    "signal": "was ended by a signal",
    "import": "couldn't start, or couldn't load its code",
    "exception": "ended with an error in its code",
    "exit": "left without a word",
    "": "ended unexpectedly",
}
"""What happened, by the cause; the subject is the worker."""

REMEDIES = {
    "deadline": f"A drive, or a graphics driver, may be stuck: see that the clip's drive answers, then retry: {_KEPT} "
    "A slow machine may be given more time: RESTRIP_STEP_S=600.",
    "memory": f"Close other programs, or render at a smaller size, then retry: {_KEPT}",
    "signal": "A library or driver crashed, or somebody, or a guard of the memory (SIGKILL), ended the process: "
    f"{_LOG}. Bring the graphics driver and the packages up to date, then retry: {_KEPT}",
    "import": "Restrip's files, or packages that it needs, are missing or don't fit together: 'restrip doctor' says "
    f"which. Install Restrip again, then retry: {_KEPT}",
    "exception": f"That is a fault of Restrip's or of a package: {_LOG}, and 'restrip doctor --bundle FILE' packs them "
    f"for a report. Retry with other settings: {_KEPT}",
    "exit": f"A library ended the process by itself: {_LOG}, as far as there are any. Retry: {_KEPT}",
    "": f"{_LOG}, as far as there are any. Retry: {_KEPT}",
}
"""What helps, by the cause."""


def told(ending: ExitReason) -> str:
    """What happened to the worker, with the facts."""
    return WHAT[ending.cause] + (f" ({ending.what})" if ending.what else "")


class WorkerDied(RestripError):
    """The worker ended in the middle of a task, twice; or it can't even start."""

    code = "worker-died"

    def __init__(self, ending: ExitReason, kind: str) -> None:
        super().__init__(
            f"The worker {told(ending)} while it did '{kind}'.",
            REMEDIES[ending.cause],
            kind=kind,
            cause=ending.cause,
            why=ending.what or WHAT[ending.cause],
        )


class Quarantined(WorkerDied):
    """A job whose task ended two workers, or whose tasks ended many: it is set aside, and others go on."""

    code = "quarantined"

    def __init__(self, ending: ExitReason, kind: str, times: int) -> None:
        super().__init__(ending, kind)
        self.message = (
            f"This job was quarantined: {times} workers ended at it. The last {told(ending)} while it did '{kind}'."
        )
        self.args = (self.message,)


class CannotStart(RestripError):
    """The system doesn't let the engine start a worker."""

    code = "cannot-start-worker"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"No worker can be started: {words(error)}.",
            "Close other programs, then retry: what was finished is kept.",
        )


class TooManyQuestions(RestripError):
    """The light worker has more queries than it can answer within any client's patience."""

    code = "too-many-questions"

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} questions wait for an answer already.", "Ask again later.")
