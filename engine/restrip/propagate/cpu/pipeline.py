"""Stages that work at the same time, each on a thread of its own, one value ahead of the next stage.

   motion of frame n + 2 | pieces of frame n + 1 | frame n laid out and mixed

Kernels keep all cores busy by themselves; what lies between them runs on one, and here beside another stage.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numba

Value = TypeVar("Value")
Other = TypeVar("Other")

_END: Any = object()

PIXELS_A_THREAD = 1 << 16
"""At least; kernels take about .1 ms for so many."""


def ahead(values: Generator[Value, None, None]) -> Generator[Value, None, None]:
    """The values in order, the next one made while the last one is used. Raises what making them raises."""
    if not several():
        yield from values
        return
    thread = _thread()
    try:
        coming = thread.submit(next, values, _END)
        while (value := coming.result()) is not _END:
            coming = thread.submit(next, values, _END)
            yield value
    finally:
        thread.shutdown()
        values.close()


def both(one: Callable[[], Value], other: Callable[[], Other]) -> tuple[Value, Other]:
    """What two functions return that know nothing of each other, the first one called on a thread of its own."""
    if not several():
        return one(), other()
    with _thread() as thread:
        coming = thread.submit(one)
        here = other()
        return coming.result(), here


@contextmanager
def kernel_threads(size: tuple[int, int]) -> Iterator[None]:
    """Kernels of this thread, and of those of `ahead` within it, on as many cores as frames of (width, height) are
    worth: those of small ones have less to do than there is waiting for each other.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(min(before, max(1, size[0] * size[1] // PIXELS_A_THREAD)))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _thread() -> ThreadPoolExecutor:
    """A thread whose kernels run on as many cores as this one's; a new thread's would on all."""
    return ThreadPoolExecutor(1, "carry", numba.set_num_threads, (numba.get_num_threads(),))


def several() -> bool:
    """May several threads start kernels? numba's own pool, which is there where OpenMP isn't, ends the process then."""
    try:
        return numba.threading_layer() != "workqueue"
    except ValueError:  # no kernel has run, so that isn't known
        return False
