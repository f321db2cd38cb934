"""Save look: keep the look of a stylized clip as a file, with its key, for other clips, edits and computers."""

from __future__ import annotations

from pathlib import Path

from restrip.client.ids import folder_name
from restrip.errors import BadInput
from restrip_resolve import ledger
from restrip_resolve.actions.context import Context
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.settings import settings_path


class NoLookYet(BadInput):
    """The clip has no finished result to take a look from."""

    code = "no-look-yet"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no finished result for {name} on this timeline, so there is no look to save.",
            "Select a clip that was stylized (or move the playhead over it), or run Restrip - Stylize selection.",
        )


def run(context: Context) -> None:
    """The menu entry: the look of the newest finished result of the selected clip, else of the one at the playhead.

    A name that is taken gets a number.
    """
    choices = context.choices()
    session = context.session()
    clip = source_clips(session, out_inclusive=choices.mark_out_inclusive)[0]
    with context.engine(session) as engine:
        records = [record for record in ledger.all_of(session.key) if record.item == clip.uid]
        done = next((one.job_id for one in reversed(records) if engine.status(one.job_id).state == "done"), "")
        if not done:
            raise NoLookYet(clip.name)
        taken = {str(look["name"]).casefold() for look in engine.saved_looks()}
        name = _free(choices.look_name or folder_name(Path(clip.name).stem), taken)
        look = engine.save_look(done, name)
    context.console.say(f"The look of {clip.name} is saved as {look['path']}.")
    context.console.say(f"Write `look_file = {look['name']}` into {settings_path()} to give it to other clips.")


def _free(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it where there is such a look already."""
    found, number = name, 2
    while found.casefold() in taken:
        found, number = f"{name} {number}", number + 1
    return found
