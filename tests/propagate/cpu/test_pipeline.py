"""Stages one value ahead of each other."""

from __future__ import annotations

import threading
from contextlib import closing

import numba
import numpy as np
import pytest

from restrip.propagate.cpu import pipeline
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.pipeline import ahead, both, kernel_threads


@pytest.fixture(autouse=True)
def kernels_have_run():
    describe(np.zeros((16, 16, 3), np.uint8))


def counted(made, end=5):
    try:
        for n in range(end):
            made.append((n, threading.current_thread()))
            yield n
    finally:
        made.append("closed")


def test_the_next_value_is_made_while_the_last_one_is_used(monkeypatch):
    monkeypatch.setattr(pipeline, "several", lambda: True)
    going, made = threading.Event(), []

    def values():
        yield 0
        made.append(going.wait(10))
        yield 1

    with closing(ahead(values())) as coming:
        assert next(coming) == 0
        going.set()  # only a thread of its own can be waiting for it
        assert list(coming) == [1] and made == [True]


def test_values_come_in_order_and_on_one_other_thread(monkeypatch):
    monkeypatch.setattr(pipeline, "several", lambda: True)
    made = []
    assert list(ahead(ahead(counted(made)))) == list(range(5))
    assert made.pop() == "closed" and [n for n, _ in made] == list(range(5))
    assert threading.current_thread() not in {thread for _, thread in made}


@pytest.mark.parametrize("several", [True, False])
def test_errors_come_where_their_value_would_and_what_is_left_alone_is_closed(monkeypatch, several):
    monkeypatch.setattr(pipeline, "several", lambda: several)

    def broken():
        yield 1
        raise OSError("gone")

    coming = ahead(broken())
    assert next(coming) == 1
    with pytest.raises(OSError, match="gone"):
        next(coming)
    made = []
    with closing(ahead(counted(made))) as coming:
        next(coming)
    assert made[-1] == "closed" and len(made) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("carry")]


def test_on_numbas_own_threads_nothing_is_done_beside(monkeypatch):
    monkeypatch.setattr(pipeline.numba, "threading_layer", lambda: "workqueue")
    made = []
    assert list(ahead(counted(made))) == list(range(5))
    assert made[0][1] is threading.current_thread()


def test_before_any_kernel_has_run_nothing_is_done_beside(monkeypatch):
    def unknown():
        raise ValueError

    monkeypatch.setattr(pipeline.numba, "threading_layer", unknown)
    made = []
    assert list(ahead(counted(made))) == list(range(5))
    assert made[0][1] is threading.current_thread()


@pytest.mark.parametrize("several", [True, False])
def test_two_are_made_at_the_same_time_where_kernels_may_be(monkeypatch, several):
    monkeypatch.setattr(pipeline, "several", lambda: several)
    here = threading.current_thread()
    made = both(threading.current_thread, threading.current_thread)
    assert made[1] is here and (made[0] is not here) == several


@pytest.mark.parametrize("broken", [0, 1])
def test_what_either_of_two_raises_is_raised(broken):
    def raising():
        raise ValueError(broken)

    with pytest.raises(ValueError, match=str(broken)):
        both(*[raising if n == broken else int for n in range(2)])


@pytest.mark.parametrize(("size", "most"), [((214, 90), 1), ((640, 360), 3)])
def test_kernels_of_small_frames_run_on_fewer_threads_and_so_do_those_beside_them(monkeypatch, size, most):
    monkeypatch.setattr(pipeline, "several", lambda: True)
    all_of_them = numba.get_num_threads()

    def used():
        yield numba.get_num_threads()

    with kernel_threads(size):
        assert list(ahead(ahead(used()))) == [numba.get_num_threads()] == [min(most, all_of_them)]
    assert numba.get_num_threads() == all_of_them
