"""Jobs on disk survive what may happen to them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from restrip.client.ids import BadJobId
from restrip.jobs.model.store import JobConflict, JobLost, Record, Store, after_restart


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_job_is_read_back(store: Store) -> None:
    record = Record("job-1", project="p", created=3.0, placed=("a", "b"))
    store.create(record, {"job_id": "job-1", "x": [1]})
    assert list(store.load()) == [record]
    assert store.job("job-1") == {"job_id": "job-1", "x": [1]}


def test_an_id_is_used_once(store: Store) -> None:
    store.create(Record("job-1"), {"x": 1})
    with pytest.raises(JobConflict):
        store.create(Record("job-1"), {"x": 2})
    assert store.job("job-1") == {"x": 1}


def test_state_is_replaced_and_nothing_left_over(store: Store) -> None:
    store.create(Record("job-1"), {})
    for seq in range(5):
        store.save(Record("job-1", state="running", seq=seq))
    assert [(r.state, r.seq) for r in store.load()] == [("running", 4)]
    assert sorted(path.name for path in store.folder("job-1").iterdir()) == ["job.json", "state.json"]


@pytest.mark.parametrize("name", [".aside-1234", ".1f2e3d4c5b6a-4711-a1b2c3d4e5f6.part"])
def test_half_a_job_is_no_job(store: Store, name: str) -> None:
    half = store.root / name
    half.mkdir()
    (half / "job.json").write_text("{")
    assert list(store.load()) == []
    assert not half.exists()


DAMAGED = (
    *("", "{", "[]", '{"state": "done"}', '{"job_id": "other", "state": "done"}'),
    *(f'{{"job_id": "job-1", {more}}}' for more in ('"state": "weird"', '"created": "x"', '"error": 1')),
)


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_state_is_a_failed_job_and_never_a_done_one(store: Store, text: str) -> None:
    store.create(Record("job-1"), {})
    (store.folder("job-1") / "state.json").write_text(text)
    (found,) = store.load()
    assert (found.job_id, found.state) == ("job-1", "failed")
    assert found.error is not None and found.error["code"] == "job-lost"


def test_a_missing_job_file_is_named(store: Store) -> None:
    store.create(Record("job-1"), {})
    (store.folder("job-1") / "job.json").unlink()
    with pytest.raises(JobLost):
        store.job("job-1")


def test_strange_folders_are_left_alone(store: Store) -> None:
    (store.root / "not a job").mkdir()
    (store.root / "a-file").write_text("x")
    assert list(store.load()) == []
    assert (store.root / "not a job").is_dir()


def test_paths_cant_leave(store: Store) -> None:
    with pytest.raises(BadJobId):
        store.folder("../run")


def test_remove(store: Store) -> None:
    store.create(Record("job-1"), {})
    store.remove("job-1")
    assert list(store.root.iterdir()) == []


def test_fields_of_a_later_version_are_ignored(store: Store) -> None:
    store.create(Record("job-1"), {})
    path = store.folder("job-1") / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": 1}))
    assert [record.job_id for record in store.load()] == ["job-1"]


@pytest.mark.parametrize(
    ("state", "clean", "crashed"),
    [
        ("queued", "queued", "paused"),
        ("running", "interrupted", "interrupted"),
        ("cancel_requested", "cancelled", "cancelled"),
        ("paused", "paused", "paused"),
        ("done", "done", "done"),
        ("failed", "failed", "failed"),
        ("cancelled", "cancelled", "cancelled"),
        ("interrupted", "interrupted", "interrupted"),
    ],
)
def test_what_the_next_engine_makes_of_it(state: str, clean: str, crashed: str) -> None:
    record = Record("job-1", state=state)
    assert after_restart(record, clean=True).state == clean
    after_crash = after_restart(record, clean=False)
    assert after_crash.state == crashed
    assert after_crash.crashes == (state in ("running", "cancel_requested"))
    if crashed != state:
        assert after_crash.seq > record.seq and "crashed" in after_crash.note
    else:
        assert replace(after_crash) == record
