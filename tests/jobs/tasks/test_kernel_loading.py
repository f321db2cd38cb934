from __future__ import annotations

import threading

import pytest

from restrip.jobs.tasks import kernel_loading
from restrip.jobs.tasks.kernel_loading import kernels_beside, load_kernels
from restrip.jobs.tasks.registry import WorkerMemory
from restrip.propagate.cpu.kernels import crisp, pieces


def test_the_kernels_that_keep_strokes_whole_are_loaded() -> None:
    load_kernels()
    assert crisp.mix.signatures and pieces.sew.signatures


def test_they_are_loaded_beside_what_is_done_once_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(kernel_loading, "load_kernels", lambda: threads.append(threading.get_ident()))
    memory = WorkerMemory()
    for _ in range(2):
        with kernels_beside(memory):
            pass
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_kernels_that_cant_be_loaded_are_no_trouble_of_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no place for them")

    monkeypatch.setattr(kernel_loading, "load_kernels", broken)
    done = []
    with kernels_beside(WorkerMemory()):
        done.append(1)
    assert done
