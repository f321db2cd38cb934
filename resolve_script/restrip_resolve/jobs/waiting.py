"""Following jobs until they are over, with a line in the console now and then."""

from __future__ import annotations

from restrip.client.status import JobStatus
from restrip.errors import RemoteError
from restrip_resolve.console import Console
from restrip_resolve.engine import Engine, OnStatus
from restrip_resolve.jobs.progress import Progress


def follow(engine: Engine, job_id: str, name: str, console: Console, progress: Progress) -> JobStatus:
    """Wait until a job is over; a phase and every tenth of it is said once. Raises what it failed with.

    `progress` is shown every change, and may cancel the job.
    """
    say = teller(name, console)
    progress.take_cancel()

    def tell(status: JobStatus) -> None:
        say(status)
        progress.tell(name, status)
        if progress.take_cancel() and not status.ended:
            engine.cancel(job_id)
            console.say(f"{name} stops at its next step; what is finished is kept.")

    status = engine.watch(job_id, tell)
    if status.state == "failed":
        raise RemoteError(status.error or {"message": f"The job for {name} failed."})
    return status


def teller(name: str, console: Console) -> OnStatus:
    """A callback that says each phase and each tenth of it once."""
    said: set[tuple[str, int]] = set()

    def tell(status: JobStatus) -> None:
        tenth = 10 * status.done // status.total if status.total else 0
        step = (status.phase or status.state, tenth)
        if step in said:
            return
        said.add(step)
        left = "" if status.eta_s is None else f", about {max(1, round(status.eta_s / 60))} min left"
        console.say(f"{name}: {step[0]} {tenth * 10} %{left}" if status.total else f"{name}: {step[0]}")

    return tell
