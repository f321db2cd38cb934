"""Looks as files: saved from a finished job, read, added to this computer's and removed."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from restrip import __version__
from restrip.client.job import KeyResult, Manifest
from restrip.errors import BadInput
from restrip.jobs.model.effective_settings import Job, LookSettings
from restrip.jobs.references import NamedFile
from restrip.jobs.saved_look import LookIncomplete, anchor_of, look_here, look_of_job
from restrip.jobs.source import open_source
from restrip.jobs.tasks.prepare import highlights_of, job_spec
from restrip.jobs.tasks.registry import Assignment, read_own
from restrip.looks.families import family_of
from restrip.looks.look_file import models, shelf
from restrip.looks.look_file.archive import (
    FRAME,
    LIMITS,
    PAINTING,
    PICTURE,
    STYLE,
    THUMBNAIL,
    LookArchive,
    painting_part,
    write_archive,
)
from restrip.looks.look_file.pictures import png_of, read_anchor, thumbnail_of
from restrip.looks.look_file.record import AnchorUsed, LookFileUnreadable, LookRecord, ModelUsed
from restrip.media import fit_picture, read_picture
from restrip.media.files import NameTaken, disk_errors, written
from restrip.media.frame import Frame
from restrip.media.pictures.painting import read_painting


class LookExists(BadInput):
    """A look of that name is there already."""

    code = "look-exists"

    def __init__(self, name: str, *, added: bool = False) -> None:
        another = "Give it another name (`--name`, or rename the file)" if added else "Choose another name"
        super().__init__(
            f"There is a look {name!r} already.",
            f"{another}, or replace it: `--replace`, in Blender's dialogue *Replace*.",
        )


def save_look(task: Assignment) -> dict[str, Any]:
    """Make a look file of a finished job. Returns what `read_look` returns of it.

    Raises NoLookToSave, BadLookName, LookExists, MediaMissing and what else reading the clip raises.
    """
    name, folder = str(task.body["name"]).strip(), task.state_dir / "jobs" / str(task.body["job_id"])
    target = _free(name, replace=bool(task.body["replace"]))
    manifest = Manifest.from_json(read_own(folder / "manifest.json"))
    anchor = anchor_of(manifest, task.body["key"])
    look, settings, files = look_of_job(manifest)
    task.report("reading", 0, 0)
    frame = _frame(task, job_spec(folder), manifest, anchor)
    picture = fit_picture(read_picture(anchor.picture), frame.size)
    paintings: dict[str, bytes] = {}
    stems = {"style_picture": STYLE} | ({"look": PAINTING} if family_of(look)[0].argument == "file" else {})
    used = tuple(_used(files, stems, paintings))
    parts = {FRAME: png_of(frame), PICTURE: png_of(picture), THUMBNAIL: thumbnail_of(picture)}
    parts |= paintings
    frame_sha256, picture_sha256 = (hashlib.sha256(parts[part]).hexdigest() for part in (FRAME, PICTURE))
    made = LookSettings.of(manifest.look, {k: v for k, v in manifest.settings.items() if k != "anchor_file"})
    key = made.explicit(anchor.key)
    # What the anchor was made with is the look: a key's own prompt too.
    settings |= {of: value for of, value in (("prompt", key.prompt), ("seed", key.seed)) if value is not None}
    record = LookRecord(
        name,
        look,
        settings,
        AnchorUsed(
            frame_sha256, picture_sha256, frame.size, key.prompt, key.seed, manifest.clip.name, anchor.key.frame
        ),
        used,
        tuple(dict.fromkeys(one.key.prompt for one in manifest.keys if one.key.prompt)),
        __version__,
        time.time(),
    )
    with _taken_is_told(target):
        write_archive(target, record, parts, fresh=not task.body["replace"])
    with suppress(OSError):  # The look is saved; where its models lay is found again by searching.
        models.remember({one.sha256: Path(file.path) for one, file in zip(used, files, strict=True) if not one.part})
    return _shown(target)


def read_look(task: Assignment) -> dict[str, Any]:
    """What is in a look file, and what a job on this computer says to use it; with "use" missing models are an error
    unless jobs are done on another computer, which may have them. Raises LookIncomplete, and what `read_anchor` raises.
    """
    path = shelf.find_look(str(task.body["look"]))
    shown = _shown(path, linked=bool(task.body.get("linked")))
    read_anchor(str(path))  # Damaged pictures are told now.
    if task.body.get("use") and shown["missing"] and not task.body.get("linked"):
        with LookArchive(path) as archive:
            raise LookIncomplete(shown["name"], look_here(archive).missing)
    return shown


def add_look(task: Assignment) -> dict[str, Any]:
    """Put a look file among this computer's, whole or not at all. Returns what `read_look` returns of it."""
    source = Path(str(task.body["path"]))
    with LookArchive(source) as archive:
        name = str(task.body.get("name") or source.stem)
        read_anchor(str(source))
        target = _free(name, replace=bool(task.body["replace"]), added=True)
        if not (target.exists() and target.samefile(source)):
            with _taken_is_told(target, added=True), written(target, fresh=not task.body["replace"]) as aside:
                shutil.copyfile(archive.path, aside)
    return _shown(target)


