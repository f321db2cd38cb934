"""A segment begun before its task: taken over by it, or dropped, and never a file of it before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from job_bench import FRAMES, Hand, Little

from restrip.errors import Cancelled, RestripError
from restrip.jobs.tasks import segment_ahead, segments
from restrip.jobs.tasks.registry import Assignment, Progressed
from restrip.jobs.tasks.segment_ahead import SegmentAhead
from restrip.storage.json_files import file_sha256

JOB = Path("job")


class Work:
    """A segment that goes on until it is told to end, reporting all the time."""

    def __init__(self) -> None:
        self.begun, self.end, self.cached = Event(), Event(), False

    def __call__(self, report: Progressed, before_cached: Callable[[], None]) -> dict[str, Any]:
        self.begun.set()
        while not self.end.wait(0.001):
            report("propagating", 1, 2)
        before_cached()
        self.cached = True
        return {"rendered": 1}


def silent(phase: str, done: int, total: int, **more: Any) -> None:
    """Nobody hears it."""


def test_its_task_takes_it_over_and_hears_of_it() -> None:
    work, heard, told = Work(), Event(), []

    def report(*said: Any, **more: Any) -> None:
        told.append(said)
        heard.set()
        work.end.set()

    ahead = SegmentAhead(JOB, 1, work)
    assert work.begun.wait(10) and not told
    assert ahead.taken(report) == {"rendered": 1} and work.cached
    assert told[0] == ("propagating", 1, 2)


def test_it_is_not_cached_before_its_task() -> None:
    work = Work()
    work.end.set()
    ahead = SegmentAhead(JOB, 1, work)
    assert work.begun.wait(10) and not work.cached
    ahead.drop()
    assert not work.cached and ahead.taken(silent) is None


@pytest.mark.parametrize("ended", [True, False])
def test_it_is_given_up_when_no_task_comes(monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    monkeypatch.setattr(segment_ahead, "ALONE_S", 0.0)
    work = Work()
    if ended:
        work.end.set()
    ahead = SegmentAhead(JOB, 1, work)
    ahead.left()
    ahead._thread.shutdown()
    assert ahead.taken(silent) is None and not work.cached


def test_what_it_raises_is_its_tasks_and_so_is_a_cancel() -> None:
    def broken(report: Progressed, before_cached: Callable[[], None]) -> dict[str, Any]:
        raise RestripError("It broke.", "Mend it.")

    with pytest.raises(RestripError, match="It broke"):
        SegmentAhead(JOB, 1, broken).taken(silent)

    def cancelled(*said: Any, **more: Any) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        SegmentAhead(JOB, 1, Work()).taken(cancelled)


@pytest.mark.parametrize(
    ("message", "own"),
    [
        ({"kind": "part", "job": "job", "body": {"part": 1}}, True),
        ({"kind": "part", "job": "job", "body": {"part": 1}, "attempt": 1}, False),
        ({"kind": "part", "job": "job", "body": {"part": 2}}, False),
        ({"kind": "part", "job": "other", "body": {"part": 1}}, False),
        ({"kind": "prepare", "job": "job", "body": {}}, False),
        ({"kind": "probe", "job": "", "body": {"part": 1}}, False),
    ],
)
def test_which_task_is_its_own(message: dict[str, Any], own: bool) -> None:
    work = Work()
    work.end.set()
    ahead = SegmentAhead(JOB, 1, work)
    assert ahead.is_for(message) == own
    ahead.drop()


@pytest.fixture
def job(hand: Hand, little: Little, monkeypatch: pytest.MonkeyPatch) -> Hand:
    """A job whose keys are made; kernels may be started from several threads."""
    monkeypatch.setattr("restrip.propagate.cpu.pipeline.several", lambda: True)
    hand.put(little.job("job-1", 0, 8, 16, FRAMES - 1, settings={"strokes": "crisp"}))
    found = hand.task("prepare", "job-1")
    hand.task("keys", "job-1", keys=found["missing_keys"])
    return hand


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path / "state")


def movies(hand: Hand) -> set[str]:
    return {file_sha256(path) for path in (hand.state / "cache" / "segments").rglob("*.mp4")}


def test_segments_one_beside_the_other_are_the_same_files(job: Hand, little: Little, tmp_path: Path) -> None:
    begun: list[int] = []
    made = segments.SegmentAhead

    def counted(of: Path | None, part: int, render: Any) -> SegmentAhead:
        begun.append(part)
        return made(of, part, render)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SegmentAhead", counted)
        for part in range(3):
            following = {"part": part + 1} if part < 2 else None
            assert job.task("part", "job-1", following=following, part=part) == {"rendered": 1}
            assert len(movies(job)) == part + 1
    assert begun[0] == 1 and job.shop.ahead is None
    alone = Hand(tmp_path / "alone")
    alone.run(little.job("job-1", 0, 8, 16, FRAMES - 1, settings={"strokes": "crisp"}))
    assert movies(job) < movies(alone)


def test_another_task_drops_it_and_a_failing_one_too(job: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    job.task("part", "job-1", following={"part": 1}, part=0)
    assert job.shop.ahead is not None
    job.task("part", "job-1", part=2)
    assert job.shop.ahead is None and len(movies(job)) == 2
    assert not list((job.state / "cache" / "incoming").iterdir())
    assert job.task("part", "job-1", part=1) == {"rendered": 1}

    with pytest.raises(Cancelled):
        last = segments._Rendering._put

        def stopped(self: Any, n: int, *more: Any) -> None:
            last(self, n, *more)
            if n == FRAMES - 1 and self.index == 3:
                raise Cancelled

        monkeypatch.setattr(segments._Rendering, "_put", stopped)
        job.task("part", "job-1", following={"part": 0}, part=3)
    assert job.shop.ahead is None


@pytest.mark.parametrize("why", ["large", "again", "one thread"])
def test_where_it_is_of_no_use_nothing_is_begun(job: Hand, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    if why == "large":
        monkeypatch.setattr(segments, "PIXELS", 64 * 48 - 1)
    if why == "one thread":
        monkeypatch.setattr("restrip.propagate.cpu.pipeline.several", lambda: False)
    job.task("part", "job-1", attempt=int(why == "again"), following={"part": 1}, part=0)
    assert job.shop.ahead is None


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_gpu_carries_one_segment_at_a_time(job: Hand, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(segments, "_device_here", lambda *of: device)
    asked: dict[str, Any] = {"part": 0}
    task = Assignment(job.shop, job.folder("job-1"), job.state, asked, silent, following={"part": 1})
    assert (segments._with_next(task) is task) == (device == "cuda")
