"""Export keys to paint: the frames at a clip's markers as pictures, with a note that says what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from restrip_resolve.actions.context import Context
from restrip_resolve.actions.painted import at_playhead, keys_folder, keys_of_clip
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.clips.source import source_of
from restrip_resolve.jobs.submit import results_folder
from restrip_resolve.settings import settings_path


def run(context: Context) -> None:
    """The menu entry: the selected clip, or the one at the playhead."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    clip = at_playhead(clips, session.playhead())
    folder = keys_folder(choices, clip)
    with context.engine(session) as engine:
        found = keys_of_clip(session, engine, clip, choices)
        source = source_of(session, engine, clip, choices.with_grade, results_folder(choices))
        frames = [key.frame for key in found.keys]
        made = engine.export_keys(source.clip, frames, str(folder), first=found.first, editor="resolve")
    for note in found.notes:
        context.console.say(note)
    for key in made["keys"]:
        context.console.say(outcome(key))
    if not found.places.folder:
        context.console.say(f"Set `look = keys:{folder}` in {settings_path()}, then run Restrip - Watch keys.")
    context.open_file(folder)


def outcome(key: Mapping[str, Any]) -> str:
    """What became of one key."""
    if key["outcome"] == "painted":
        name = os.path.basename(key["file"])
        return f"{name} was painted already: it is left alone. Move it away to have the frame exported again."
    there = " was there already" if key["outcome"] == "there" else ""
    return f"{key['file']}{there}"
