"""What runs by itself: the timer, and what happens when a file is opened."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import jobs, key_watch
from .engine import engine_connection
from .timeline import rendering, ties, vse, watched_results
from .ui import form, saved_looks, statusbar


@persistent  # type: ignore[untyped-decorator,unused-ignore]
def opened(*_: Any) -> None:
    """Another file: what this Blender began belongs to the last one."""
    key_watch.file_opened()
    jobs.file_opened()
    watched_results.saved()


@persistent  # type: ignore[untyped-decorator,unused-ignore]
def saved(*_: Any) -> None:
    """The file was saved."""
    watched_results.saved()


_seen: Any = None


def look() -> None:
    """Have the panel drawn again when markers or the active strip changed: it counts keyframes, and Blender draws the
    sidebar only when something in it was used.
    """
    global _seen
    scene = vse.edited_scene(bpy.context)
    strip = form.target(scene) if scene is not None else None
    if strip is None:
        return
    seen = scene.name, strip.name, tuple((mark.frame, mark.name) for mark in scene.timeline_markers)
    if seen != _seen:
        _seen = seen
        vse.redraw(bpy.context)


def register() -> None:
    """Start the timer and listen."""
    bpy.app.handlers.load_post.append(opened)
    bpy.app.handlers.save_post.append(saved)
    ticks = [rendering.tick, engine_connection.tick, ties.tick, look, statusbar.tick, saved_looks.tick, key_watch.tick]
    jobs.on_tick[:] = ticks
    jobs.on_keys[:] = [key_watch.heard]
    jobs.on_schema[:] = [engine_connection.learn]
    bpy.app.timers.register(jobs.tick, first_interval=jobs.IDLE_TICK_S, persistent=True)


def unregister() -> None:
    """Leave nothing behind: no timer, no handler, no process."""
    if bpy.app.timers.is_registered(jobs.tick):
        bpy.app.timers.unregister(jobs.tick)
    if opened in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(opened)
    if saved in bpy.app.handlers.save_post:
        bpy.app.handlers.save_post.remove(saved)
    key_watch.forget()
    watched_results.forget()
    rendering.stop()
    jobs.close()
