"""Try seeds: a contact sheet for the frame under the playhead, opened outside Resolve."""

from __future__ import annotations

from pathlib import Path

from restrip.errors import BadInput
from restrip.timeline import FrameRange
from restrip_resolve.actions.context import Context
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.keys import keys_of
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.clips.source import source_of
from restrip_resolve.jobs.submit import results_folder
from restrip_resolve.jobs.waiting import teller
from restrip_resolve.settings import engine_settings, settings_path, with_look_file


class PlayheadElsewhere(BadInput):
    """The playhead isn't over a clip that is to be tried."""

    code = "playhead-elsewhere"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The playhead isn't inside {name}.", "Move it to the frame on which you want to see the seeds."
        )


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    frame = session.playhead()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    clip = next((clip for clip in clips if frame in _all_of(clip)), None)
    if clip is None:
        raise PlayheadElsewhere(clips[0].name)
    # One frame is all that is needed: also all that Resolve has to render of a graded clip.
    one = clip.using(FrameRange(frame, frame + 1))
    with context.engine(session) as engine:
        choices = with_look_file(choices, engine)
        settings = engine_settings(choices, engine.settings().for_look(choices.look))
        keys = keys_of(session, one, choices.key_colour)
        prompt = next((key.prompt for key in keys if key.frame == 0 and key.prompt), None)
        source = source_of(session, engine, one, choices.with_grade, results_folder(choices))
        result = engine.seeds(
            source.clip,
            0,
            look=choices.look,
            settings=settings,
            count=choices.seeds,
            prompt=prompt,
            on_status=teller(clip.name, context.console),
        )
    sheet = Path(result["sheet"])
    tried = ", ".join(str(picture["seed"]) for picture in result["pictures"])
    if not context.open_file(sheet):
        context.console.say("The sheet could not be opened by itself.")
    context.console.say(f"Seeds {tried} on {sheet}")
    context.console.say(f"Write the one you like as `seed = ...` into {settings_path()}, or into a marker's note.")


def _all_of(clip: SourceClip) -> FrameRange:
    return FrameRange(clip.start, clip.start + clip.length)
