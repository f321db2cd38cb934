"""Whose turn it is."""

from __future__ import annotations

from itertools import pairwise

from restrip.service.scheduler import STAY_WITH_MODEL, Run, Scheduler, WorkerTask
from restrip.service.workers.spec import WorkerSpec


def run(job: str, session: str, count: int, model: str = "", interactive: bool = False, **more: int) -> Run:
    made = Run(job, session, created=float(more.pop("created", 0)), interactive=interactive, **more)
    made.begin("stage", [WorkerTask(f"{job}{n}", "part", job, model=model) for n in range(count)])
    return made


def order(scheduler: Scheduler, loaded: str = "") -> list[str]:
    """The ids of tasks as one worker gets them, each done before the next is given."""
    given = []
    while (task := scheduler.next(loaded)) is not None:
        given.append(task.task_id)
        loaded = task.model or loaded
        if scheduler.runs[task.job_id].finish(task):
            scheduler.drop(task.job_id)
    return given


def test_nothing_waits() -> None:
    assert Scheduler().next() is None


def test_sessions_alternate_by_segment() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 3))
    scheduler.add(run("b", "B", 5))
    assert order(scheduler) == ["a0", "b0", "a1", "b1", "a2", "b2", "b3", "b4"]


def test_three_sessions_get_the_same() -> None:
    scheduler = Scheduler()
    for job in "abc":
        scheduler.add(run(job, job.upper(), 4))
    given = order(scheduler)
    assert [sorted(task[0] for task in given[n : n + 3]) for n in range(0, 12, 3)] == [["a", "b", "c"]] * 4


def test_within_a_session_jobs_go_by_priority_then_age() -> None:
    scheduler = Scheduler()
    scheduler.add(run("new", "A", 1, created=2))
    scheduler.add(run("old", "A", 1, created=1))
    scheduler.add(run("urgent", "A", 1, created=3, priority=5))
    assert order(scheduler) == ["urgent0", "old0", "new0"]


def test_a_session_that_comes_new_is_owed_nothing() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 10))
    for _ in range(6):
        task = scheduler.next()
        assert task is not None
        scheduler.runs["a"].finish(task)
    scheduler.add(run("b", "B", 6))
    assert order(scheduler)[:6] in (["a6", "b0", "a7", "b1", "a8", "b2"], ["b0", "a6", "b1", "a7", "b2", "a8"])


def test_interactive_tasks_go_first() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 3))
    scheduler.add(run("seeds", "B", 2, interactive=True))
    assert order(scheduler) == ["seeds0", "seeds1", "a0", "a1", "a2"]


def test_also_those_of_a_session_that_renders() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 2))
    scheduler.add(run("seeds", "A", 1, interactive=True))
    assert order(scheduler) == ["seeds0", "a0", "a1"]


def test_a_loaded_model_is_kept_for_a_while_and_no_longer() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 20, model="x"))
    scheduler.add(run("b", "B", 20, model="y"))
    given = [task[0] for task in order(scheduler)]
    longest, present = 0, 0
    for before, after in pairwise(given):
        present = present + 1 if before == after else 0
        longest = max(longest, present)
    # One turn of its own and STAY_WITH_MODEL out of turn, as long as the other session waits.
    assert longest <= STAY_WITH_MODEL + 1
    switches = sum(a != b for a, b in pairwise(given))
    assert 4 <= switches <= 12


def test_tasks_without_a_model_fit_any() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 3, model="x"))
    scheduler.add(run("b", "B", 3))
    assert order(scheduler, loaded="x") == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_task_that_is_put_back_is_the_next() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 2))
    task = scheduler.next()
    assert task is not None
    scheduler.runs["a"].put_back(task, WorkerTask("again", "part", "a"))
    assert order(scheduler) == ["again", "a1"]


def test_a_stage_ends_with_its_last_task() -> None:
    one = run("a", "A", 2)
    first, second = one.take(), one.take()
    assert one.finish(second) is False
    assert one.finish(first) is True
    assert (one.done_units, one.total_units) == (2, 2)


def test_a_place_gets_what_may_be_done_there() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 2))
    assert scheduler.next(place=WorkerSpec("models", frozenset({"keys"}))) is None
    task = scheduler.next(place=WorkerSpec("any"))
    assert task is not None and task.kind == "part"


def test_models_that_are_loaded_in_two_places_stay_there() -> None:
    scheduler = Scheduler()
    scheduler.add(run("a", "A", 20, model="x"))
    scheduler.add(run("b", "B", 20, model="y"))
    given: dict[str, list[str]] = {"x": [], "y": []}
    for _ in range(15):
        for loaded, beside in (("x", "y"), ("y", "x")):
            task = scheduler.next(loaded, WorkerSpec(f"gpu-{loaded}"), {beside})
            assert task is not None
            given[loaded].append(task.model)
    assert given == {"x": ["x"] * 15, "y": ["y"] * 15}
