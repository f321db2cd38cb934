"""The engine against noise: whatever comes, it answers afterwards."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restrip.client.job import JobSpec, Output
from restrip.client.messages import REQUESTS, Message, header
from restrip.errors import RestripError
from restrip.jobs.model.store import Record, Store
from restrip.service.engine import Engine
from restrip.service.executors import LocalExecutor
from restrip.service.limits import Limits
from restrip.service.requests import Dispatcher
from restrip.service.sharing import Share
from restrip.timeline import ClipRange, Key, Rate

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
JOB = JobSpec("job-1", ClipRange(("/c.mp4",), Rate.of(25), 9), (Key(0),), "neural:1", output=Output()).to_json()
GOOD: dict[str, Any] = {
    **JOB,
    **{"protocol": "1.0", "client": "c", "features": [], "etag": "", "paths": ["/c.mp4"], "folder": "/models"},
    **{"frame": 0, "n": 3, "count": 3, "error": None, "states": ["done"], "limit": 5, "skip": 0, "beginning": "j"},
    **{"by": "me", "strips": ["a"], "prune_mib": 1.0, "lines": 5, "if_idle": True, "settings_etag": None},
}
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Door:
    """A server that lets nobody in."""

    share: Share | None = None

    def open_to_guests(self, share: Share | None) -> Share | None:
        return None

    def know_guests(self, share: Share) -> None:
        """Nobody is."""


def engine_over(root: Path) -> Engine:
    """An engine where nobody works."""

    def nobody(worker_id: str, environment: Any = None) -> Any:
        raise AssertionError("no worker is started here")

    return Engine(root, Limits(), lambda *event: None, nobody, LocalExecutor(nobody, 1))


@pytest.fixture
def dispatcher(tmp_path: Path) -> Dispatcher:
    """Requests answered without sockets; nobody works, so that jobs stay queued."""

    return Dispatcher(engine_over(tmp_path), "engine-1", door=Door())


@SETTINGS
@given(st.sampled_from([*REQUESTS, "dance"]), st.dictionaries(st.sampled_from(sorted(GOOD)), anything, max_size=4))
def test_changed_requests_get_an_answer_or_a_named_error(
    dispatcher: Dispatcher, kind: str, change: dict[str, Any]
) -> None:
    answers: list[Any] = []
    body = {**copy.deepcopy(GOOD), **change}
    dispatcher.answer(Message(header(kind, id="1", session="s"), body), answers.append)
    for answer in answers:
        json.dumps(answer, allow_nan=False)
        assert answer["ok"] or (answer["code"] not in ("", "error", "disk", "internal-error") and answer["message"])
    assert len(answers) == 1 or kind in ("looks", "models", "probe", "check", "cache", "discard", "would_discard")
    dispatcher.engine.draining = False
    assert set(dispatcher.engine.records) == {path.name for path in dispatcher.engine.store.root.iterdir()}


@SETTINGS
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")), st.booleans())
def test_whatever_lies_in_a_jobs_folder_the_engine_starts(tmp_path: Path, text: str, in_state: bool) -> None:
    store = Store(tmp_path)
    if not store.folder("job-1").exists():
        store.create(Record("job-1", state="queued"), JOB)
    name = "state.json" if in_state else "job.json"
    before = (store.folder("job-1") / name).read_bytes()
    (store.folder("job-1") / name).write_text(text, "utf-8")
    engine = engine_over(tmp_path)
    engine.load(clean=True)
    assert engine.status("job-1").state in ("failed", "queued")
    (store.folder("job-1") / name).write_bytes(before)
    store.save(Record("job-1", state="queued"))


@SETTINGS
@given(st.recursive(anything, lambda inner: st.dictionaries(st.sampled_from(sorted(Record("x").__dict__)), inner)))
def test_a_state_with_fields_of_other_kinds_is_no_crash(tmp_path: Path, body: Any) -> None:
    store = Store(tmp_path)
    if not store.folder("job-1").exists():
        store.create(Record("job-1"), JOB)
    fields = body if isinstance(body, dict) else {"state": body}
    content = {**Record("job-1").__dict__, **fields, "job_id": "job-1"}
    (store.folder("job-1") / "state.json").write_text(json.dumps(content))
    engine = engine_over(tmp_path)
    engine.load(clean=True)
    json.dumps(engine.status("job-1").to_json())
    try:
        engine.cancel("job-1")
    except RestripError as error:
        assert error.code == "wrong-state"
