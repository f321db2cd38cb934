"""The order in which the driver is asked, with stand-ins for what torch has of CUDA; pictures are compared on a GPU."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from restrip.cuda_graph import GraphRecorder  # noqa: E402


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What torch.cuda was asked for, in order."""
    log: list[str] = []

    class Stream:
        def __init__(self, name: str = "own") -> None:
            self.name = name

        def wait_stream(self, other: Stream) -> None:
            log.append(f"{self.name} waits for {other.name}")

    class Graph:
        def capture_begin(self, pool: str, capture_error_mode: str) -> None:
            log.append(f"begin {pool} {capture_error_mode}")

        def capture_end(self) -> None:
            log.append("end")
            if "broken" in log:
                raise RuntimeError("the recording was invalidated")

        def replay(self) -> None:
            log.append("replay")

    @contextmanager
    def stream(on: Stream):
        log.append(f"on {on.name}")
        yield
        log.append(f"off {on.name}")

    pools = iter(("pool", "another"))
    stand_in = SimpleNamespace(
        CUDAGraph=Graph,
        Stream=Stream,
        stream=stream,
        current_stream=lambda: Stream("here"),
        graph_pool_handle=lambda: next(pools),
        synchronize=lambda: log.append("synchronize"),
        empty_cache=lambda: log.append("empty"),
    )
    monkeypatch.setattr(torch, "cuda", stand_in)
    return log


def test_work_is_recorded_on_a_stream_of_its_own(asked: list[str]) -> None:
    record = GraphRecorder()
    made = {"a": torch.ones(2)}
    replay, given = record(lambda: asked.append("work") or made)
    first = ["own waits for here", "on own", "begin pool thread_local", "work", "end", "off own", "here waits for own"]
    assert given is made and asked == first
    replay()
    record(lambda: asked.append("work"))  # shares the memory of the first
    assert asked == [*first, "replay", *first]


def test_a_large_recording_has_room_made_first(asked: list[str]) -> None:
    GraphRecorder(make_room=True)(list)
    assert asked[:3] == ["synchronize", "empty", "own waits for here"]


@pytest.mark.parametrize("broken", [False, True])
def test_what_fails_ends_the_recording_and_tells_the_first_reason(asked: list[str], broken: bool) -> None:
    def failing() -> None:
        asked.extend(["broken"] * broken)
        raise RuntimeError("asks for a value")

    with pytest.raises(RuntimeError, match="asks for a value"):
        GraphRecorder()(failing)
    assert asked[-1] == "end" and asked.count("end") == 1
