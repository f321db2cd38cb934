"""CUDA graphs run on a GPU alone: here a stand-in replays the work on the tensors that it was recorded with."""

from __future__ import annotations

import pytest
import torch
from recorders import StandIn

from restrip.looks.diffusion.runtime.speed.nests import alike, kind_of, mapped, tensors
from restrip.looks.diffusion.runtime.speed.replay import AFTER, MOST, Replayed


class Beside:
    """One number that the network reads, and one that it leaves."""

    def __init__(self) -> None:
        self.seen, self.left = torch.zeros(1), dict[str, list[torch.Tensor]]()

    @property
    def places(self) -> int:
        return self.seen.data_ptr()


def network(x: torch.Tensor, *, more: dict[str, list[torch.Tensor]], gain: float = 2.0) -> tuple[torch.Tensor]:
    return (gain * x + more["a"][0],)


def asked(n: int, rows: int = 2) -> tuple[torch.Tensor, dict[str, list[torch.Tensor]]]:
    return torch.full((rows, 3), float(n)), {"a": [torch.full((3,), n / 10)]}


def test_replays_give_what_the_network_gives() -> None:
    recorder = StandIn()
    fast, kept = Replayed(network, recorder), []
    for n in range(AFTER + 5):
        x, more = asked(n)
        kept.append((fast(x, more=more), network(x, more=more)))
    assert (recorder.recorded, recorder.replays) == (1, 1 + 4)
    for given, expected in kept:  # what was given before is the caller's own: no replay writes into it
        assert isinstance(given, tuple) and torch.equal(given[0], expected[0])
    assert fast.gain if hasattr(network, "gain") else not hasattr(fast, "gain")


def test_each_kind_of_call_has_its_own() -> None:
    recorder = StandIn()
    fast = Replayed(network, recorder)
    for _ in range(AFTER + 2):
        for rows in (1, 2):
            for gain in (2.0, 3.0):
                x, more = asked(5, rows)
                assert torch.equal(fast(x, more=more, gain=gain)[0], network(x, more=more, gain=gain)[0])
    assert recorder.recorded == 4
    for rows in range(3, 3 + MOST):
        for _ in range(AFTER + 1):
            x, more = asked(1, rows)
            fast(x, more=more)
    assert recorder.recorded == 4 + MOST and len(fast.recordings) == MOST
    fast.forget()
    assert not fast.recordings


def test_what_is_read_and_left_beside_the_arguments_is_of_that_call() -> None:
    beside = Beside()

    def seeing(x: torch.Tensor) -> tuple[torch.Tensor]:
        beside.left = {"part": [x * 10]}
        return (x + beside.seen,)

    recorder = StandIn()
    fast = Replayed(seeing, recorder, lambda: beside)
    for n in range(AFTER + 4):
        beside.seen.fill_(n)
        x = torch.tensor([float(n)])
        beside.left = {}
        assert fast(x)[0] == 2 * n and beside.left["part"][0] == 10 * n
    assert recorder.recorded == 1
    before = beside.seen
    beside.seen = torch.full((1,), 7.0)  # elsewhere: what was recorded would read the old place
    for _ in range(AFTER + 2):
        assert fast(torch.ones(1))[0] == 8
    assert recorder.recorded == 2
    beside.seen = before
    assert fast(torch.ones(1))[0] == 1 + before and recorder.recorded == 2


def test_weights_that_moved_are_looked_for_where_they_are() -> None:
    recorder, moves = StandIn(), [0]
    fast, (x, more) = Replayed(network, recorder, moves=lambda: moves[0]), asked(3)
    for n in range(3):
        for _ in range(AFTER + 2):
            assert torch.equal(fast(x, more=more)[0], network(x, more=more)[0])
        assert recorder.recorded == n + 1
        moves[0] += 1


@pytest.mark.parametrize("fault", ["another number", "error", "memory", "left"])
def test_what_cannot_be_recorded_is_asked_as_ever(fault: str) -> None:
    beside = Beside()

    def leaving(x: torch.Tensor) -> tuple[torch.Tensor]:
        beside.left = {"part": [x * 10]}
        return (x * 2,)

    def recorder(work):
        given = work()
        if fault == "error":
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        if fault == "memory":
            raise torch.OutOfMemoryError("no room")
        out, left = given
        if fault == "left":
            left = {"part": [out[0] * 0 + 1]}
        return (lambda: None), ((out[0] * 1.5,) if fault == "another number" else out, left)

    fast = Replayed(leaving, recorder, lambda: beside)
    for n in range(1, AFTER + 4):
        x = torch.tensor([float(n)])
        assert fast(x)[0] == 2 * n and beside.left["part"][0] == 10 * n
    assert fast.failed and "\n" not in fast.failed and not fast.recordings


def test_nests() -> None:
    value = {"a": [torch.ones(2), (torch.zeros(1), None)], "b": 3}
    doubled = mapped(value, lambda tensor: tensor * 2)
    assert doubled["b"] == 3 and doubled["a"][1][1] is None and torch.equal(doubled["a"][0], torch.full((2,), 2.0))
    assert [len(tensor) for tensor in tensors(value)] == [2, 1]
    assert kind_of(value) == kind_of(doubled) and hash(kind_of(value))
    assert kind_of(value) != kind_of({**value, "b": 4})
    assert kind_of(torch.ones(2, 3)) != kind_of(torch.ones(3, 2).T)
    assert alike((torch.ones(2),), (torch.ones(2) * 1.01,), 0.02) and not alike([torch.ones(2)], [torch.zeros(2)], 0.1)
    assert alike(torch.zeros(2), torch.zeros(2), 0.0) and alike(torch.ones(1), torch.tensor([float("nan")]), 0.1)
    assert not alike(torch.tensor([float("nan")]), torch.ones(1), 0.1)
