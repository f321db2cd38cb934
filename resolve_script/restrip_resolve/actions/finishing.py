"""From jobs to strips: handed in, waited for, placed."""

from __future__ import annotations

from restrip_resolve.actions.context import Context
from restrip_resolve.actions.place import place_finished
from restrip_resolve.engine import Engine
from restrip_resolve.jobs.progress import Progress
from restrip_resolve.jobs.submit import Job, hand_in
from restrip_resolve.jobs.waiting import follow
from restrip_resolve.session import Session
from restrip_resolve.settings import Choices


def finish(context: Context, session: Session, engine: Engine, jobs: list[Job], choices: Choices) -> None:
    """Hand jobs in, and unless the settings say to leave them, wait for them and place them."""
    for job in jobs:
        hand_in(engine, job)
        say_submitted(context, job)
    if choices.when_done == "leave":
        context.console.say("Run Restrip - Place finished results when they are done.")
        return
    context.console.note("You can go on editing; the result is placed when it is done.")
    with Progress(choices.progress, context.console) as progress:
        for job in jobs:
            status = follow(engine, job.spec.job_id, job.record.name, context.console, progress)
            goes_on = "" if status.state == "done" else ": Restrip - Stylize again goes on from what is finished"
            context.console.say(f"{job.record.name} is {status.state}{goes_on}.")
    # The user may have opened something else meanwhile: look again at what is open.
    now = context.session()
    if now.key != session.key:
        context.console.say("Another timeline is open now. Run Restrip - Place finished results in the first one.")
        return
    place_finished(context, now, engine, choices, only={job.spec.job_id for job in jobs})


def say_submitted(context: Context, job: Job) -> None:
    """One line a job, one a note."""
    spec = job.spec
    keys = f"{len(spec.keys)} keys" if spec.mode == "keys" else f"every {spec.step}. frame"
    context.console.say(f"{job.record.name}: {spec.clip.length} frames, {keys}, {spec.look} (job {spec.job_id}).")
    for note in job.notes:
        context.console.note(note)
