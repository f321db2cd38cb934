"""Which kind of model a file or folder holds, by the shapes of its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.headers import Shapes
from restrip.looks.diffusion.checkpoints.lora_kinds import kinds_of

UNET = "model.diffusion_model."
FIRST_CONV = UNET + "input_blocks.0.0.weight"
VAE_CONVS = ("first_stage_model.encoder.conv_in.weight", "encoder.conv_in.weight")
CONTROL_PREFIX = "control_model."


class UnknownFamily(BadInput):
    """A file that holds a network which this look can't run."""

    code = "unknown-family"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} is no model that can be used here: {why}.",
            "Use a Stable Diffusion 1.5, 1.5 inpainting or SDXL checkpoint.",
            path=str(path),
        )


class MissingPart(BadInput):
    """A checkpoint without one of its networks."""

    code = "missing-part"

    def __init__(self, path: Path, part: str) -> None:
        super().__init__(
            f"{path.name} has no {part}.", "Use the complete checkpoint, or name the missing part in the settings.",
            path=str(path), part=part,
        )  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A kind of model: its label, and the square side in pixels that it was trained on."""

    name: str
    label: str
    native_px: int = 512
    runnable: bool = True


FAMILIES = {
    family.name: family
    for family in (
        Family("sd15", "Stable Diffusion 1.5"),
        Family("sd15-inpaint", "Stable Diffusion 1.5 inpainting"),
        Family("sdxl", "SDXL", 1024),
        Family("sdxl-inpaint", "SDXL inpainting", 1024),
        Family("lora", "LoRA", runnable=False),
        Family("controlnet", "ControlNet", runnable=False),
        Family("vae", "VAE", runnable=False),
    )
}


def family_of_shapes(shapes: Shapes) -> str:
    """The family's name, or "unknown" followed by what is known about it."""
    if FIRST_CONV in shapes:
        return _family_of_unet(shapes)
    if any(name.startswith((CONTROL_PREFIX, "controlnet_cond_embedding.")) for name in shapes):
        return "controlnet"
    if kinds_of(shapes):
        return "lora"
    if any(name in shapes for name in VAE_CONVS):
        return "vae"
    if any(name.startswith("double_blocks.") or ".double_blocks." in name for name in shapes):
        return "unknown (Flux)"
    if any(".joint_blocks." in name for name in shapes):
        return "unknown (Stable Diffusion 3)"
    return "unknown"


def _family_of_unet(shapes: Shapes) -> str:
    channels = shapes[FIRST_CONV][1]
    xl = any(name.startswith("conditioner.embedders.1.") for name in shapes) or UNET + "label_emb.0.0.weight" in shapes
    if any(name.startswith("cond_stage_model.model.") for name in shapes):
        return "unknown (Stable Diffusion 2)"
    if channels not in (4, 9):
        return f"unknown ({channels} input channels)"
    return ("sdxl" if xl else "sd15") + ("-inpaint" if channels == 9 else "")


def family_of_folder(folder: Path) -> str:
    """The family of a diffusers folder by its configs. Raises MissingPart, UnknownFamily."""
    index = read_json(folder / "model_index.json", folder)
    unet = read_json(folder / "unet" / "config.json", folder)
    if unet.get("_class_name") != "UNet2DConditionModel":
        raise UnknownFamily(folder, f"its network is a {unet.get('_class_name')}")
    channels = unet.get("in_channels", 4)
    if channels not in (4, 9):
        raise UnknownFamily(folder, f"its network has {channels} input channels")
    xl = unet.get("addition_embed_type") == "text_time"
    if xl and index.get("text_encoder", [None, None])[1] is None:
        raise UnknownFamily(folder, "it is SDXL's refiner, which has no first text encoder")
    return ("sdxl" if xl else "sd15") + ("-inpaint" if channels == 9 else "")


def read_json(path: Path, folder: Path) -> dict[str, Any]:
    """A config of a diffusers folder. Raises MissingPart, UnknownFamily."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingPart(folder, str(path.relative_to(folder))) from error
    except (OSError, ValueError) as error:
        raise UnknownFamily(folder, f"{path.name} can't be read") from error
    if not isinstance(content, dict):
        raise UnknownFamily(folder, f"{path.name} is no config")
    return content
