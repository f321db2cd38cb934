"""Opens a checkpoint of any family."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch

from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.precision import cast


def open_model(
    checkpoint: Checkpoint,
    *,
    vae: Path | None = None,
    dtype: torch.dtype = torch.float32,
    configs: Path | None = None,
    prediction: str = "auto",
) -> Model:
    """The networks of a checkpoint on the CPU: the family's network in `dtype`, the others as its module gives them.

    `vae` is a file or folder to use instead of the checkpoint's own, `prediction` the setting
    of that name, `configs` a folder like adapter.CONFIGS.

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, UnknownFamily.
    """
    family = FAMILIES[checkpoint.family]
    folder = (configs or loader.CONFIGS) / family.name
    with loader.quiet():
        model: Model = import_module(family.opener).open_model(checkpoint, family, folder, prediction)
        cast(model.network, dtype)
        if vae is not None:
            model.vae = loader.open_vae(vae, folder)
    if model.vae is None:
        raise MissingPart(checkpoint.path, "VAE")
    for module in (model.network, model.vae, *model.text.parts.values()):
        module.eval().requires_grad_(False)
    return model