def remove_look(task: Assignment) -> dict[str, Any]:
    """Delete a saved look's file. Returns {"removed": its path}."""
    name = str(task.body["name"])
    saved = next((path for path in shelf.saved_looks() if path == shelf.find_look(name)), None)
    if saved is None:
        raise shelf.UnknownLookFile(name)
    with disk_errors(str(saved)):
        saved.unlink(missing_ok=True)
    return {"removed": str(saved)}


def list_saved() -> list[dict[str, Any]]:
    """The saved looks of this computer: [{"name", "label", "thumbnail", "look", "path", "error"}]. One that can't be
    read is listed with its error.
    """
    found = []
    for path in shelf.saved_looks():
        one: dict[str, Any] = {"name": path.stem, "label": path.stem, "thumbnail": "", "look": "", "path": str(path)}
        try:
            with LookArchive(path) as archive:
                archive.check(FRAME, PICTURE)
                one |= {"look": archive.record.look, "thumbnail": _thumbnail(archive), "error": None}
        except BadInput as error:
            one["error"] = error.to_wire()
        found.append(one)
    return found


def _free(name: str, *, replace: bool, added: bool = False) -> Path:
    """Where a look of this name goes; `added`: one of a file from elsewhere. Raises BadLookName, LookExists."""
    try:
        target = shelf.path_of(name)
    except shelf.BadLookName:
        if added:
            raise shelf.BadLookName(name, "Give it another name with `--name`, or rename the file. ") from None
        raise
    if target.exists() and not replace:
        raise LookExists(target.stem, added=added)
    return target


@contextmanager
def _taken_is_told(target: Path, *, added: bool = False) -> Iterator[None]:
    """Another process may save a look of the same name at the same time: raises LookExists in the later one."""
    try:
        yield
    except NameTaken as error:
        raise LookExists(target.stem, added=added) from error


def _frame(task: Assignment, spec: Job, manifest: Manifest, anchor: KeyResult) -> Frame:
    """The anchor's frame as its job saw it, without alpha."""
    with open_source(spec) as media:
        number = anchor.key.frame
        kept = highlights_of(task, spec, media)
        seen = media.coding.proxy(media.light(number)) if kept else media.frame(number)
        frame = fit_picture(seen, manifest.size)
    return Frame(frame.rgb)


def _used(files: tuple[NamedFile, ...], stems: Mapping[str, str], paintings: dict[str, bytes]) -> Iterator[ModelUsed]:
    """The look's files by their hashes; pictures come along, as `paintings` by the names of their parts, which begin
    with what `stems` have for their roles.
    """
    for file in files:
        if file.role not in stems:
            yield models.used_model(file.role, file.named, Path(file.path))
            continue
        stem = stems[file.role]
        part, content = painting_part(file.path, stem), Path(file.path).read_bytes()
        if not part or len(content) > LIMITS[PAINTING]:
            part, content = f"{stem}.png", png_of(read_painting(file.path).frame)
        paintings[part] = content
        yield ModelUsed(file.role, file.named, hashlib.sha256(content).hexdigest(), len(content), part=part)


def _shown(path: Path, *, linked: bool = False) -> dict[str, Any]:
    with LookArchive(path) as archive:
        record, here = archive.record, look_here(archive)
        body = record.to_json()
        notes = list(here.notes)
        if here.missing and linked:
            notes += [f"{used.name} isn't on this computer: the linked one is asked for it." for used in here.missing]
        return {
            "name": path.stem,
            "path": str(path),
            "thumbnail": _thumbnail(archive),
            "look": here.look,
            "label": family_of(record.look)[0].label,
            "settings": dict(here.settings),
            **{part: body[part] for part in ("anchor", "models", "prompts", "engine", "created", "version")},
            "missing": [f"{used.name} ({used.role})" for used in here.missing],
            "notes": notes,
        }


def _thumbnail(archive: LookArchive) -> str:
    """The path of the small picture, taken out of the archive when it isn't yet; "" where that can't be: it is for
    lists alone.
    """
    with suppress(LookFileUnreadable, OSError):
        content = archive.part(THUMBNAIL)
        return str(shelf.kept_part(content, hashlib.sha256(content).hexdigest(), ".jpg"))
    return ""
