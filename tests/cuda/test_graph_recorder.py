"""The order in which the driver is asked, with stand-ins for what torch has of CUDA; pictures are compared on a GPU.

Each user's order is one that has recorded on a GPU.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest

torch = pytest.importorskip("torch")

from restrip.cuda.graph_recorder import GraphRecorder  # noqa: E402


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What torch.cuda was asked for, in order."""
    log: list[str] = []

    class Stream:
        name = "own"

        def wait_stream(self, other: Stream) -> None:
            log.append(f"{self.name} waits for {other.name}")

    class Here(Stream):
        name = "here"

    class Graph:
        def capture_begin(self, pool: str, capture_error_mode: str, **more: object) -> None:
            assert not any(more.values())
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
    stand_ins = {
        "CUDAGraph": Graph,
        "Stream": Stream,
        "stream": stream,
        "current_stream": Here,
        "graph_pool_handle": lambda: next(pools),
        "synchronize": lambda: log.append("synchronize"),
        "empty_cache": lambda: log.append("empty"),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch.cuda.graph, "default_capture_stream", None)
    monkeypatch.setattr(torch._C, "_host_emptyCache", lambda: None, raising=False)
    return log


FOLLOWING = ["own waits for here", "on own", "begin pool thread_local", "work", "end", "off own", "here waits for own"]
WITH_ROOM = ["synchronize", "empty", "on own", "begin pool thread_local", "work", "end", "off own"]


@pytest.mark.parametrize(("make_room", "order"), [(False, FOLLOWING), (True, WITH_ROOM)])
def test_work_is_recorded_on_a_stream_of_its_own(asked: list[str], make_room: bool, order: list[str]) -> None:
    record = GraphRecorder(make_room)
    made = {"a": torch.ones(2)}
    replay, given = record(lambda: asked.append("work") or made)
    assert given is made and asked == order
    replay()
    record(lambda: asked.append("work"))  # shares the memory of the first
    assert asked == [*order, "replay", *order]


@pytest.mark.parametrize("broken", [False, True])
def test_what_fails_ends_the_recording_and_tells_the_first_reason(asked: list[str], broken: bool) -> None:
    def failing() -> None:
        asked.extend(["broken"] * broken)
        raise RuntimeError("asks for a value")

    with pytest.raises(RuntimeError, match="asks for a value"):
        GraphRecorder()(failing)
    assert asked[-1] == "end" and asked.count("end") == 1
