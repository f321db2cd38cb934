"""What the editor has selected stays selected, whatever is placed or taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from . import vse


@dataclass(frozen=True)
class _Picked:
    """The selection of a scene, by the strips' names: placing makes Blender move strips in memory."""

    names: frozenset[str]
    handles: frozenset[tuple[str, str]]
    active: str


HANDLES = ("select_left_handle", "select_right_handle")


@contextmanager
def kept() -> Iterator[None]:
    """Leave the selection of every scene as it is; what is new isn't selected.

    Where a selected or active strip was replaced, the new one of its name stands for it.
    """
    before = {scene.name: _picked(scene) for scene in bpy.data.scenes}
    try:
        yield
    finally:
        for scene in bpy.data.scenes:
            if scene.name in before and scene.sequence_editor is not None:
                _pick(scene, before[scene.name])


def _picked(scene: Any) -> _Picked:
    strips = vse.every_strip(scene)
    active = vse.active_strip(scene)
    return _Picked(
        frozenset(strip.name for strip in strips if strip.select),
        frozenset((strip.name, handle) for strip in strips for handle in HANDLES if getattr(strip, handle)),
        active.name if active is not None else "",
    )


def _pick(scene: Any, picked: _Picked) -> None:
    active = None
    for strip in vse.every_strip(scene):
        wanted = strip.name in picked.names
        if strip.select != wanted:
            strip.select = wanted
        for handle in HANDLES:
            if getattr(strip, handle) != ((strip.name, handle) in picked.handles):
                setattr(strip, handle, (strip.name, handle) in picked.handles)
        if strip.name == picked.active:
            active = strip
    vse.set_active_strip(scene, active)
