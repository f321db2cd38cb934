"""Small pictures on panels: the built-in looks, and the newest key of a running job."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

_pictures: Any = None
_looks: list[tuple[str, str, str, int, int]] = []
_newest: dict[str, bytes] = {}
_folder: tempfile.TemporaryDirectory[str] | None = None


def learn_looks(looks: Sequence[Any]) -> None:
    """The built-in looks as the engine lists them: {"name", "label", "thumbnail"}."""
    if _pictures is None:
        return
    _looks.clear()
    for number, look in enumerate(looks):
        path = str(look.get("thumbnail") or "")
        key = f"look {look['name']} {path}"
        if path and Path(path).is_file() and key not in _pictures:
            _pictures.load(key, path, "IMAGE")
        icon = _pictures[key].icon_id if key in _pictures else 0
        argument = str(look["name"]).partition(":")[2]
        _looks.append((argument, str(look["label"]), str(look["name"]), icon, number))


def looks(owner: Any = None, context: Any = None) -> list[tuple[str, str, str, int, int]]:
    """The items of the menu of built-in looks, as Blender asks for them; the list lives as long as the extension."""
    return _looks or [("19", "Look 19", "neural:19", 0, 0)]


def looks_known() -> bool:
    """Whether the engine has listed its looks."""
    return bool(_looks)


def newest(key: str, jpeg: bytes) -> None:
    """Keep a JPEG under a name: a job's id for its newest key."""
    global _folder
    if _pictures is None or _newest.get(key) == jpeg:
        return
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="restrip-previews-")
    _newest[key] = jpeg
    path = os.path.join(_folder.name, f"{key}.jpg")
    with open(path, "wb") as file:
        file.write(jpeg)
    if key in _pictures:
        del _pictures[key]
    _pictures.load(key, path, "IMAGE")


def path_of(key: str) -> str:
    """The file of the JPEG kept under a name; "" when there is none."""
    return os.path.join(_folder.name, f"{key}.jpg") if _folder is not None and key in _newest else ""


def icon(key: str) -> int:
    """The picture kept under a name, for `template_icon`; 0 while there is none."""
    return int(_pictures[key].icon_id) if _pictures is not None and key in _pictures else 0


def register() -> None:
    """Make room for pictures."""
    global _pictures
    _pictures = bpy.utils.previews.new()


def unregister() -> None:
    """Free them."""
    global _pictures, _folder
    _looks.clear()
    _newest.clear()
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
        _pictures = None
    if _folder is not None:
        _folder.cleanup()
        _folder = None
