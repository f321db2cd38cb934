"""What may go wrong with workers."""

from __future__ import annotations

from restrip.errors import RestripError


class WorkerDied(RestripError):
    """The worker ended in the middle of a task, twice."""

    code = "worker-died"

    def __init__(self, why: str, kind: str) -> None:
        what = "showed no sign of life and was ended" if why == "hung" else "ended unexpectedly"
        reason = "" if why in ("hung", "crash", "cancelled") else f" ({why})"
        super().__init__(
            f"The worker {what} while it did '{kind}', also with less memory{reason}.",
            "'restrip engine log' has more. Try again, perhaps with a smaller size: what was finished is kept.",
            kind=kind,
            why=why,
        )


class CannotStart(RestripError):
    """The system doesn't let the engine start a worker."""

    code = "cannot-start-worker"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"No worker can be started: {(error.strerror or str(error)).lower()}.",
            "Close other programs, then retry: what was finished is kept.",
        )


class TooManyQuestions(RestripError):
    """The light worker has more questions than it can answer in any time that somebody waits."""

    code = "too-many-questions"

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} questions wait for an answer already.", "Ask again later.")
