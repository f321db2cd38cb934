"""Memory is given back when nothing follows, and at once where nothing that follows can use it."""

from __future__ import annotations

import threading

import pytest

torch = pytest.importorskip("torch")

from restrip.cuda.idle_memory import IdleMemory, mostly_free  # noqa: E402


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


def test_most_of_it_free_is_in_nobodys_way(monkeypatch):
    free = 8000
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *device: (free << 20, 10_000 << 20))
    assert mostly_free()
    free = 3000
    assert not mostly_free()


def test_memory_that_graphs_of_a_look_hold_is_nobody_elses(monkeypatch):
    """Torch says that they don't use all that they hold, but gives none of it back while they can be played."""
    from restrip.propagate.device_choice import GpuMemoryTaken
    from restrip.propagate.gpu.segment_walk import check_memory

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *device: (1500 << 20, 10_000 << 20))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 8000 << 20, raising=False)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 1000 << 20)
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    with pytest.raises(GpuMemoryTaken):
        check_memory((1920, 1080))
    assert emptied
    check_memory((640, 360))
    check_memory((960, 540), strokes=True)  # what the segment holds counts for it
