"""How far a job is as a whole, and what it is at, in words.

0 ── rendering ── 0.2 ─ reading ─ keys ───── motion, carrying ───── writing ── 1

The engine says how long the rest takes as soon as it knows; until then each phase has a usual share of the bar. The bar
never goes back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import words

if TYPE_CHECKING:
    from .live_job import LiveJob

RENDERING = 0.2
"""The share of a strip's rendering through the sequencer, for strips that need it."""
SHARES = {
    "reading": (0.0, 0.05),
    "keys": (0.05, 0.3),
    "motion": (0.3, 0.95),
    "propagating": (0.3, 0.95),
    "writing": (0.95, 1.0),
}
PHASES = {
    "loading": "Loading the look",
    "reading": "Reading the clip",
    "keys": "Painting keyframes",
    "motion": "Measuring motion",
    "propagating": "Carrying keyframes along",
    "writing": "Writing strips",
}
MOST = 0.99
"""All of it is only what has come back."""


def overall(job: LiveJob) -> float:
    """How much of the job is done over all its phases, 0 to 1; it never gets less."""
    first = RENDERING if job.request is not None and job.request.origin.facts.reasons else 0.0
    if job.stage == "rendering":
        whole = RENDERING * job.done
    elif job.stage == "engine":
        whole = first + (1 - first) * _of_engine(job)
    else:
        whole = first
    job.best = max(job.best, min(MOST, whole))
    return job.best


def _of_engine(job: LiveJob) -> float:
    status = job.status
    if status.state != "running" or not job.began:
        return 0.0
    if job.came is not None:  # A small job has one phase.
        return status.done / status.total if status.total else 0.0
    if status.eta_s is not None:
        spent = time.monotonic() - job.began
        return spent / max(1e-3, spent + status.eta_s)
    low, high = SHARES.get(status.phase, (0.0, 0.0))
    return low + (high - low) * (min(1.0, status.done / status.total) if status.total else 0.0)


def in_short(job: LiveJob) -> str:
    """The whole in a few words: "43 %, 40 s left"."""
    eta_s = job.status.eta_s if job.stage == "engine" and job.status.state == "running" else None
    left = f", {words.time_said(eta_s)} left" if eta_s is not None else ""
    return f"{overall(job):.0%}{left}"


def phase_said(job: LiveJob) -> str:
    """What it is at: "Painting keyframes 2 of 5"."""
    if job.stage == "rendering":
        return f"Rendering the strip, {job.done:.0%}"
    if job.stage == "sending":
        return "Asking the engine"
    status = job.status
    if status.state == "queued":
        return "Waiting for its turn"
    if status.state == "cancel_requested":
        return "Stopping"
    if not status.phase:
        return "Getting ready"
    phase = PHASES.get(status.phase, status.phase.capitalize())
    return f"{phase} {status.done} of {status.total}" if status.total > 1 else phase
