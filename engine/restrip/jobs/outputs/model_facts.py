"""What a manifest says of the models that a job was made with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.references import look_files
from restrip.looks.diffusion.checkpoints.finding import SUFFIXES
from restrip.looks.diffusion.checkpoints.origin import origin_of


def model_facts(spec: JobSpec) -> list[dict[str, Any]]:
    """{"role", "name", "license", "origin", "forbids_commercial_use"} of each file or folder of weights that a job
    names; names without folders.
    """
    models = {
        file.role: Path(file.path)
        for file in look_files(spec)
        if any(Path(path).suffix.lower() in SUFFIXES for path in file.files)
    }
    return [{"role": role, "name": path.name, **origin_of(path).facts()} for role, path in models.items()]


def licence_notes(models: Iterable[dict[str, Any]]) -> list[str]:
    """A sentence for each model whose licence allows no commercial use."""
    return [
        f"The licence of {model['name']} ({model['license']}) forbids commercial use."
        for model in models
        if model["forbids_commercial_use"]
    ]
