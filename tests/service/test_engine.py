"""The engine's mind, with workers that say what the test wants."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from engine_bench import PLAN, Bench, FakeWorker, stopped_clock

from restrip.jobs.model.states import WrongState
from restrip.jobs.model.store import JobConflict, Store, UnknownJob
from restrip.service import engine as engine_module
from restrip.service import stages
from restrip.service import task_lifecycle as outcomes_module
from restrip.service.supervisor import TURN_S
from restrip.service.workers import events as hearing_module
from restrip.service.workers import slot as slot_module
from restrip.service.workers.messages import BadReport


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of slots and engine; a test moves it."""
    return stopped_clock(monkeypatch, slot_module, engine_module, hearing_module, outcomes_module)


def on_disk(bench: Bench, job_id: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((bench.engine.store.folder(job_id) / "state.json").read_text())
    return body


def through(bench: Bench, worker: FakeWorker, *results: dict[str, Any]) -> None:
    """Each task in turn is done with a result."""
    for result in results:
        bench.done(worker, **result)
        bench.engine.tick()


def test_a_job_goes_through_its_stages(bench: Bench) -> None:
    bench.submit("job-1")
    assert bench.state("job-1") == "queued"
    worker = bench.tick()
    assert bench.state("job-1") == on_disk(bench, "job-1")["state"] == "running"
    assert worker.task["kind"] == "prepare"
    through(bench, worker, PLAN)
    assert (worker.task["kind"], worker.task["body"]) == ("keys", {"keys": [0, 1]})
    through(bench, worker, {"rendered": 2})
    assert (worker.task["kind"], worker.task["body"]) == ("part", {"part": 0})
    assert worker.task["following"] == {"part": 2}
    through(bench, worker, {"rendered": 1})
    assert worker.task["body"] == {"part": 2} and "following" not in worker.task
    through(bench, worker, {"rendered": 1})
    assert worker.task["kind"] == "finish"
    assert worker.task["body"] == {"retries": [], "made": {"keys": 2, "segments": 2}}
    assert bench.state("job-1") == "running"
    through(bench, worker, {"manifest": "/m.json"})
    assert bench.state("job-1") == on_disk(bench, "job-1")["state"] == "done"
    assert bench.engine.status("job-1").result == {"manifest": "/m.json"}
    assert bench.engine.idle or len(bench.workers) == 2


def test_what_is_cached_is_not_asked_for(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {"missing_keys": [], "missing_parts": [], "part_frames": [10]})
    assert worker.task["kind"] == "finish"


def test_many_keys_come_in_chunks_so_that_others_get_their_turn(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {"missing_keys": list(range(20)), "missing_parts": [], "part_frames": []})
    sizes = []
    while worker.task["kind"] == "keys":
        sizes.append(len(worker.task["body"]["keys"]))
        through(bench, worker, {"rendered": sizes[-1]})
    assert sizes == [8, 8, 4]


def test_progress_adds_up_over_tasks(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, PLAN, {"rendered": 2})
    bench.say(worker, "progress", phase="motion", done=50, total=100, segment=0)
    status = bench.engine.status("job-1")
    assert (status.phase, status.done, status.total, status.unit, status.segment) == ("motion", 5, 30, "frames", 0)
    through(bench, worker, {"rendered": 1})
    bench.say(worker, "progress", phase="propagating", done=1, total=2, segment=2)
    assert bench.engine.status("job-1").done == 20


def test_events_are_few_and_numbered_without_gaps(bench: Bench, clock: list[float]) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    for n in range(1000):
        clock[0] += 0.001
        bench.say(worker, "progress", phase="reading", done=n, total=1000)
    seqs = [body["seq"] for _, _, body, _ in bench.events]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert 10 <= len(seqs) <= 15


def test_a_preview_is_passed_on_unless_it_is_too_large(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    for blob in (b"jpeg", b"x" * 70_000):
        bench.say(worker, "progress", phase="keys", done=1, total=2, preview=base64.b64encode(blob).decode(), frame=7)
    blobs = [(body.get("frame"), blob) for _, kind, body, blob in bench.events if kind == "progress"]
    assert (7, b"jpeg") in blobs
    assert all(blob is None or len(blob) < 65536 for _, blob in blobs)


def test_an_error_fails_the_job_with_its_words(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.say(worker, "error", error={"code": "media-missing", "message": "gone"})
    status = bench.engine.status("job-1")
    assert status.state == "failed" and status.error == {"code": "media-missing", "message": "gone"}
    bench.engine.resume("job-1", "retry")
    assert bench.state("job-1") == "queued" and bench.engine.status("job-1").error is None
    assert bench.tick().task["kind"] == "prepare"


def test_a_worker_that_dies_gets_one_more_try_with_less_memory(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, PLAN)
    first = worker.task
    bench.dies(worker)
    assert bench.state("job-1") == "running"
    second = bench.tick()
    assert second is not worker
    assert (second.task["kind"], second.task["body"], second.task["attempt"]) == (
        "keys",
        {**first["body"], "memory": 1},
        1,
    )
    through(bench, second, {"rendered": 2}, {"rendered": 1}, {"rendered": 1})
    assert second.task["body"]["retries"] == [{"task": "keys", "keys": [0, 1], "memory": 1, "why": "SIGSEGV"}]
    through(bench, second, {})
    assert bench.state("job-1") == "done"


def test_each_worker_that_ends_lowers_the_memory_plan_of_the_jobs_next_keys(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {**PLAN, "missing_keys": list(range(20))})
    bench.dies(worker)
    second = bench.tick()
    assert (second.task["attempt"], second.task["body"]["memory"]) == (1, 1)
    through(bench, second, {"rendered": 8})
    assert (second.task["attempt"], second.task["body"]["memory"]) == (0, 1)
    bench.dies(second)
    third = bench.tick()
    assert (third.task["attempt"], third.task["body"]["memory"]) == (1, 2)
    through(bench, third, {"rendered": 8})
    assert (third.task["attempt"], third.task["body"]["memory"]) == (0, 2)
    through(bench, third, {"rendered": 4})
    assert third.task["kind"] == "part" and "memory" not in third.task["body"]
    through(bench, third, {"rendered": 1}, {"rendered": 1})
    assert [retry["memory"] for retry in third.task["body"]["retries"]] == [1, 2]


def test_a_last_task_that_is_tried_again_says_so(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {"missing_keys": [], "missing_parts": [], "part_frames": []})
    bench.say(worker, "crash", what="ValueError: x")
    bench.dies(worker)
    again = bench.tick()
    assert json.loads(json.dumps(again.task["body"]))["retries"] == [{"task": "finish", "why": "ValueError: x"}]
    bench.say(again, "crash", what="ValueError: x")
    bench.dies(again)
    assert "ValueError: x" in str(bench.engine.status("job-1").error)


def test_a_task_that_ends_two_workers_is_set_aside_and_others_go_on(bench: Bench) -> None:
    bench.submit("job-1", session="a")
    bench.submit("job-2", session="b")
    for _ in range(2):
        worker = bench.tick()
        while worker.task["job"].endswith("job-2"):
            planned = worker.task["kind"] == "prepare"
            through(bench, worker, {**PLAN, "missing_parts": [0] * 9} if planned else {"rendered": 1})
        bench.dies(worker)
    status = bench.engine.status("job-1")
    assert status.state == "failed" and status.error is not None and status.error["code"] == "quarantined"
    assert "SIGSEGV" in status.error["message"] and "2 workers" in status.error["message"]
    assert bench.state("job-2") in ("queued", "running")
    assert bench.tick().task["job"].endswith("job-2")


def test_many_that_are_poisoned_stop_nobody_else(bench: Bench) -> None:
    for n in range(12):
        bench.submit(f"bad-{n}", session="bad")
    bench.submit("good", session="bad")
    for _ in range(24):
        bench.dies(bench.tick())
    assert {bench.state(f"bad-{n}") for n in range(12)} == {"failed"}
    assert bench.state("good") == "queued" and bench.tick().task["job"].endswith("good")


def test_a_job_that_ends_a_worker_at_each_of_its_tasks_is_set_aside_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, restarts=3)
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {"missing_keys": [], "missing_parts": list(range(9)), "part_frames": [1] * 9})
    done = 0
    while bench.state("job-1") == "running":
        bench.dies(worker)
        if bench.state("job-1") == "running":
            worker = bench.tick()
            through(bench, worker, {"rendered": 1})
            done += 1
    error = bench.engine.status("job-1").error
    assert done == 3 and error is not None and error["code"] == "quarantined" and "4 workers" in error["message"]


def test_where_no_worker_can_start_the_queue_is_held(bench: Bench) -> None:
    for n in range(3):
        bench.submit(f"job-{n}")
    for _ in range(3):
        worker = bench.tick()
        worker.last_words = "ModuleNotFoundError: No module named 'restrip.jobs'"
        bench.dies(worker, 1, started=False)
        assert worker.task["attempt"] == 0  # The task isn't to blame.
    error = bench.engine.status("job-0").error
    assert [bench.state(f"job-{n}") for n in range(3)] == ["failed", "paused", "paused"]
    assert error is not None and error["code"] == "worker-died" and error["detail"]["cause"] == "import"
    assert "No module named" in error["message"] and "Install Restrip again" in error["remedy"]
    assert "restrip doctor" in bench.engine.status("job-2").note
    bench.engine.resume("job-2", "resume")
    bench.engine.hearing.heard(bench.tick().worker_id, {"t": "ready"})
    assert bench.state("job-2") == "running"


def test_memory_that_ran_out_in_python_is_tried_again_with_less(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, PLAN)
    for memory in (1, None):
        bench.say(worker, "error", error={"code": "out-of-memory", "message": "No."})
        bench.tick()
        assert worker.task["body"].get("memory") == 1 and worker.ends == []
        assert bench.state("job-1") == ("running" if memory else "failed")


def test_a_hung_worker_is_ended_and_then_killed(bench: Bench, clock: list[float]) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.engine.hearing.heard(worker.worker_id, {"t": "ready"})
    clock[0] += 119
    bench.say(worker, "progress", phase="reading", done=1, total=2)
    clock[0] += 119
    bench.tick()
    assert worker.ends == []
    clock[0] += 2
    bench.tick()
    assert worker.ends == ["terminate"]
    clock[0] += 3
    bench.tick()
    assert worker.ends == ["terminate", "kill"]
    bench.dies(worker)
    assert bench.tick().task["attempt"] == 1


def test_a_worker_that_no_signal_ends_is_given_up(bench: Bench, clock: list[float]) -> None:
    """As one that waits for a drive that went away."""
    told: list[Mapping[str, Any]] = []
    for n in range(2):
        bench.engine.questions.ask("probe", {"n": n}, told.append)
    bench.engine.tick()
    stuck = bench.workers[-1]
    bench.engine.hearing.heard(stuck.worker_id, {"t": "ready"})
    for wait in (121.0, 3.0, 11.0):
        clock[0] += wait
        bench.engine.tick()
    assert stuck.ends[:2] == ["terminate", "kill"]
    bench.engine.tick()
    other = bench.workers[-1]
    assert other is not stuck and other.task["attempt"] == 1
    # Should it go after all, nobody takes that for the new one's end.
    bench.dies(stuck)
    bench.say(other, "result", result={"info": {}})
    bench.engine.tick()
    assert told == [{"ok": True, "info": {}}] and other.task["body"] == {"n": 1}


def test_loading_a_model_may_take_longer(bench: Bench, clock: list[float]) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.engine.hearing.heard(worker.worker_id, {"t": "ready"})
    bench.say(worker, "progress", phase="loading", done=0, total=1)
    clock[0] += 290
    bench.tick()
    assert worker.ends == []
    clock[0] += 20
    bench.tick()
    assert worker.ends == ["terminate"]


def test_an_idle_worker_is_sent_home(bench: Bench, clock: list[float]) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.say(worker, "error", error={"code": "x"})
    clock[0] += 299
    bench.tick()
    assert worker.ends == []
    clock[0] += 2
    bench.tick()
    assert worker.ends == ["leave"]
    # While it leaves nothing is given to it; when it is gone the next one starts.
    bench.submit("job-2")
    bench.tick()
    assert len(bench.workers) == 1
    bench.dies(worker)
    assert bench.tick() is not worker


def test_cancel_of_a_waiting_job_is_over_at_once(bench: Bench) -> None:
    bench.submit("job-1")
    assert bench.engine.cancel("job-1").state == "cancelled"
    assert not bench.engine.scheduler.runs
    bench.engine.resume("job-1", "resume")
    assert bench.state("job-1") == "queued"


def test_cancel_of_a_running_job_takes_effect_at_its_next_step(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    assert bench.engine.cancel("job-1").state == "cancel_requested"
    assert worker.sent[-1] == {"t": "cancel", "id": worker.task["id"]}
    assert bench.engine.cancel("job-1").state == "cancel_requested"
    bench.say(worker, "error", error={"code": "cancelled"})
    assert bench.state("job-1") == "cancelled"
    assert worker.ends == []


def test_cancel_between_two_tasks_is_over_at_once(bench: Bench) -> None:
    bench.submit("job-1", session="a")
    bench.submit("job-2", session="b")
    worker = bench.tick()
    bench.done(worker, **PLAN)
    running = "job-1" if bench.state("job-1") == "running" else "job-2"
    assert bench.engine.cancel(running).state == "cancelled"


def test_a_cancel_without_effect_ends_the_worker(bench: Bench, clock: list[float]) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.engine.cancel("job-1")
    asked = clock[0]
    clock[0] += 6.5
    bench.say(worker, "progress", phase="loading", done=0, total=1)
    bench.tick()
    assert worker.ends == []
    while worker.ends != ["terminate", "kill"]:
        clock[0] += TURN_S
        bench.tick()
    assert clock[0] - asked < 10
    bench.dies(worker)
    assert bench.state("job-1") == "cancelled"


def test_a_job_whose_last_task_was_over_is_done_and_not_cancelled(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    through(bench, worker, {"missing_keys": [], "missing_parts": [], "part_frames": []})
    bench.engine.cancel("job-1")
    bench.done(worker, manifest="m")
    assert bench.state("job-1") == "done"


def test_an_id_is_used_once_and_an_unknown_one_is_never_done(bench: Bench) -> None:
    bench.submit("job-1")
    with pytest.raises(JobConflict):
        bench.submit("job-1")
    assert bench.state("job-2") == "unknown"
    with pytest.raises(UnknownJob):
        bench.engine.cancel("job-2")
    with pytest.raises(WrongState):
        bench.engine.resume("job-1", "retry")


def test_after_a_clean_end_the_queue_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.submit("job-1")
    bench.submit("job-2")
    worker = bench.tick()
    bench.engine.stop()
    assert "kill" in worker.ends
    again = Bench(tmp_path)
    again.engine.load(clean=True)
    assert [again.state(f"job-{n}") for n in (1, 2)] == ["interrupted", "queued"]
    assert again.tick().task["job"].endswith("job-2")


def test_after_a_crash_it_waits_for_a_click(bench: Bench, tmp_path: Path) -> None:
    bench.submit("job-1")
    bench.submit("job-2")
    bench.tick()
    again = Bench(tmp_path)
    again.engine.load(clean=False)
    assert [again.state(f"job-{n}") for n in (1, 2)] == ["interrupted", "paused"]
    again.engine.tick()
    assert again.workers == []
    again.engine.resume("job-1", "resume")
    assert again.tick().task["job"].endswith("job-1")
    assert again.engine.record("job-1").crashes == 1


def test_draining_finishes_what_runs_and_begins_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.submit("job-1", session="a")
    bench.submit("job-2", session="b")
    worker = bench.tick()
    bench.engine.drain()
    assert not bench.engine.idle
    through(bench, worker, {"missing_keys": [], "missing_parts": [], "part_frames": []})
    assert worker.task["kind"] == "finish"
    bench.done(worker)
    assert bench.state("job-1") == "done"
    assert not bench.engine.scheduler.runs
    again = Bench(tmp_path)
    again.engine.load(clean=True)
    assert again.state("job-2") == "queued"


def test_small_questions_are_answered_beside_a_render(bench: Bench) -> None:
    bench.submit("job-1")
    answers: list[Any] = []
    bench.engine.questions.ask("probe", {"paths": ["/x"]}, answers.append)
    bench.engine.tick()
    light = next(worker for worker in bench.workers if worker.worker_id.startswith("light"))
    bench.done(light, info={"frames": 3})
    assert answers == [{"ok": True, "info": {"frames": 3}}]
    bench.engine.questions.ask("probe", {"paths": ["/x"]}, answers.append)
    bench.engine.tick()
    bench.say(light, "error", error={"code": "media-missing", "message": "m"})
    assert answers[1] == {"ok": False, "code": "media-missing", "message": "m"}


def test_a_question_is_asked_twice_at_most(bench: Bench) -> None:
    answers: list[Any] = []
    bench.engine.questions.ask("probe", {}, answers.append)
    for _ in range(2):
        bench.engine.tick()
        bench.dies(bench.workers[-1])
    assert [answer["code"] for answer in answers] == ["worker-died"]


def test_a_full_disk_doesnt_end_the_engine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("job-1")
    worker = bench.tick()

    def full(self: Store, record: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "save", full)
    bench.say(worker, "error", error={"code": "disk-full", "message": "m"})
    assert bench.state("job-1") == "failed"


@pytest.mark.parametrize(
    "said",
    [
        {"t": "result", "result": {}},
        {"t": "result", "result": {**PLAN, "missing_parts": [9]}},
        {"t": "result"},
        {"t": "progress", "phase": "keys", "done": "all"},
        {"t": "error", "error": "it broke"},
        {"t": "dance"},
    ],
    ids=lambda said: json.dumps(said)[:40],
)
def test_what_no_worker_says_costs_its_task_and_nothing_else(bench: Bench, said: dict[str, Any]) -> None:
    bench.submit("job-1", session="a")
    bench.submit("job-2", session="b")
    worker = bench.tick()
    bench.engine.hearing.heard(worker.worker_id, {"id": worker.task["id"], **said})
    status = bench.engine.status("job-1")
    assert status.state == on_disk(bench, "job-1")["state"] == "failed"
    assert status.error is not None and status.error["code"] == "worker-fault" and status.error["detail"]["why"]
    assert worker.ends == ["kill"]
    assert bench.tick() is worker, "nothing is given to it while it ends"
    bench.dies(worker)
    second = bench.tick()
    assert second.task["job"].endswith("job-2")
    through(bench, second, {"missing_keys": [], "missing_parts": [], "part_frames": []}, {"manifest": "m"})
    assert bench.state("job-2") == "done"


def test_a_line_that_is_no_message_costs_its_task(bench: Bench) -> None:
    bench.submit("job-1")
    worker = bench.tick()
    bench.engine.hearing.garbled(worker.worker_id, BadReport("a message that is no JSON"))
    assert bench.state("job-1") == "failed" and worker.ends == ["kill"]
    bench.engine.hearing.garbled("nobody", BadReport("x"))


def test_a_question_that_makes_its_worker_talk_nonsense_is_answered(bench: Bench) -> None:
    answers: list[Any] = []
    bench.engine.questions.ask("probe", {}, answers.append)
    bench.engine.tick()
    bench.engine.hearing.heard(
        bench.workers[-1].worker_id, {"t": "result", "id": bench.workers[-1].task["id"], "result": 3}
    )
    assert [answer["code"] for answer in answers] == ["worker-fault"]


@pytest.mark.parametrize(
    "fault", [KeyError("x"), ValueError("x"), RecursionError(), ZeroDivisionError(), OverflowError()]
)
def test_a_mistake_of_the_engines_own_costs_one_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    bench.submit("job-1")
    worker = bench.tick()

    def wrong(*args: object) -> bool:
        raise fault

    monkeypatch.setattr(stages, "next_stage", wrong)
    bench.done(worker, **PLAN)
    assert bench.state("job-1") == "failed" and not bench.engine.scheduler.runs
    monkeypatch.undo()
    bench.dies(worker)
    bench.engine.resume("job-1", "retry")
    assert bench.tick().task["kind"] == "prepare"


def test_a_worker_that_cant_be_started_fails_the_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(place: object, worker_id: str) -> FakeWorker:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    bench.submit("job-1")
    monkeypatch.setattr(bench.engine.pool.executor, "start", start)
    bench.engine.tick()
    status = bench.engine.status("job-1")
    assert status.state == "failed" and status.error is not None and status.error["code"] == "cannot-start-worker"
    monkeypatch.undo()
    bench.engine.resume("job-1", "retry")
    assert bench.tick().task["kind"] == "prepare"


def test_an_interactive_job_has_one_stage(bench: Bench) -> None:
    bench.submit("job-1", kind="seeds")
    worker = bench.tick()
    assert worker.task["kind"] == "seeds"
    bench.done(worker, sheet="s.png", pictures=[])
    status = bench.engine.status("job-1")
    assert status.state == "done" and status.result == {"sheet": "s.png", "pictures": []}


@pytest.mark.parametrize(("session", "kind"), [("s", "render"), ("t", "render"), ("s", "seeds")])
def test_a_worker_is_told_of_the_next_segment_where_nobody_elses_turn_comes(
    bench: Bench, session: str, kind: str
) -> None:
    bench.submit("job-1")
    through(bench, bench.tick(), PLAN, {"rendered": 2})
    (task,) = bench.engine.scheduler.runs["job-1"].working.values()
    assert bench.engine._following(task) == {"part": 2}
    bench.submit("job-2", session=session, kind=kind)
    assert (bench.engine._following(task) is not None) == (session == "s" and kind == "render")
