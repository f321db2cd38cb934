"""Looks as files: a list to choose from for a strip, and saving one from a strip's result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, StringProperty

from restrip.errors import RestripError

from .. import jobs, previews, reports, values
from ..engine import schema
from ..timeline import results, vse
from . import form, operators, presets
from .asking import AsksFirst, AsksName

AGAIN_S = 5.0
ENDING = ".restriplook"

_looks: list[Mapping[str, Any]] = []
_asked = 0.0
_wanted = False


def wanted() -> None:
    """Somebody looks at the list: drawing calls this, `tick` asks the engine."""
    global _wanted
    _wanted = True


def tick() -> None:
    """Ask for the list when it is looked at, and not more often than every few seconds."""
    if _wanted and time.monotonic() - _asked > AGAIN_S:
        learn()


def learn() -> None:
    """Ask the engine which looks are saved."""
    global _asked, _wanted
    _asked, _wanted = time.monotonic(), False

    def came(found: list[dict[str, Any]]) -> None:
        _looks[:] = found
        for look in found:
            previews.keep_file(str(look["thumbnail"]))

    jobs.board().transport.ask("saved_looks", {}, came, lambda error: None)


def known() -> list[Mapping[str, Any]]:
    """The saved looks as the engine listed them last."""
    return _looks


def job_to_save(context: Any) -> str:
    """The job whose look would be saved: that of the result of the active strip; "" for none."""
    scene = vse.edited_scene(context)
    strip = vse.active_strip(scene) if scene is not None else None
    result = results.result_of(scene, results.whole(strip)) if strip is not None else None
    return str(result.restrip.result_of) if result is not None else ""


def use(scene: Any, strip: Any, told: Mapping[str, Any]) -> None:
    """Write a look's settings to a strip; where results go, mattes and which markers are keys stay as they are."""
    family, _, argument = str(told["look"]).partition(":")
    looks_own = {s.key for s in schema.current() if s.looks or s.group == "motion"}
    before = schema.values_of(strip)
    kept = {name: value for name, value in before.items() if name not in looks_own and not name.startswith("look.")}
    made = {**kept, "look.family": family, f"look.{family}": argument, **told["settings"]}
    vse.base_of(strip).restrip.values = values.written(made)
    bpy.ops.ed.undo_push(message=f"Use Look {told['name']}")
    missing = [f"not on this computer: {', '.join(told['missing'])}"] if told["missing"] else []
    said = "; ".join([*missing, *map(str, told["notes"])])
    reports.say(f"{strip.name} has the look {told['name']}{f': {said}' if said else ''}", "WARNING" if said else "INFO")
    vse.redraw(bpy.context)


def failed(error: RestripError) -> None:
    """What the engine says of a look that can't be used or saved."""
    reports.say(str(error), "WARNING")


class RESTRIP_OT_look_use(presets.TargetOperator, bpy.types.Operator):
    """Give the strip this look: its settings, and the key that all strips with it are painted after"""

    bl_idname = "restrip.look_use"
    bl_label = "Use Look"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    name: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Ask the engine for it; the strip has it when it answers."""
        scene = vse.edited_scene(context)
        where, strip = scene.name, form.target(scene).name

        def came(told: dict[str, Any]) -> None:
            found = bpy.data.scenes.get(where)
            mine = next((one for one in vse.every_strip(found) if one.name == strip), None) if found else None
            if mine is not None:
                use(found, mine, told)

        jobs.board().transport.ask("read_look", {"look": self.name, "use": True}, came, failed)
        return {"FINISHED"}


class RESTRIP_OT_look_save(operators.Poll, AsksName, bpy.types.Operator):
    """Keep the look of this strip's result under a name, with its key: for other strips, edits and computers"""

    bl_idname = "restrip.look_save"
    bl_label = "Save Look"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    name: StringProperty(name="Name", options={"SKIP_SAVE"})
    replace: BoolProperty(
        name="Replace", description="In place of a look of that name", default=False, options={"SKIP_SAVE"}
    )

    @classmethod
    def why_not(cls, context: Any) -> str:
        """The active strip must have a result."""
        return "" if job_to_save(context) else "Stylize the strip first: a look is saved with a key of its result"

    def execute(self, context: Any) -> set[str]:
        """Have the engine write the file."""
        if not self.name.strip():
            self.report({"WARNING"}, "Give the look a name")
            return {"CANCELLED"}

        def came(told: dict[str, Any]) -> None:
            reports.say(f"The look is saved as {told['path']}")
            learn()

        asked = {"job_id": job_to_save(context), "name": self.name.strip(), "replace": self.replace}
        jobs.board().transport.ask("save_look", asked, came, failed)
        return {"FINISHED"}


