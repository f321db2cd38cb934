"""Preparing the next keys in threads, and counting what is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from restrip.progress import Report

T = TypeVar("T")


class StepCounter:
    """Turns ticks of batches into steps of the whole."""

    def __init__(self, report: Report, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def ticks(self, rows: int) -> Callable[[], None]:
        """A tick that counts for that many rows; what is made a second time counts once."""

        def tick() -> None:
            self.done = min(self.total, self.done + rows)
            self.report(self.done, self.total)

        return tick


class Prefetch(Generic[T]):
    """Prepares what comes next in threads, and forgets what was used when the next batch is asked for."""

    def __init__(self, pool: ThreadPoolExecutor, prepare: Callable[[int], T], count: int) -> None:
        self.pool, self.prepare, self.count = pool, prepare, count
        self.waiting: dict[int, Future[T]] = {}

    def begin(self, numbers: Sequence[int], reach: int) -> dict[int, Future[T]]:
        """What is prepared for `numbers`, to be waited for; those up to `reach` from the first one are begun."""
        first = numbers[0]
        self.waiting = {n: future for n, future in self.waiting.items() if n >= first}
        for n in range(first, min(self.count, first + max(reach, len(numbers)))):
            if n not in self.waiting:
                self.waiting[n] = self.pool.submit(self.prepare, n)
        return {n: self.waiting[n] for n in numbers}

    def get(self, numbers: Sequence[int], reach: int) -> dict[int, T]:
        """What was prepared for `numbers`, in order."""
        return {n: future.result() for n, future in self.begin(numbers, reach).items()}
