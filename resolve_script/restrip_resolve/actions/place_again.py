"""Place again: bring back the strips of clips whose results were placed before and were deleted or moved since."""

from __future__ import annotations

from restrip.errors import BadInput
from restrip_resolve import ledger
from restrip_resolve.actions.context import Context
from restrip_resolve.actions.place import place_job
from restrip_resolve.clips.selection import source_clips


class NothingToPlaceAgain(BadInput):
    """The clip has no finished result."""

    code = "nothing-to-place-again"

    def __init__(self, names: str) -> None:
        super().__init__(
            f"There is no finished result for {names} on this timeline.",
            "Select a clip that was stylized (or move the playhead over it), or run Restrip - Stylize selection.",
        )


def run(context: Context) -> None:
    """The menu entry: the newest finished result of each selected clip, else of the one at the playhead."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    placed = 0
    with context.engine(session) as engine:
        for clip in clips:
            for record in reversed([record for record in ledger.all_of(session.key) if record.item == clip.uid]):
                status = engine.status(record.job_id)
                if status.state == "done":
                    place_job(context, session, engine, (status, record), choices)
                    placed += 1
                    break
    if not placed:
        raise NothingToPlaceAgain(", ".join(dict.fromkeys(clip.name for clip in clips)))
