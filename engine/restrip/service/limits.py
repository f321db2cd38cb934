"""How long the engine waits for what, and how much it keeps; each can be set by an environment variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from restrip.client.preferences import CACHE_MIB


@dataclass(frozen=True)
class Limits:
    """Seconds, counts and MiB. The variable of `worker_idle_s` is RESTRIP_WORKER_IDLE_S, and so on.

    A worker that shows no sign of life for `load_s` while it loads a model, or for `step_s` otherwise, is killed, for
    `guest_s` when it does what a guest asked; one that was asked to cancel is ended after `cancel_s`. `cache_mib`
    bounds the cache until the user sets a bound.
    """

    worker_idle_s: float = 300.0
    engine_idle_s: float = 1800.0
    load_s: float = 300.0
    step_s: float = 120.0
    start_s: float = 120.0
    guest_s: float = 30.0
    cancel_s: float = 7.0
    beat_s: float = 2.0
    event_gap_s: float = 0.1
    restarts: int = 5
    restarts_within_s: float = 600.0
    cache_mib: float = CACHE_MIB
    workers: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The defaults, with what the environment sets; a text that is no number is left out."""
        given: dict[str, float] = {}
        for field in fields(cls):
            text = environment.get(f"RESTRIP_{field.name.upper()}", "")
            try:
                given[field.name] = int(text) if field.type == "int" else float(text)
            except ValueError:
                continue
        return cls(**given)  # type: ignore[arg-type]
