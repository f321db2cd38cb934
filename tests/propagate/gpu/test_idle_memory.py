"""Memory is given back when nothing follows, and at once where nothing that follows can use it."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("torch")

from restrip.propagate.gpu.idle_memory import IdleMemory


def test_it_is_given_back_once_after_the_last_segment():
    given, told = [], threading.Event()

    def give_back():
        given.append(1)
        told.set()

    memory = IdleMemory(0.0, give_back)
    for _ in range(2):
        memory.taken()
    memory.left()
    assert not told.wait(0.05)  # another one is being carried
    memory.left()
    assert told.wait(30) and given == [1]


def test_what_follows_in_time_finds_it():
    given = []
    memory = IdleMemory(3600, lambda: given.append(1))
    memory.taken()
    memory.left()
    memory.taken()
    assert not given
    memory.left(at_once=True)
    assert given == [1]
    memory.taken()
    memory.left()
    assert given == [1]
