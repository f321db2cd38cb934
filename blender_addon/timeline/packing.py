"""Results moved beside the .blend file, and a project packed for another computer with all its movies."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .. import values
from . import places, vse

MEDIA = "media"


@dataclass
class Packing:
    """The media of a project as it is copied into one folder; `missing` are the files that aren't there."""

    folder: Path
    taken: dict[Path, Path] = field(default_factory=dict)
    missing: list[Path] = field(default_factory=list)
    undo: list[Callable[[], None]] = field(default_factory=list)

    def bring(self, path: Path, within: str = "") -> Path | None:
        """A file's or a folder's copy, in a folder of the media if one is named. None when it is missing."""
        if path not in self.taken:
            if not path.exists():
                self.missing.append(path)
                return None
            self.taken[path] = places.copied(path, self.folder / MEDIA / within)
        return self.taken[path]

    def kept(self, path: Path) -> str:
        """The copy's path as the packed .blend keeps it."""
        return f"//{os.path.relpath(path, self.folder)}"

    def repoint(self, thing: Any, name: str, text: str) -> None:
        """Change a property for as long as the copy is saved."""
        before = getattr(thing, name)
        self.undo.append(lambda: setattr(thing, name, before))
        setattr(thing, name, text)


def pack(blend: Path) -> Packing:
    """Save a copy of the open file as `blend`, with every movie, sound and picture of its strips beside it.

    The open file itself is left as it is. Raises OSError, RuntimeError.
    """
    packing = Packing(blend.parent)
    try:
        for scene in bpy.data.scenes:
            for strip in vse.every_strip(scene):
                _pack_strip(packing, strip)
                _pack_values(packing, strip)
            _pack_images(packing, scene)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend), copy=True, relative_remap=False)
    finally:
        for back in reversed(packing.undo):
            back()
    return packing


def _pack_strip(packing: Packing, strip: Any) -> None:
    path = places.media_of(strip)
    if path is not None and strip.type == "MOVIE":
        copy = packing.bring(path)
        if copy is not None:
            packing.repoint(strip, "filepath", packing.kept(copy))
    elif path is not None:
        # Pictures of one strip stay together, whatever others of the same names there are.
        within = f"{path.name} {zlib.crc32(os.fsencode(path)):08x}"
        for name in {element.filename for element in strip.elements}:
            packing.bring(path / name, within)
        packing.repoint(strip, "directory", packing.kept(packing.folder / MEDIA / within) + os.sep)
    elif strip.type == "SOUND" and strip.sound is not None and strip.sound.packed_file is None:
        copy = packing.bring(Path(bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)))
        if copy is not None:
            packing.repoint(strip.sound, "filepath", packing.kept(copy))


def _pack_values(packing: Packing, strip: Any) -> None:
    """The pictures that a strip's settings name: a painting, a matte."""
    given = dict(values.read(strip.restrip.values))
    for name in ("look.painting", "matte.file"):
        if given.get(name):
            copy = packing.bring(Path(bpy.path.abspath(str(given[name]))))
            if copy is not None:
                given[name] = packing.kept(copy)
    if given != values.read(strip.restrip.values):
        packing.repoint(strip.restrip, "values", values.written(given))


def _pack_images(packing: Packing, scene: Any) -> None:
    """Pictures painted for markers."""
    images = dict(values.read(scene.restrip.images))
    for name, path in images.items():
        copy = packing.bring(Path(bpy.path.abspath(str(path))))
        if copy is not None:
            images[name] = packing.kept(copy)
    if images:
        packing.repoint(scene.restrip, "images", json.dumps(images))


def scenes_with_results() -> Iterator[Any]:
    """The scenes that results lie in."""
    yield from (s for s in bpy.data.scenes if any(strip.restrip.result_of for strip in vse.every_strip(s)))


class RESTRIP_OT_gather(bpy.types.Operator):
    """Copy the files of results to where the results of this file live, and show them from there"""

    bl_idname = "restrip.gather"
    bl_label = "Move Results Beside the File"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Copy and relink."""
        try:
            count = sum(places.gather(scene) for scene in scenes_with_results())
        except OSError as error:
            self.report({"ERROR"}, f"{error.filename or 'A file'} can't be copied: {error.strerror or error}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{count} file{'' if count == 1 else 's'} moved")
        return {"FINISHED"}


class RESTRIP_OT_pack_project(bpy.types.Operator):
    """Save a copy of this file with all its movies, sounds and pictures beside it, for another computer"""

    bl_idname = "restrip.pack_project"
    bl_label = "Pack Project for Another Computer"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Choose the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Copy everything, then say what was missing."""
        name = bpy.path.basename(bpy.data.filepath) or "project.blend"
        blend = Path(bpy.path.abspath(self.directory)) / name
        if bpy.data.filepath and blend == Path(bpy.data.filepath):
            self.report({"ERROR"}, "Choose another folder than the file's own")
            return {"CANCELLED"}
        try:
            blend.parent.mkdir(parents=True, exist_ok=True)
            packing = pack(blend)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, f"The project can't be packed: {error}")
            return {"CANCELLED"}
        for path in packing.missing:
            self.report({"WARNING"}, f"{path} is missing")
        self.report({"INFO"}, f"{blend} with {len(packing.taken)} files")
        return {"FINISHED"}


def draw_astray(layout: Any, scene: Any) -> None:
    """The button that moves results which lie elsewhere; nothing where there are none."""
    count = len(places.astray(scene))
    if count:
        text = f"Move {count} Result{'' if count == 1 else 's'} Beside the File"
        layout.operator("restrip.gather", text=text, icon="FILE_FOLDER")


register, unregister = bpy.utils.register_classes_factory((RESTRIP_OT_gather, RESTRIP_OT_pack_project))
