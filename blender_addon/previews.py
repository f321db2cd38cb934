"""Small pictures on panels: the built-in looks, and the newest key of a running job."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

_pictures: Any = None
_looks: list[tuple[str, str, str, int, int]] = []
_newest: dict[str, bytes] = {}
on_looks: list[Callable[[], None]] = []
"""Who wants to know that the looks are there."""
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
        _looks.append((argument, str(look["label"]), "A built-in look", icon, number))
    for take in on_looks:
        take()


def order_looks(first: Sequence[str]) -> None:
    """Put the looks of these numbers before the others; each keeps the number by which Blender knows it."""
    _looks.sort(key=lambda look: (first.index(look[0]) if look[0] in first else len(first), look[4]))


def mix_key(strip: str, look: str) -> str:
    """The name of the picture that shows a strip's frame in a mix of looks."""
    return f"mix {zlib.crc32(f'{strip} {look}'.encode())}"


def looks(owner: Any = None, context: Any = None) -> list[tuple[str, str, str, int, int]]:
    """The items of the menu of built-in looks, as Blender asks for them; the list lives as long as the extension."""
    return _looks or [("19", "Blue Night (19)", "A built-in look", 0, 0)]


def look_pictured(number: str) -> bool:
    """Whether a built-in look has its picture here: a Blender in a sandbox may not see the engine's files."""
    return any(look[0] == number and look[3] for look in _looks)


def looks_known() -> bool:
    """Whether the engine has listed its looks."""
    return bool(_looks)


def newest(key: str, jpeg: bytes, ending: str = ".jpg") -> None:
    """Keep a JPEG (or a PNG) under a name: a job's id for its newest key."""
    global _folder
    if _pictures is None or _newest.get(key) == jpeg:
        return
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="restrip-previews-")
    _newest[key] = jpeg
    path = os.path.join(_folder.name, f"{key}{ending}")
    with open(path, "wb") as file:
        file.write(jpeg)
    if key in _pictures:
        del _pictures[key]
    _pictures.load(key, path, "IMAGE")


def path_of(key: str) -> str:
    """The file of the JPEG kept under a name; "" when there is none."""
    return os.path.join(_folder.name, f"{key}.jpg") if _folder is not None and key in _newest else ""


def keep_file(path: str) -> None:
    """Have a picture's file ready as an icon, under its path."""
    if _pictures is not None and path and path not in _pictures and Path(path).is_file():
        _pictures.load(path, path, "IMAGE")


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
