"""The one table of a job's states."""

from __future__ import annotations

import pytest

from restrip.jobs.model.states import ACTIVE, AT_WORK, STATES, TRANSITIONS, WrongState, after


def test_the_table_names_no_state_that_isnt_one() -> None:
    assert {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values()) == set(STATES)
    assert set(AT_WORK) < set(ACTIVE) < set(STATES)


def test_every_state_but_done_can_be_left_and_all_can_be_reached() -> None:
    assert set(STATES) - {state for state, _ in TRANSITIONS} == {"done"}
    assert set(STATES) - set(TRANSITIONS.values()) == set()


@pytest.mark.parametrize(
    ("state", "event", "following"),
    [
        ("queued", "start", "running"),
        ("running", "cancel", "cancel_requested"),
        ("cancel_requested", "cancelled", "cancelled"),
        ("running", "stop", "interrupted"),
        ("interrupted", "resume", "queued"),
        ("failed", "retry", "queued"),
        ("cancel_requested", "cancel", "cancel_requested"),
    ],
)
def test_ways(state: str, event: str, following: str) -> None:
    assert after("job", state, event) == following


@pytest.mark.parametrize(
    ("state", "event"), [("done", "resume"), ("done", "cancel"), ("running", "retry"), ("queued", "finish")]
)
def test_no_ways(state: str, event: str) -> None:
    with pytest.raises(WrongState) as caught:
        after("job-1", state, event)
    assert caught.value.detail == {"job_id": "job-1", "state": state}
