"""A finished job's look, for a look file; and a look file's look, for a job on this computer.

job      settings, paths of models   ──► names without folders, sha256, a key with its frame ──► look file
look file                            ──► models found here by their sha256 ──► settings, paths of this computer
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restrip.client.draft import is_draft
from restrip.client.job import JobSpec, KeyResult, Manifest
from restrip.client.setting import BadSetting, Setting
from restrip.errors import BadInput
from restrip.jobs.references import NamedFile, look_files, relocated
from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.families import family_of, settings_of
from restrip.looks.look_file.archive import LookArchive
from restrip.looks.look_file.models import find_model
from restrip.looks.look_file.record import ModelUsed
from restrip.looks.look_file.shelf import kept_part
from restrip.looks.settings import ANCHOR_FILE
from restrip.media.files import disk_errors
from restrip.propagate.settings import GRAPHS, ON, PROPAGATE_SETTINGS
from restrip.timeline import ClipRange, Key, Rate

NOT_THE_LOOKS = frozenset(
    {
        "anchor_key",
        ANCHOR_FILE.key,
        "control_file",
        "batch",
        "device",
        "compile",
        "precision",
        "first_number",
        ON,
        GRAPHS,
    }
)
"""Settings of a look's that belong to one clip or one computer."""


class NoLookToSave(BadInput):
    """A job whose look is no look for other clips, or that left no key to be its anchor."""

    code = "no-look-to-save"


class LookIncomplete(BadInput):
    """A look whose models aren't all on this computer."""

    code = "look-incomplete"

    def __init__(self, name: str, missing: Sequence[ModelUsed]) -> None:
        named = "; ".join(f"{_what(used)} {used.name}{_told(used)}" for used in missing)
        hubs = [used.name for used in missing if used.name.startswith(hub.PREFIX)]
        fetch = "".join(f" `restrip models --download {name.removeprefix(hub.PREFIX)}` fetches one." for name in hubs)
        super().__init__(
            f"The look {name} needs what isn't on this computer: {named}.",
            "Copy it into a models folder (RESTRIP_MODELS names it), under any name; then try again. The look "
            f"itself is whole and stays as it is.{fetch}",
            missing=[{"role": used.role, "name": used.name, "sha256": used.sha256} for used in missing],
        )


@dataclass(frozen=True)
class LookHere:
    """A look file's look as a job on this computer names it. `missing` are models that aren't here; without them the
    names stand as they are in the file. `notes` are for the user.
    """

    look: str
    settings: Mapping[str, Any]
    missing: tuple[ModelUsed, ...]
    notes: tuple[str, ...]


def anchor_of(manifest: Manifest, wanted: int | None) -> KeyResult:
    """The key that is to be a look's anchor: the one on frame `wanted`, else the job's own anchor, else the first that
    the look made. Raises NoLookToSave.
    """
    keys = manifest.keys
    if wanted is not None:
        found = next((one for one in keys if one.key.frame == wanted), None)
        if found is None:
            frames = ", ".join(str(one.key.frame) for one in keys[:20])
            raise NoLookToSave(f"The job has no key on frame {wanted}.", f"Its keys are on frames {frames}.")
    else:
        own = next((one.facts.get("anchor") for one in keys if isinstance(one.facts.get("anchor"), int)), None)
        made = [one for one in keys if not one.key.image] or list(keys)
        found = next((one for one in keys if one.key.frame == own), made[0] if made else None)
    if found is None or not found.picture or not Path(found.picture).is_file():
        raise NoLookToSave(
            "The picture of that key is gone, so it can't be a look's anchor.",
            "Render the strip again (what is cached comes back at once), then save the look.",
        )
    return found


