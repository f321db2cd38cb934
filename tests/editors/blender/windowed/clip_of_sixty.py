"""What two of the stories begin with: a clip of 60 frames with three markers, and the Restrip tab open."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

SETTLE_S = 1.0


def lay_out(story: Any, clip: Path, ready: str, *, long_side: int, frame: int | None = None) -> None:
    """Lay the clip out, with the playhead on `frame` where one is given; then wait until the form has `ready`."""
    playhead = "" if frame is None else f"scene.frame_set({frame})\n"
    story.python(
        f"""
scene.render.fps, scene.render.fps_base = 25, 1.0
scene.render.resolution_x, scene.render.resolution_y = 1280, 720
scene.frame_start, scene.frame_end = 1, 60
scene.sequence_editor_create()
strip = vse.add_movie(scene.sequence_editor, "hare", {str(clip)!r}, 2, 1)
vse.set_span(strip, vse.FrameRange(1, 61))
scene.sequence_editor.active_strip, strip.select = strip, True
strip.restrip.values = '{{"long_side": {long_side}}}'
for frame in (8, 30, 52):
    scene.timeline_markers.new("K", frame=frame)
area.spaces.active.show_region_ui = True
{playhead}bpy.ops.ed.undo_push(message="Add a clip")
"""
    )
    time.sleep(SETTLE_S)
    story.python("with override(): bpy.ops.sequencer.view_all()")
    story.open_tab()
    story.wait("the engine's settings", f"scene.restrip_form.bl_rna.properties.get({ready!r})", 60)
