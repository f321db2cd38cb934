"""docs/protocol.md is the specification: the code has exactly what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.messages import EVENTS, MAX_BLOB_BYTES, MAX_BYTES, MAX_DEPTH, PROTOCOL, REQUESTS, header
from restrip.client.session import BACK_OFF_S, FEATURES, HELLO_S, MISSES, SILENCE_S, START_S
from restrip.client.status import JobStatus
from restrip.jobs.model.states import TRANSITIONS
from restrip.service import requests
from restrip.service.limits import Limits
from restrip.service.requests import refusals
from restrip.service.scheduler import STAY_WITH_MODEL
from restrip.service.stages import KEYS_AT_ONCE
from restrip.timeline import ClipRange, Key, Rate

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
SPEC = JobSpec("job-1", ClipRange(("/clip.mp4",), Rate.of(25), 75), (Key(0),), "neural:19", output=Output())


def section(title: str) -> str:
    return re.split(r"^## ", TEXT, flags=re.MULTILINE)[
        [part.partition("\n")[0] for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)].index(title)
    ]


def rows(title: str) -> list[str]:
    """The first column of a section's table."""
    return re.findall(r"^\| `(\w+)`", section(title), flags=re.MULTILINE)


def example(title: str) -> dict[str, object]:
    found = re.search(r"```json\n(.*?)```", section(title), flags=re.DOTALL)
    assert found is not None
    body: dict[str, object] = json.loads(found.group(1))
    return body


def test_requests() -> None:
    assert sorted(rows("Requests")) == sorted(REQUESTS)


def test_events() -> None:
    assert rows("Events") == list(EVENTS)


def test_version_and_header() -> None:
    assert f"Version {PROTOCOL}." in TEXT
    assert "{" + ", ".join(header("x").__dataclass_fields__) + "}" in section("Wire")


def test_bounds() -> None:
    assert (MAX_BYTES, MAX_DEPTH, MAX_BLOB_BYTES) == (1 << 20, 32, 64 << 10)
    assert "at most 1 MiB, JSON at most 32 levels, a blob 64 KiB" in section("Wire")


def test_a_job_has_these_fields() -> None:
    written = example("A job")
    made = SPEC.to_json()
    assert set(written) == set(made)
    for name in ("source", "output"):
        assert set(written[name]) == set(made[name])  # type: ignore[call-overload]
    assert set(written["keys"][0]) == set(made["keys"][0])  # type: ignore[index]
    assert JobSpec.from_json(written).to_json() == written


def test_a_manifest_has_these_fields() -> None:
    written = {**example("A manifest"), "source": SPEC.to_json()["source"]}
    assert Manifest.from_json(written).to_json() == written


def test_a_status_has_these_fields() -> None:
    named = set(re.findall(r"`(\w+)`", section("A status")))
    assert set(JobStatus("x").to_json()) <= named


def test_states_and_their_ways() -> None:
    drawn = section("States")
    for (state, event), following in TRANSITIONS.items():
        assert state in drawn and event in drawn and following in drawn


def test_waits() -> None:
    limits = Limits()
    assert (HELLO_S, START_S, SILENCE_S, MISSES, BACK_OFF_S[0], BACK_OFF_S[-1]) == (1, 15, 2, 3, 1, 32)
    assert (limits.load_s, limits.step_s, limits.cancel_s, limits.restarts) == (300, 120, 7, 5)
    assert (limits.worker_idle_s, limits.engine_idle_s, limits.restarts_within_s) == (5 * 60, 30 * 60, 10 * 60)
    assert (limits.beat_s, limits.event_gap_s) == (2, 0.1)
    assert (STAY_WITH_MODEL, KEYS_AT_ONCE) == (4, 8)


def test_features_are_words_that_both_sides_use() -> None:
    assert set(FEATURES) <= set(requests.FEATURES)


def test_the_protocols_own_errors() -> None:
    listed = set(re.findall(r"`([a-z-]+)`", section("Errors of the protocol itself")))
    codes = {cls.code for cls in vars(refusals).values() if isinstance(cls, type) and hasattr(cls, "code")}
    assert codes - listed <= {"bad-input", "error"}
