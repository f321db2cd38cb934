"""The model that is loaded: one at a time, kept from job to job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.adapter_specs import Weighted
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.lora import merge
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.speed import norms

TUNED = False
"""Whether cuDNN tries its ways of each convolution once for each shape. Not measured yet."""

# The last model that was loaded and what it was loaded for.
_kept: dict[ModelKey, Model] = {}


@dataclass(frozen=True)
class ModelKey:
    """Which model, with what merged into it, where and how."""

    checkpoint: Checkpoint
    content: str
    vae: Path | None
    loras: tuple[Weighted, ...]
    device: str
    dtype: torch.dtype
    prediction: str = "auto"


def load(key: ModelKey) -> Model:
    """The model, from memory when it is the one that was used last. Raises the adapter's errors and LoRA's."""
    if key not in _kept:
        unload()
        model = open_model(key.checkpoint, vae=key.vae, dtype=key.dtype, prediction=key.prediction)
        for lora in key.loras:
            merge(model, lora.path, lora.weight, lora.text_weight)
        _place(model, torch.device(key.device))
        _kept[key] = model
    return _kept[key]


def unload() -> None:
    """Forget the model, and give its memory back."""
    _kept.clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _place(model: Model, device: torch.device) -> None:
    model.turns = Offload(device, networks={"network": model.network, "vae": model.vae})
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = TUNED
        if norms.ON:
            norms.lay(model.network)
            norms.lay(model.vae)
        try:
            model.backbone.settle(device)
            model.vae.to(device, memory_format=torch.channels_last)
        except torch.OutOfMemoryError:  # not beside each other: they take turns from the start
            model.turns.force()


def device_of(asked: str) -> torch.device:
    """The device that a recipe means by its name."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else torch.device(asked)
