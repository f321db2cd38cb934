"""The part of the story that goes wrong, with the sidebar closed: a failed job, a reload, and everything well again.

A look that isn't there is tried on a clip; the status bar, the Info editor and the clip itself say so. The file is
saved and read again: the notice is still there. The look is corrected, and Try Again takes it. Then what the panel
shows: looks by name, a mix, and one frame compared with its source.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

PAIR = """
pair = sys.modules["bl_ext.user_default.restrip.ui.frame_preview"]._pair
width, height = pair.size
place = 4 * (height // 2 * width + width - 20)
def at_right(): return bpy.data.images["Restrip Preview"].pixels[place]
"""
ASIDE = 401
"""The frame on which the clip of this part begins."""


def tell(story: Any, clip: Path, blend: Path) -> None:
    """The stages, in order."""
    lay_out(story, clip)
    fail(story, blend)
    correct(story)
    compare(story)
    mix(story)


def lay_out(story: Any, clip: Path) -> None:
    """Another clip, one marker, and no sidebar; the Info editor in place of the file browser."""
    story.python(
        f"""
for strip in strips.values():
    strip.select = False
strip = vse.add_movie(scene.sequence_editor, "second", {str(clip)!r}, 2, {ASIDE})
vse.set_span(strip, vse.FrameRange({ASIDE}, {ASIDE} + 24))
scene.frame_end = {ASIDE} + 24
scene.sequence_editor.active_strip, strip.select, strip.color_tag = strip, True, "COLOR_04"
strip.restrip.values = '{{"look.neural": "99", "long_side": 640}}'
scene.timeline_markers.new("K", frame={ASIDE} + 9)
scene.frame_set({ASIDE} + 9)
area.spaces.active.show_region_ui = False
for other in window.screen.areas:
    if other.type == "FILE_BROWSER":
        other.type = "INFO"
bpy.ops.ed.undo_push(message="Add another clip")
"""
    )
    time.sleep(1)
    story.python("with override(): bpy.ops.sequencer.view_selected()")


def fail(story: Any, blend: Path) -> None:
    """Stylize, see it fail everywhere, and read the file again."""
    story.python("with override(): bpy.ops.restrip.stylize()")
    story.until("the failure", "any(j.stage == 'failed' for j in jobs.board().jobs.values())", 120)
    story.expect("the clip is red", "strips['second'].color_tag", "COLOR_01")
    story.picture("failed")
    story.python(f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})")
    story.python(f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r})")
    time.sleep(2)
    story.until("offered again after a reload", "any(j.stage == 'failed' for j in jobs.board().jobs.values())", 60)
    story.expect("and still red", "strips['second'].color_tag", "COLOR_01")
    story.expect("the first result is still there", "'hare restyled' in strips", True)
    story.picture("failed-reopened")


def correct(story: Any) -> None:
    """Another look; Try Again takes it."""
    story.python(
        """
strip = strips["second"]
strip.restrip.values = '{"look.neural": "24", "long_side": 640}'
job = next(j for j in jobs.board().jobs.values() if j.stage == "failed")
with override(): bpy.ops.restrip.resume(job_id=job.job_id)
"""
    )
    story.expect("its own colour again", "strips['second'].color_tag", "COLOR_04")
    story.until("the second result", "'second restyled' in strips", 300)
    story.expect("what was selected still is", "sorted(s.name for s in strips.values() if s.select)", ["second"])
    folder = story.python("print(bpy.path.abspath(next(s.filepath for s in vse.strips_of(strips['second restyled']))))")
    story.expect("its file lies beside the .blend", f"'/restrip/' in {folder!r}", True)
    story.picture("done")


def compare(story: Any) -> None:
    """One frame in the look, beside the source."""
    story.python("with override(): bpy.ops.restrip.preview_frame()")
    story.until("the frame", "any(j.message.startswith('Frame') for j in jobs.board().jobs.values())", 120)
    time.sleep(1)
    story.picture("compare")
    for part in (("mousemove", "800", "450", "mousedown", "1"), ("mousemove", "1200", "450"), ("mouseup", "1")):
        story.desk.keys(*part)
    story.until("the line was dragged", "0.7 < pair.split < 0.9", 10, PAIR)
    story.desk.keys("keydown", "a")
    story.until("holding A shows the source", "at_right() == pair.source[place]", 10, PAIR)
    story.desk.keys("keyup", "a")
    story.until("and letting go the look", "at_right() == pair.look[place]", 10, PAIR)
    story.python(
        """
other = bpy.context.window_manager.windows[-1]
with bpy.context.temp_override(window=other): bpy.ops.wm.window_close()
"""
    )


def mix(story: Any) -> None:
    """Looks by name on the panel, two of them mixed."""
    story.python("area.spaces.active.show_region_ui = True")
    time.sleep(1)
    story.open_tab()
    story.picture("looks")
    story.python(
        """
with override(): bpy.ops.restrip.mix_add()
data = scene.restrip_form
data.mix_look_1, data.mix_weight_1 = "19", 0.3
with override(): bpy.ops.restrip.preview_frame(window=False)
"""
    )
    story.until(
        "the mix",
        "previews.icon(previews.mix_key('second', '24:0.5+19:0.3'))",
        120,
    )
    story.picture("mix")