class RESTRIP_OT_look_add(bpy.types.Operator):
    """Take in a look file that somebody gave you"""

    bl_idname = "restrip.look_add"
    bl_label = "Add Look File"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(default=f"*{ENDING}", options={"HIDDEN"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Have the engine look at it and copy it."""

        def came(told: dict[str, Any]) -> None:
            missing = f"; not on this computer: {', '.join(told['missing'])}" if told["missing"] else ""
            reports.say(f"The look {told['name']} is there{missing}", "WARNING" if missing else "INFO")
            learn()

        jobs.board().transport.ask("add_look", {"path": bpy.path.abspath(self.filepath)}, came, failed)
        return {"FINISHED"}


class RESTRIP_OT_look_remove(AsksFirst, bpy.types.Operator):
    """Delete this look's file"""

    bl_idname = "restrip.look_remove"
    bl_label = "Remove Look"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    name: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Have the engine delete it."""

        def came(told: dict[str, Any]) -> None:
            reports.say(f"{told['removed']} is deleted")
            learn()

        jobs.board().transport.ask("remove_look", {"name": self.name}, came, failed)
        return {"FINISHED"}


class RESTRIP_MT_saved_looks(bpy.types.Menu):
    """Looks as files: one look for a whole edit"""

    bl_idname = "RESTRIP_MT_saved_looks"
    bl_label = "Saved Looks"

    def draw(self, context: Any) -> None:
        """All saved looks with their pictures, then what can be done."""
        wanted()
        layout = self.layout
        for look in known():
            name, error = str(look["name"]), look.get("error")
            if error:
                layout.label(text=f"{name}: {error['message']}", icon="ERROR")
                continue
            icon = previews.icon(str(look["thumbnail"]))
            shown: dict[str, Any] = {"icon_value": icon} if icon else {"icon": "IMAGE_DATA"}
            layout.operator("restrip.look_use", text=name, **shown).name = name
        if not known():
            layout.label(text="No look is saved yet")
        layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("restrip.look_save", text="Save Look…", icon="ADD")
        layout.operator("restrip.look_add", text="Add Look File…", icon="FILE_FOLDER")
        if known():
            layout.menu("RESTRIP_MT_saved_looks_remove", icon="TRASH")


class RESTRIP_MT_saved_looks_remove(bpy.types.Menu):
    """Delete saved looks"""

    bl_idname = "RESTRIP_MT_saved_looks_remove"
    bl_label = "Remove Look"

    def draw(self, context: Any) -> None:
        """All of them; each is asked about."""
        self.layout.operator_context = "INVOKE_DEFAULT"
        for look in known():
            self.layout.operator("restrip.look_remove", text=str(look["name"])).name = str(look["name"])


def in_use(given: Mapping[str, Any]) -> str:
    """The name of the saved look whose key a strip's settings are painted after; "" for none."""
    file = str(given.get("anchor_file", "")).replace("\\", "/").rpartition("/")[2]
    return file.removesuffix(ENDING)


def draw_row(layout: Any, given: Mapping[str, Any]) -> None:
    """The list as a row of the panel, with the look that these settings of a strip have."""
    wanted()
    name = in_use(given)
    said = f"Saved Look: {name}" if name else "Saved Looks"
    layout.menu(RESTRIP_MT_saved_looks.bl_idname, text=said, icon="ASSET_MANAGER")


CLASSES = (
    RESTRIP_OT_look_use,
    RESTRIP_OT_look_save,
    RESTRIP_OT_look_add,
    RESTRIP_OT_look_remove,
    RESTRIP_MT_saved_looks,
    RESTRIP_MT_saved_looks_remove,
)

_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    """Make operators and menus known."""
    _register()


def unregister() -> None:
    """Forget them, and the list."""
    _looks.clear()
    _unregister()
