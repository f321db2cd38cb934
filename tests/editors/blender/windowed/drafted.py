"""The part of the story about a draft: marked on the timeline, rendered in full where it lies, and its look saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import clip_of_sixty

SAVED_LOOKS = 'saved_looks = sys.modules["bl_ext.user_default.restrip.ui.saved_looks"]'
FILES = """
import os
def files():
    inside = [s for s in strips.values() if s.name.startswith('key ') and not s.mute]
    return sorted({os.path.basename(s.filepath).split('-')[0] for s in inside})
"""


def tell(story: Any, clip: Path, name: str) -> None:
    """The stages, in order; the look is saved as `name`."""
    clip_of_sixty.lay_out(story, clip, "set_style_strength", long_side=960, frame=30)
    draft(story)
    render_full(story)
    save_look(story, name)
    use_look(story, name)


def draft(story: Any) -> None:
    """Stylize with Draft on: name and colour say what it is."""
    story.python(
        """strips['hare'].restrip.values = '{"long_side": 960, "draft": true}'
with override(): bpy.ops.restrip.stylize()"""
    )
    story.wait("the draft", "'hare restyled (draft)' in strips", 900)
    story.expect("its files are a draft's", "files()", ["draft"], FILES)
    # The editor's own work on the draft: it is to be there afterwards.
    story.python("vse.set_span(strips['hare restyled (draft)'], vse.FrameRange(4, 58))")
    story.python("scene.frame_set(30)")
    story.picture("draft")


def save_look(story: Any, name: str) -> None:
    """Save Look: the list has it, with its picture."""
    story.python(f"with override(): bpy.ops.restrip.look_save(name={name!r})")
    story.until("the look is listed", f"any(one['name'] == {name!r} for one in saved_looks.known())", 60, SAVED_LOOKS)
    story.point_at(30, 6)
    story.menu("RESTRIP_MT_saved_looks", "saved-looks")


def render_full(story: Any) -> None:
    """Render in Full: it takes the draft's place, with the editor's cut."""
    story.python("with override(): bpy.ops.restrip.render_full()")
    story.wait("the full render", "'hare restyled' in strips", 1200)
    story.expect("the draft's mark is gone", "'hare restyled (draft)' in strips", False)
    story.expect("its files are a full render's", "files()", ["strip"], FILES)
    story.expect(
        "what the editor did stays",
        "[*map(int, (vse.span_of(strips['hare restyled']).first, vse.span_of(strips['hare restyled']).end))]",
        [4, 58],
    )
    story.picture("full")


def use_look(story: Any, name: str) -> None:
    """The saved look, given to the strip again, is its key."""
    story.python(f"with override(): bpy.ops.restrip.look_use(name={name!r})")
    story.wait("the strip has the look", "'anchor' in strips['hare'].restrip.values", 60)
