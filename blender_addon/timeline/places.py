"""Where results live: beside the .blend file, in a folder that is asked for, or with the engine.

A file that was never saved has no place: its results are the engine's until it has, and then they are moved on a click.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from restrip.errors import BadInput

from .. import prefs
from ..engine.requests import StripRequest
from . import takes, vse

FOLDER = "restrip"
AGAIN = "other"
BESIDE, ENGINE, ASK = "BESIDE", "ENGINE", "ASK"


class NoFolder(BadInput):
    """Results are to go into a folder that nobody has chosen yet."""

    code = "no-folder"


def home(scene: Any) -> Path | None:
    """The folder that holds the results of this file; None where they stay with the engine."""
    chosen = prefs.results_in()
    if chosen == ASK:
        given = scene.restrip.folder.strip()
        return Path(bpy.path.abspath(given)).absolute() if given else None
    return Path(bpy.data.filepath).parent / FOLDER if chosen == BESIDE and bpy.data.filepath else None


def check(scene: Any) -> None:
    """Raise NoFolder when a folder is to be asked for, and none was chosen."""
    if prefs.results_in() == ASK and home(scene) is None:
        raise NoFolder("No folder is chosen for the results.", "Choose one under Output in the Restrip tab.")


def folder_for(request: StripRequest, job_id: str) -> str:
    """The folder for one job's files; "" leaves them with the engine."""
    scene = bpy.data.scenes.get(request.origin.scene)
    place = home(scene) if scene is not None else None
    return str(place / f"{_plain(request.origin.strip)} {job_id}") if place is not None else ""


def astray(scene: Any) -> list[Any]:
    """The results whose files don't lie where this file's results live; none where that is with the engine."""
    place = home(scene)
    if place is None:
        return []
    return [meta for meta in _results(scene) if any(not path.is_relative_to(place) for _, path in _files(meta))]


def gather(scene: Any) -> int:
    """Copy the files of all results that lie elsewhere to where this file's results live, and show them from there.

    Returns how many files. Raises OSError; what was copied until then is used.
    """
    place, count = home(scene), 0
    if place is None:
        return 0
    for meta in astray(scene):
        for strip, path in list(_files(meta)):
            if not path.is_relative_to(place):
                count += 1
                folder = place / f"{_plain(meta.name)} {takes.job_of(meta, strip)}"  # Takes have files of one name.
                relink(strip, copied(path, folder))
    return count


def relink(strip: Any, path: Path) -> None:
    """Show a movie strip from another copy of its file, or pictures from another folder."""
    kept = vse.kept_path(str(path))
    if strip.type == "MOVIE":
        strip.filepath = kept
    else:
        strip.directory = kept + os.sep


def copied(path: Path, folder: Path) -> Path:
    """A copy of a file or a folder of pictures inside `folder`, made whole before it has its name.

    Files of one name may be different ones, as those of two takes are: the second lies one folder further in.
    """
    while (target := folder / path.name).exists():
        if _same(path, target):
            return target
        folder = folder / AGAIN
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{path.name}.part"
    if path.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(path, aside)
    else:
        shutil.copyfile(path, aside)
    aside.rename(target)
    return target


def _same(one: Path, other: Path) -> bool:
    """Whether two files, or all files in two folders, have the same content."""
    if one.is_dir() != other.is_dir():
        return False
    if not one.is_dir():
        return filecmp.cmp(one, other, shallow=False)
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def media_of(strip: Any) -> Path | None:
    """The file of a movie strip, or the folder of its pictures; None for strips without."""
    library = strip.id_data.library
    if strip.type == "MOVIE":
        return Path(bpy.path.abspath(strip.filepath, library=library))
    if strip.type == "IMAGE":
        return Path(bpy.path.abspath(strip.directory, library=library))
    return None


def _results(scene: Any) -> Iterator[Any]:
    yield from (strip for strip in vse.every_strip(scene) if strip.restrip.result_of)


def _files(meta: Any) -> Iterator[tuple[Any, Path]]:
    """The strips of a result that show files, each with its file or folder."""
    for strip in vse.strips_of(meta) if vse.has(meta, "strips") or vse.has(meta, "sequences") else ():
        path = media_of(strip)
        if path is not None:
            yield strip, path


def _plain(name: str) -> str:
    """A strip's name as a folder's."""
    return re.sub(r"[^\w .()+-]", "", name).strip(" .") or "strip"
