"""Render in full: the drafts of the selected clips again at full size, with their keys, prompts, seeds and settings."""

from __future__ import annotations

from restrip.client.job import JobSpec
from restrip.errors import BadInput
from restrip_resolve import ledger
from restrip_resolve.actions.context import Context
from restrip_resolve.actions.finishing import finish
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.jobs.submit import full_of
from restrip_resolve.ledger import Record


class NoDraft(BadInput):
    """None of the clips has a draft as its newest result."""

    code = "no-draft"

    def __init__(self, names: str) -> None:
        super().__init__(
            f"The last result of {names} is no draft, or there is none.",
            "Select clips with a draft, or set `draft = yes` in the settings and run Restrip - Stylize selection.",
        )


def run(context: Context) -> None:
    """The menu entry: the selected clips, else the one at the playhead."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    known = ledger.latest(session.key)
    records = [known[clip.uid] for clip in clips if clip.uid in known and _is_draft(known[clip.uid])]
    if not records:
        raise NoDraft(", ".join(dict.fromkeys(clip.name for clip in clips)))
    with context.engine(session) as engine:
        finish(context, session, engine, [full_of(record) for record in records], choices)


def _is_draft(record: Record) -> bool:
    return bool(record.spec) and JobSpec.from_json(record.spec).output.draft
