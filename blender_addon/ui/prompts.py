"""The prompts that were used last, the dice for a seed, and the prompt of the keyframe under the playhead."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from .. import values
from ..engine import schema
from ..timeline import key_prompts, vse
from . import form, presets

LAST = "prompts.json"
KEPT = 12
MENU_TEXT = 60
SETTING, SEED = "prompt", "seed"


def last() -> list[str]:
    """The prompts that were used last, the newest first."""
    try:
        found = json.loads((schema.folder() / LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [str(text) for text in found] if isinstance(found, list) else []


def remember(used: Mapping[str, Any]) -> None:
    """Keep the prompt of these values among the last ones."""
    prompt = str(used.get(SETTING, "")).strip()
    if prompt:
        kept = [prompt, *(text for text in last() if text != prompt)][:KEPT]
        (schema.folder() / LAST).write_text(json.dumps(kept), "utf-8")


class RESTRIP_OT_use_prompt(presets.TargetOperator, bpy.types.Operator):
    """Use this prompt for the strip"""

    bl_idname = "restrip.use_prompt"
    bl_label = "Use Prompt"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    index: IntProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Write it to the strip."""
        found = last()
        if self.index >= len(found):
            return {"CANCELLED"}
        form.put(vse.edited_scene(context), SETTING, found[self.index])
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_MT_prompts(bpy.types.Menu):
    """The prompts that were used last"""

    bl_idname = "RESTRIP_MT_prompts"
    bl_label = "Last Prompts"

    def draw(self, context: Any) -> None:
        """The newest first."""
        found = last()
        if not found:
            self.layout.label(text="No prompt was used yet")
        for index, text in enumerate(found):
            short = text if len(text) <= MENU_TEXT else f"{text[: MENU_TEXT - 1]}…"
            self.layout.operator("restrip.use_prompt", text=short).index = index


class RESTRIP_OT_dice(presets.TargetOperator, bpy.types.Operator):
    """Throw the dice for another seed"""

    bl_idname = "restrip.dice"
    bl_label = "Another Seed"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Write it to the strip."""
        bounds = next((setting for setting in schema.current() if setting.key == SEED), None)
        top = int(bounds.high) if bounds is not None and bounds.high is not None else 2**32 - 1
        form.put(vse.edited_scene(context), SEED, random.SystemRandom().randint(0, top))
        vse.redraw(context)
        return {"FINISHED"}


def draw_key(layout: Any, scene: Any, strip: Any) -> None:
    """The prompt of the keyframe under the playhead, where the look takes one."""
    given = schema.values_of(strip)
    family = values.own(given, "look.family")
    takes = any(setting.key == SETTING and family in setting.looks for setting in schema.current())
    marker = key_prompts.marker_at(scene, scene.frame_current)
    if not takes or marker is None or scene.frame_current not in vse.span_of(strip):
        return
    box = layout.box()
    box.label(text=f"Keyframe at frame {scene.frame_current}", icon="MARKER")
    box.prop(scene.restrip_form, form.KEY_PROMPT, text="Prompt")
    if marker.name in bpy.data.texts:
        box.label(text="Kept whole in a text block", icon="TEXT")


_register, _unregister = bpy.utils.register_classes_factory(
    (RESTRIP_OT_use_prompt, RESTRIP_MT_prompts, RESTRIP_OT_dice)
)


def register() -> None:
    """Make them known."""
    _register()


def unregister() -> None:
    """Forget them."""
    _unregister()