def look_of_job(manifest: Manifest) -> tuple[str, dict[str, Any], tuple[NamedFile, ...]]:
    """A job's look and settings as a look file has them, and the files behind the names. Raises NoLookToSave."""
    family, argument = family_of(manifest.look)
    if is_draft(manifest):
        raise NoLookToSave(
            "That strip is a draft: its keys are small, and made in few steps.",
            "Render it in full, then save the look.",
        )
    if family.argument == "folder":
        raise NoLookToSave(
            "Painted keys are pictures of one clip; there is no look in them for another.",
            "Save a look from a strip that a model, a painting or a built-in look made.",
        )
    settings = {key: value for key, value in manifest.settings.items() if key in _portable(manifest.look)}
    spec = _spec(manifest.look, settings)
    files = tuple(look_files(spec))
    places: dict[str, str] = {}
    for file in files:
        if not file.named.startswith(hub.PREFIX):
            places[file.named] = _unused(Path(file.path).name, places.values())
    plain = relocated(spec, places)
    named = tuple(replace(file, named=places.get(file.named, file.named)) for file in files)
    if family.argument == "file" and not any(file.role == "look" for file in files):
        raise NoLookToSave(f"{argument} isn't there any more.", "Put the painting back, then save the look.")
    style = settings.get("style_picture")
    if style and not any(file.role == "style_picture" for file in files):
        raise NoLookToSave(f"{style} isn't there any more.", "Put the style picture back, then save the look.")
    return plain.look, dict(plain.settings), named


def look_here(archive: LookArchive) -> LookHere:
    """A look file's look on this computer; models that are found are named by their paths here.

    Settings that this version doesn't know, or that can't be, are left out with a note. Raises UnknownLook,
    LookFileUnreadable.
    """
    record = archive.record
    known = _portable(record.look)
    settings: dict[str, Any] = {}
    notes: list[str] = []
    for key, value in record.settings.items():
        if key not in known:
            notes.append(f"The look's setting {key[:80]!r} isn't known here: it is left out.")
            continue
        try:
            settings[key] = known[key].check(value)
        except BadSetting as error:
            notes.append(f"{error.message} The look's setting is left out.")
    places: dict[str, str] = {}
    missing = []
    for used in record.models:
        path = _painting(archive, used) if used.part else None
        exact = path is not None
        if path is None:
            path, exact = find_model(used)
        if path is None:
            missing.append(used)
        elif not used.name.startswith(hub.PREFIX):
            places[used.name] = str(path)
        if path is not None and not exact:
            notes.append(
                f"{path.name} has the name of the look's {_what(used)}, but isn't the same file: pictures may differ."
            )
    spec = relocated(_spec(record.look, settings), places)
    return LookHere(spec.look, {**spec.settings, ANCHOR_FILE.key: archive.path}, tuple(missing), tuple(notes))


def _painting(archive: LookArchive, used: ModelUsed) -> Path:
    """A picture of the look's as a file. Raises LookFileUnreadable, OutputUnwritable, DiskFull."""
    content = archive.part(used.part, used.sha256)
    with disk_errors(used.part):
        return kept_part(content, used.sha256, Path(used.part).suffix)


def _portable(look: str) -> dict[str, Setting]:
    """The settings that a look takes along, by their keys."""
    return {s.key: s for s in (*settings_of(look), *PROPAGATE_SETTINGS) if s.key not in NOT_THE_LOOKS}


def _spec(look: str, settings: Mapping[str, Any]) -> JobSpec:
    """A job that has nothing but a look."""
    return JobSpec("a-look", ClipRange(("/",), Rate.of(1), 1), (Key(0),), look, settings)


def _unused(name: str, taken: Any) -> str:
    """The name, or with a number before its ending where two files of different folders have it."""
    path, number, found = Path(name), 2, name
    while found in taken:
        found, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return found


def _what(used: ModelUsed) -> str:
    role = used.role.partition(" ")[0]
    return {"look": "the model", "lora": "the LoRA", "prompt": "the LoRA", "controlnet": "the ControlNet"}.get(
        role, "the VAE" if role == "vae" else role
    )


def _told(used: ModelUsed) -> str:
    size = f"{used.size / 2**20:.0f} MiB, " if used.size >= 2**20 else ""
    of = f", licence {used.license}" if used.license else ""
    return f" ({size}sha256 {used.sha256[:10]}{of})"
