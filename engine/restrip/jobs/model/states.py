"""The states of a job and every way from one to another.

queued ── start ──► running ── finish ──► done
  ▲  │                │ │ └─── fail ────► failed ── retry ──► queued
  │  │ hold           │ └──── stop ─────► interrupted
  │  ▼                │ cancel
  │ paused            ▼
  │              cancel_requested ── cancelled ──► cancelled
  └──────── resume ── paused, interrupted, cancelled
            hand_over ── running       to the engine that follows
"""

from __future__ import annotations

from restrip.errors import BadInput

TRANSITIONS: dict[tuple[str, str], str] = {
    ("queued", "start"): "running",
    ("queued", "hold"): "paused",
    ("queued", "cancel"): "cancelled",
    ("paused", "resume"): "queued",
    ("paused", "hold"): "paused",
    ("paused", "cancel"): "cancelled",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "stop"): "interrupted",
    ("running", "hand_over"): "queued",
    ("running", "cancel"): "cancel_requested",
    ("cancel_requested", "cancel"): "cancel_requested",
    ("cancel_requested", "cancelled"): "cancelled",
    # The last step was over before the request was seen: the work is there, so it is done.
    ("cancel_requested", "finish"): "done",
    ("cancel_requested", "fail"): "cancelled",
    ("cancel_requested", "stop"): "cancelled",
    ("cancel_requested", "hand_over"): "cancelled",
    ("cancelled", "resume"): "queued",
    ("cancelled", "cancel"): "cancelled",
    ("interrupted", "resume"): "queued",
    ("interrupted", "cancel"): "cancelled",
    ("failed", "retry"): "queued",
    ("failed", "resume"): "queued",
}

STATES = ("queued", "running", "paused", "cancel_requested", "cancelled", "interrupted", "done", "failed")
ACTIVE = ("queued", "running", "cancel_requested")
AT_WORK = ("running", "cancel_requested")


class WrongState(BadInput):
    """Something was asked of a job that its state doesn't allow."""

    code = "wrong-state"

    def __init__(self, job_id: str, state: str, event: str) -> None:
        ways = sorted({name for (before, name) in TRANSITIONS if before == state} & {"resume", "retry", "cancel"})
        super().__init__(
            f"Job {job_id} is {state.replace('_', ' ')}: it can't {event}.",
            f"It can {' or '.join(ways)}." if ways else "Hand in a new job.",
            job_id=job_id,
            state=state,
        )


def after(job_id: str, state: str, event: str) -> str:
    """The state that `event` leads to. Raises WrongState."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise WrongState(job_id, state, event)
    return following
