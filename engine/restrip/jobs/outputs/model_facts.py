"""What a manifest says of the models that a job was made with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from restrip.client.job import JobSpec
from restrip.errors import BadInput
from restrip.jobs.references import look_files
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.finding import SUFFIXES, Checkpoint, family_of, with_companions
from restrip.looks.diffusion.checkpoints.origin import origin_of


def model_facts(spec: JobSpec) -> list[dict[str, Any]]:
    """{"role", "name", "license", "origin", "forbids_commercial_use"} of each file or folder of weights that a job
    names, and of those found beside a transformer's file; names without folders.
    """
    models = {
        file.role: Path(file.path)
        for file in look_files(spec)
        if any(Path(path).suffix.lower() in SUFFIXES for path in file.files)
    }
    models |= _found_beside(models)
    return [{"role": role, "name": path.name, **origin_of(path).facts()} for role, path in models.items()]


def _found_beside(models: Mapping[str, Path]) -> dict[str, Path]:
    """The text encoder and VAE that a transformer's file is used with where no setting names them."""
    look = models.get("look")
    if look is None:
        return {}
    with suppress(BadInput):  # what is missing is said when the look is opened
        family = family_of(look)
        if family in FAMILIES:
            named = (models.get("text_encoder"), models.get("vae"))
            beside = with_companions(Checkpoint(look, family, look.name), *named).beside
            found = {"text_encoder": beside.text_encoder, "vae": beside.vae}
            return {role: path for role, path in found.items() if path is not None and role not in models}
    return {}


def licence_notes(models: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each model whose licence allows no commercial use."""
    return [
        f"The licence of {model['name']} ({model['license']}) forbids commercial use."
        for model in models
        if model["forbids_commercial_use"]
    ]
