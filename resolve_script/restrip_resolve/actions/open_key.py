"""Open key: the picture of the key at the playhead, or next to it, in the program that the settings name."""

from __future__ import annotations

import os

from restrip.client.key_files.program import NoKeyPicture
from restrip_resolve.actions.context import Context
from restrip_resolve.actions.painted import at_playhead, keys_of_clip
from restrip_resolve.clips.selection import source_clips


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    playhead = session.playhead()
    clip = at_playhead(source_clips(session, out_inclusive=choices.mark_out_inclusive), playhead)
    with context.engine(session) as engine:
        found = keys_of_clip(session, engine, clip, choices)
    key = found.nearest(playhead)
    try:
        path = found.places.painted_as(key)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NoKeyPicture(found.places.folder, f"can't be listed: {why}") from error
    if not path:
        raise NoKeyPicture("", f"has no picture yet: the key at frame {clip.first_used + key.frame}")
    context.open_picture(os.path.abspath(path), choices.paint_program)
    context.console.say(f"{os.path.basename(path)} is opened.")
