"""Why there is no engine to talk to: none answers, or one of another installation is still at work."""

from __future__ import annotations

from restrip.client import discovery
from restrip.errors import RestripError


class EngineUnreachable(RestripError):
    """No engine answers. `detail["log"]` has the last lines of its log."""

    code = "engine-unreachable"

    def __init__(self, what: str, remedy: str = "") -> None:
        tail = discovery.log_tail(20)
        super().__init__(
            what,
            remedy or "Try again: the next command starts it. If it keeps ending, 'restrip engine log' says why.",
            log=tail,
        )


class OtherInstallation(RestripError):
    """An engine of another installation of Restrip runs, and finishes its jobs first."""

    code = "other-installation"

    def __init__(self, where: str, jobs: int) -> None:
        super().__init__(
            f"An engine of another installation ({where}) runs; it ends when its {jobs} jobs at work are done.",
            "Try again then; or end it now, its jobs can be resumed: restrip engine stop --force",
            installation=where,
            jobs=jobs,
        )


def last_words() -> str:
    """What an engine that fell over printed last; "" when its log ends as it should, with an event."""
    last = "".join(discovery.log_tail(1)).strip()[:300]
    return f" Its log ends with: {last}." if last and not last.startswith("{") else ""
