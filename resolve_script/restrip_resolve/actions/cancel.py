"""Cancel: stop this timeline's jobs; what is finished of them is kept."""

from __future__ import annotations

from restrip_resolve.actions import watch_keys
from restrip_resolve.actions.context import Context
from restrip_resolve.clips.render import stop_ranges

STOPPABLE = ["queued", "running", "paused"]


def run(context: Context) -> None:
    """The menu entry."""
    session = context.session()
    stopped = stop_ranges(session)
    if stopped:
        context.console.say("Resolve's render of the range is stopped.")
    watched = watch_keys.stop(session.key)
    if watched:
        context.console.say("The painted keys are watched no longer.")
    with context.engine(session) as engine:
        jobs = engine.jobs(session.key, states=STOPPABLE)
        for job in jobs:
            engine.cancel(job.job_id)
            context.console.say(f"{job.name} (job {job.job_id}) stops at its next step; what is finished is kept.")
    if not jobs and not stopped and not watched:
        context.console.say("Nothing is being rendered for this timeline.")
