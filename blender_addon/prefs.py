"""The extension's preferences: which engine, and whether results are placed by themselves."""

import time
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from .engine import finding, schema
from .timeline import rendering

_chosen = ""


class RESTRIP_AddonPreferences(bpy.types.AddonPreferences):
    """Shown under the extension's entry."""

    bl_idname = __package__

    engine: StringProperty(
        name="Engine",
        description="The program restrip-engine, or the folder of the environment it is installed in. "
        "Empty: found by itself",
        subtype="FILE_PATH",
        update=lambda self, context: read(),
    )
    models: StringProperty(
        name="Models Folder",
        description="Where AUTOMATIC1111 or ComfyUI keeps its models; checkpoints are read in place",
        subtype="DIR_PATH",
    )
    place_unasked: BoolProperty(
        name="Place results by themselves",
        description="Put a finished result on the timeline at once; else the panel offers it",
        default=True,
    )

    paint_program: StringProperty(
        name="Paint Program",
        description="What Open Key starts: a program, with arguments if it needs any. Empty: the system's own",
        subtype="FILE_PATH",
    )

    results_in: EnumProperty(
        name="Results",
        description="Where the files of results live",
        items=(
            ("BESIDE", "Beside the .blend file", "In a folder restrip beside it; with the engine until it is saved"),
            ("ENGINE", "With the engine", "In the engine's own folder, whatever file they are for"),
            ("ASK", "In a folder that I choose", "The panel asks for it, once for each file"),
        ),
        default="BESIDE",
    )

    def draw(self, context: Any) -> None:
        """The engine, or how to install it."""
        layout = self.layout
        layout.prop(self, "engine")
        layout.prop(self, "models")
        draw_families(layout)
        layout.prop(self, "paint_program")
        layout.prop(self, "place_unasked")
        layout.prop(self, "results_in")
        row = layout.row()
        row.label(text=f"Rendered strips: {rendering.taken_mib():.0f} MiB")
        row.operator("restrip.clear_renders", icon="TRASH")
        if found():
            layout.label(text=f"Starts: {' '.join(engine_command())}", icon="CHECKMARK")
        else:
            draw_install(layout)


def draw_families(layout: Any) -> None:
    """Which kinds of models there are, and what each can do."""
    found = schema.known()
    if found is None or not found.families:
        return
    box = layout.box()
    box.label(text="Models that can be used, and what each can do", icon="INFO")
    column = box.column(align=True)
    for family in found.families:
        column.label(text=f"{family['label']}: {family.get('said', '')}")


def draw_install(layout: Any) -> None:
    """How to install the engine, with a button that copies the line."""
    box = layout.box()
    box.label(text="The Restrip engine isn't installed yet.", icon="INFO")
    box.label(text="Paste this line into a terminal, once:")
    column = box.column(align=True)
    for part in finding.install_line().split(" && "):
        column.label(text=part)
    box.operator("restrip.copy", text="Copy", icon="COPYDOWN").text = finding.install_line()


def chosen_engine() -> str:
    """The user's own choice of an engine; "" to have it found."""
    return _chosen


def engine_command() -> tuple[str, ...]:
    """The command that starts the engine; empty when none is found."""
    return finding.engine_command(_chosen)


_found: tuple[float, bool] = (-100.0, False)


def found() -> bool:
    """Whether the engine's command was found, looked up every few seconds at most: drawing asks."""
    global _found
    if time.monotonic() - _found[0] > 5.0:
        _found = time.monotonic(), bool(engine_command())
    return _found[1]


def place_unasked() -> bool:
    """Whether finished results go onto the timeline at once."""
    addon = bpy.context.preferences.addons.get(__package__)
    return bool(addon.preferences.place_unasked) if addon and addon.preferences else True


def results_in() -> str:
    """Where results live: "BESIDE", "ENGINE" or "ASK"."""
    addon = bpy.context.preferences.addons.get(__package__)
    return str(addon.preferences.results_in) if addon and addon.preferences else "ENGINE"


def paint_program() -> str:
    """The program that keys are painted in, as the user wrote it; "" for the system's own."""
    addon = bpy.context.preferences.addons.get(__package__)
    given = str(addon.preferences.paint_program) if addon and addon.preferences else ""
    return str(bpy.path.abspath(given)) if given.startswith("//") else given


def models_folder() -> str:
    """The folder with checkpoints; "" when none was chosen."""
    addon = bpy.context.preferences.addons.get(__package__)
    return str(bpy.path.abspath(addon.preferences.models)) if addon and addon.preferences else ""


def read() -> None:
    """Take over the chosen engine."""
    global _chosen
    addon = bpy.context.preferences.addons.get(__package__)
    _chosen = bpy.path.abspath(addon.preferences.engine) if addon and addon.preferences else ""


def register() -> None:
    """Make the preferences known."""
    bpy.utils.register_class(RESTRIP_AddonPreferences)
    read()


def unregister() -> None:
    """Forget them."""
    bpy.utils.unregister_class(RESTRIP_AddonPreferences)
