"""Frames of a clip as pictures to paint on, named so that they are found again as keys.

What somebody painted is never written over: it is left alone and said, or with `replace` kept under another name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restrip.client.job import clip_from_json
from restrip.errors import BadInput
from restrip.jobs.highlights import goes_beyond_white
from restrip.jobs.outputs.delivery import try_folder
from restrip.jobs.outputs.key_note import FIRST, NAME, note_text
from restrip.jobs.tasks.registry import Assignment
from restrip.media import ClipReader
from restrip.media.files import disk_errors
from restrip.media.frame import Frame
from restrip.media.pictures.picture import as_png
from restrip.storage.atomic import aside_of, replace, sync_file, write_whole
from restrip.timeline.exported_keys import is_untouched, marked
from restrip.timeline.key_names import key_name, keys_in_folder

WRITTEN, THERE, PAINTED, REPLACED = "written", "there", "painted", "replaced"
"""What became of a key: written anew; the same frame was there already; a painted one was left alone, or kept aside."""


class KeysAmongPictures(BadInput):
    """The folder for the keys is the one that the clip's own pictures lie in."""

    code = "keys-among-pictures"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds the clip's own pictures: keys among them would be taken for pictures of the clip.",
            "Choose another folder, such as a new one inside it.",
            folder=str(folder),
        )


def export_keys(task: Assignment) -> dict[str, Any]:
    """Write the frames. Returns {"keys": [{"frame", "file", "outcome", "kept"}], "note": file, "size": [w, h]}.

    Raises KeysAmongPictures, OutputUnwritable, DiskFull, and what reading the clip raises.
    """
    body = task.body
    clip, folder, first = clip_from_json(body["source"]), Path(body["folder"]), int(body["first"])
    frames = sorted(set(map(int, body["frames"])))
    if len(clip.paths) > 1 and os.path.realpath(folder) in {os.path.realpath(os.path.dirname(p)) for p in clip.paths}:
        raise KeysAmongPictures(folder)
    made: list[dict[str, Any]] = []
    with ClipReader(clip, stream=int(body.get("stream", 0))) as media:
        try_folder(folder)
        # What a look sees is what a key is painted on.
        beyond = goes_beyond_white(media, clip, task.cache)
        for done, frame in enumerate(frames):
            task.report("reading", done, len(frames), unit="frame")
            picture = media.coding.proxy(media.light(frame)) if beyond else media.frame(frame)
            made.append({"frame": frame, **_export(folder, frame + first, picture, bool(body["replace"]))})
        size = media.size
    note = ""
    if body.get("note", True):
        note = _write_note(folder, clip.name, size, body)
    return {"keys": made, "note": note, "size": list(size)}


def _export(folder: Path, number: int, frame: Frame, replaced: bool) -> dict[str, Any]:
    """One picture: {"file", "outcome", "kept"}; `kept` is where a painted one went that is replaced."""
    target = folder / key_name(number)
    aside, plain = aside_of(target), as_png(frame)
    picture = marked(plain)
    there = keys_in_folder(folder).get(number, [])
    kept = ""
    with disk_errors(str(target)):
        try:
            if len(there) == 1 and there[0].read_bytes() in (picture, plain):  # Earlier versions wrote it plain.
                return {"file": str(there[0]), "outcome": THERE, "kept": ""}
            if there and not replaced:
                return {"file": str(there[0]), "outcome": PAINTED, "kept": ""}
            aside.write_bytes(picture)
            sync_file(aside)
            for path in there:
                kept = str(_keep(path))
            if not _take_name(aside, target) and not is_untouched(target):
                return {"file": str(target), "outcome": PAINTED, "kept": kept}
        finally:
            aside.unlink(missing_ok=True)
    return {"file": str(target), "outcome": REPLACED if there else WRITTEN, "kept": kept}


def _take_name(aside: Path, target: Path) -> bool:
    """Give a picture its name, as long as no other has it: somebody may paint in this moment."""
    try:
        os.link(aside, target)
    except FileExistsError:
        return False
    except OSError:  # A disk without links.
        if target.exists():
            return False
        replace(aside, target)
    return True


def _keep(path: Path) -> Path:
    """Rename a painted key to a name that no frame has, and that no file has yet."""
    number = 1
    while (other := path.with_name(f"{path.stem} (before{f' {number}' if number > 1 else ''}){path.suffix}")).exists():
        number += 1
    path.rename(other)
    return other


def _write_note(folder: Path, clip: str, size: tuple[int, int], body: Mapping[str, Any]) -> str:
    """The note about all keys that the folder has now; one that somebody else wrote under its name is left alone."""
    target = folder / NAME
    first = int(body["first"])
    pictures: Sequence[tuple[int, str]] = [(number, paths[0].name) for number, paths in keys_in_folder(folder).items()]
    if target.exists() and not target.read_text("utf-8", "replace").startswith(FIRST):
        return ""
    with disk_errors(str(target)):
        text = note_text(clip or "the clip", size, pictures, str(folder), str(body.get("editor", "")), first)
        write_whole(target, text.replace("\n", "\r\n").encode("utf-8", "surrogateescape"))
    return str(target)
