"""All or nothing without Resolve's help: its scripts can't group undo steps.

    with Journal(console) as journal:
        journal.always("the current bin", restore_bin)        # runs at the end, well or not
        journal.undo("the new track", delete_track)           # runs when a later step fails
        ...                                                   # before the step: what fails may still act

On failure the steps run backwards, each in its own guard; what couldn't be taken back is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from restrip.errors import RestripError
from restrip_resolve.console import Console

ATTEMPTS = 2


class RollbackIncomplete(RestripError):
    """A step failed, and not everything before it could be taken back."""

    code = "rollback-incomplete"

    def __init__(self, cause: BaseException, left: tuple[str, ...]) -> None:
        super().__init__(
            f"{cause} Not everything could be taken back: {'; '.join(left)}.",
            "Use Edit > Undo in Resolve, or remove it by hand.",
            left=list(left),
        )


@dataclass(frozen=True)
class _Step:
    what: str
    run: Callable[[], None]
    always: bool


class Guard:
    """Takes whatever a step raises, so that the next one still runs."""

    error: BaseException | None = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return isinstance(error, Exception)


class Journal:
    """Remembers how to take back what was done, and what must be put back in any case."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._steps: list[_Step] = []

    def undo(self, what: str, step: Callable[[], None]) -> None:
        """Run `step` if anything later fails. It must be harmless when there is nothing to take back."""
        self._steps.append(_Step(what, step, always=False))

    def always(self, what: str, step: Callable[[], None]) -> None:
        """Run `step` at the end, whether all went well or not."""
        self._steps.append(_Step(what, step, always=True))

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = self._run(failed=error is not None)
        if error is not None and left and isinstance(error, Exception):
            raise RollbackIncomplete(error, left) from error
        for what in left:
            self.console.say(f"{what} could not be put back.")

    def _run(self, failed: bool) -> tuple[str, ...]:
        """Run the steps backwards; returns what didn't work even at the second attempt."""
        left = []
        for step in reversed(self._steps):
            if not (failed or step.always):
                continue
            for _ in range(ATTEMPTS):
                with Guard() as guard:
                    step.run()
                if guard.error is None:
                    break
                self.console.log(f"taking back {step.what}: {guard.error!r}")
            else:
                left.append(step.what)
        self._steps.clear()
        return tuple(left)
