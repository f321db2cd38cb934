"""The models of a look file on this computer: found again by their sha256, wherever they lie and whatever their name.

where it lay when a look was saved here  ──►  a file of that name in a models folder  ──►  one of that size there
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.diffusion.checkpoints.finding import (
    Checkpoint,
    CheckpointHashes,
    below,
    family_of,
    find_file,
    hub_folder,
    models_folders,
)
from restrip.looks.diffusion.checkpoints.origin import origin_of
from restrip.looks.look_file.record import ModelUsed
from restrip.looks.look_file.shelf import looks_folder
from restrip.storage import json_files


def used_model(role: str, name: str, path: Path) -> ModelUsed:
    """A model that a look is made with, as a look file names it. Reads all of it once, for its sha256."""
    model = Checkpoint(path, "", "")
    size = sum(part.stat().st_size for part in model.files())
    family = ""
    with suppress(BadInput):
        family = family_of(path)
    return ModelUsed(role, name, CheckpointHashes().of_checkpoint(model), size, family, origin_of(path).license)


def remember(places: dict[str, Path]) -> None:
    """Keep where models lie, by their sha256: a look file itself names no folders."""
    target = looks_folder() / "models.json"
    known = json_files.read_json(target) or {}
    target.parent.mkdir(parents=True, exist_ok=True)
    json_files.write_json(target, {**known, **{sha256: str(path) for sha256, path in places.items()}})


def find_model(used: ModelUsed) -> tuple[Path | None, bool]:
    """Where a look's model lies here, and whether it is the very same; None when there is none of that name either."""
    book = CheckpointHashes()
    by_name: Path | None = None
    for path in _candidates(used):
        with suppress(BadInput, OSError):
            if book.of_checkpoint(Checkpoint(path, "", "")) == used.sha256:
                return path, True
            if path.name == used.name or used.name.startswith(hub.PREFIX):
                by_name = by_name or path
    return by_name, False


def _candidates(used: ModelUsed) -> Iterator[Path]:
    known = (json_files.read_json(looks_folder() / "models.json") or {}).get(used.sha256)
    if isinstance(known, str) and Path(known).is_absolute() and Path(known).exists():
        yield Path(known)
    if used.name.startswith(hub.PREFIX):
        with suppress(BadInput):
            yield hub.find(used.name.removeprefix(hub.PREFIX), hub_folder())
        return
    if re.search(r"[/\\:\0]", used.name) or used.name in ("", ".", ".."):
        return  # A look file names no folders: this one was made to.
    folders = models_folders()
    if folders:
        with suppress(BadInput):
            named = find_file(used.name)
            if any(place.absolute() in named.parents for place in folders):
                yield named
        for path in below(folders):
            with suppress(OSError):
                if path.stat().st_size == used.size:
                    yield path
