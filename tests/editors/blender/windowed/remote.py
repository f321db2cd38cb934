"""Runs inside the windowed Blender: obeys the files that desk.py writes beside this one."""

import contextlib
import io
import os
import traceback

import bpy

FOLDER = os.path.dirname(os.path.abspath(__file__))
bpy.context.preferences.view.show_splash = False


def announce() -> None:
    """The window is there."""
    with open(os.path.join(FOLDER, "ready"), "w") as file:
        file.write(bpy.app.version_string)


def obey() -> float:
    """Run command.py when it appears; what it prints goes into the file "answer"."""
    path = os.path.join(FOLDER, "command.py")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            source = file.read()
        os.remove(path)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(source, {"bpy": bpy})
            except BaseException:  # noqa: BLE001 - whatever went wrong, the other side must be told
                printed = io.StringIO(traceback.format_exc())
        aside = os.path.join(FOLDER, "answer.aside")
        with open(aside, "w", encoding="utf-8") as file:
            file.write(printed.getvalue())
        os.replace(aside, os.path.join(FOLDER, "answer"))
    return 0.05


bpy.app.timers.register(announce, first_interval=1.0)
bpy.app.timers.register(obey, first_interval=0.5, persistent=True)
