"""What runs by itself: the timer, and what happens when a file is opened."""

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import connection, jobs, rendering, ties


@persistent  # type: ignore[untyped-decorator,unused-ignore]
def opened(*_: Any) -> None:
    """Another file: what this Blender began belongs to the last one."""
    jobs.file_opened()


def register() -> None:
    """Start the timer and listen."""
    bpy.app.handlers.load_post.append(opened)
    jobs.on_tick[:] = [rendering.tick, connection.tick, ties.tick]
    jobs.on_schema[:] = [connection.learn]
    bpy.app.timers.register(jobs.tick, first_interval=jobs.IDLE_TICK_S, persistent=True)


def unregister() -> None:
    """Leave nothing behind: no timer, no handler, no process."""
    if bpy.app.timers.is_registered(jobs.tick):
        bpy.app.timers.unregister(jobs.tick)
    if opened in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(opened)
    rendering.stop()
    jobs.close()
