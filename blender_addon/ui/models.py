"""The models in the user's folder, as the engine lists them, and choosing one of them for a setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from restrip.errors import RestripError

from .. import jobs, prefs, reports
from ..engine import model_facts, schema
from ..timeline import vse
from . import form, operators

CHECKPOINTS = "look.sd"
ROLES: Mapping[str, str] = {
    CHECKPOINTS: "",
    "lora": "lora",
    "controlnet": "controlnet",
    "vae": "vae",
    "ip_adapter": "ip-adapter",
    "image_encoder": "clip-vision",
}
"""Which family of files a setting takes, by its key; checkpoints are of those that the engine lists."""
ADDED: Mapping[str, str] = {"lora": "{}:0.8", "controlnet": "canny={}:1.0"}
"""The settings that take several, each written like this."""

_items: dict[str, list[tuple[str, str, str]]] = {}
_asked = ""


def tick() -> None:
    """Ask again when another folder was chosen, and of what family the chosen model is."""
    if prefs.models_folder() != _asked:
        learn()
    scene = vse.edited_scene(bpy.context)
    if scene is not None:
        model_facts.ask(jobs.board().transport, schema.values_of(form.target(scene)))


def learn() -> None:
    """Ask the engine what is in the models folder; the lists fill when it answers."""
    global _asked
    folder = _asked = prefs.models_folder()
    _items.clear()
    model_facts.forget()
    if not folder:
        return

    def came(found: list[dict[str, Any]]) -> None:
        model_facts.learn(found)
        known = schema.known()
        for key, role in ROLES.items():
            _items[key] = []
            for model in found:
                family = known.family(model["family"]) if known is not None else None
                if model["family"] == role or (key == CHECKPOINTS and family is not None):
                    what = f"{family['label']}: {family.get('said', '')}" if family is not None else role
                    _items[key].append((str(model["path"]), str(model["name"]), f"{what}. {model['path']}"))

    def failed(error: RestripError) -> None:
        reports.say(str(error), "WARNING")

    jobs.board().transport.ask("models", {"folder": folder}, came, failed)


def items(owner: Any = None, context: Any = None) -> list[tuple[str, str, str]]:
    """As Blender asks for them; the lists live as long as the extension."""
    return _items.get(owner.key if owner is not None else CHECKPOINTS, [])


def with_one_more(text: str, key: str, path: str) -> str:
    """What a setting holds once a file was chosen for it: the file, or one more in its list."""
    if key not in ADDED or path in text:
        return text if key in ADDED else path
    entry = ADDED[key].format(path)
    return f"{text.rstrip(' ,')}, {entry}" if text.strip(" ,") else entry


class RESTRIP_OT_pick_model(operators.Poll, bpy.types.Operator):
    """Choose a file of the models folder"""

    bl_idname = "restrip.pick_model"
    bl_label = "Models"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    bl_property = "model"

    key: StringProperty(default="look.sd", options={"HIDDEN", "SKIP_SAVE"})
    model: EnumProperty(items=items)

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A folder must be chosen."""
        return "" if prefs.models_folder() else "Set the models folder in the extension's preferences"

    def invoke(self, context: Any, event: Any) -> set[str]:
        """A list to search in."""
        if not items(self):
            what = {"lora": "LoRA", "controlnet": "ControlNet", "vae": "VAE"}.get(self.key, "checkpoint")
            self.report({"INFO"}, f"There is no {what} in {prefs.models_folder()}, or it is still being read")
            return {"CANCELLED"}
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Set it on the strip."""
        scene = vse.edited_scene(context)
        before = str(schema.values_of(form.target(scene)).get(self.key, ""))
        form.put(scene, self.key, with_one_more(before, self.key, self.model))
        vse.redraw(context)
        return {"FINISHED"}


def register() -> None:
    """Make the operator known."""
    bpy.utils.register_class(RESTRIP_OT_pick_model)


def unregister() -> None:
    """Forget it."""
    _items.clear()
    bpy.utils.unregister_class(RESTRIP_OT_pick_model)
