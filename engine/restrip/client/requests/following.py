"""A job followed to its end: by its events, and after silence by asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from restrip.client.session import SILENCE_S, EngineSession
from restrip.client.status import Event, JobStatus

OnStatus = Callable[[JobStatus], None]


class JobFollower(EngineSession):
    """A session that hears of jobs."""

    def status(self, job_id: str) -> JobStatus:
        """The whole truth about a job; its state is "unknown" when the engine has none of that id."""
        return JobStatus.from_json(self.request("status", {"job_id": job_id}))

    def subscribe(self, job_id: str) -> None:
        """Have the events of a job come in; "" subscribes to the engine's own."""
        topic = f"job.{job_id}" if job_id else "engine"
        self._topics[topic] = None
        self._open_wire().subscribe(topic)

    def unsubscribe(self, job_id: str) -> None:
        """Have them come in no longer."""
        topic = f"job.{job_id}" if job_id else "engine"
        if self._topics.pop(topic, topic) is None and self._wire is not None:
            self._wire.unsubscribe(topic)

    def events(self, timeout_s: float) -> Iterator[Event]:
        """The events that came in, waiting up to `timeout_s` for the first; ends when there are no more for now."""
        wire = self._open_wire()
        if not wire.events:
            wire.receive(timeout_s)
        else:
            wire.receive(0)
        while wire.events:
            yield wire.events.popleft()

    def watch(self, job_id: str, on_status: OnStatus | None = None, *, timeout_s: float | None = None) -> JobStatus:
        """Follow a job until nothing more happens to it; `on_status` sees every change that comes to be known.

        Raises EngineUnreachable when the engine ends in the middle, TimeoutError after `timeout_s`.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        self.subscribe(job_id)
        try:
            status = self.status(job_id)
            while True:
                if on_status is not None:
                    on_status(status)
                if status.ended:
                    return status
                status = self._next_status(status, until)
        finally:
            self.unsubscribe(job_id)

    def _next_status(self, last: JobStatus, until: float | None) -> JobStatus:
        """Wait for a change, by event or, after silence, by asking."""
        silent_until = time.monotonic() + SILENCE_S
        while time.monotonic() < silent_until:
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"job {last.job_id} is {last.state}")
            for event in self.events(0.25):
                if event.job_id != last.job_id or event.seq <= last.seq:
                    continue
                if event.type == "progress" and event.seq == last.seq + 1:
                    return last.after(event)
                return self._asked_again(last)
        return self._asked_again(last)

    def _asked_again(self, last: JobStatus) -> JobStatus:
        """The snapshot, with what only events tell."""
        return replace(self.status(last.job_id), picture=last.picture)
