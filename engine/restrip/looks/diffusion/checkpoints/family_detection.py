"""Which kind of model a file or folder holds, by the shapes of its weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.looks.diffusion.backbones.family import Recognizer
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.lora_kinds import kinds_of
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes
from restrip.media.files import MediaUnreadable, open_regular

QWEN_NORMS = ("layers.0.self_attn.q_norm.weight", "blk.0.attn_q_norm.weight")
VAE_CONVS = ("first_stage_model.encoder.conv_in.weight", "encoder.conv_in.weight")
CONTROL_PREFIXES = ("control_model.", "controlnet_cond_embedding.", "control_all_x_embedder.")


class UnknownFamily(BadInput):
    """A file that holds a network which this look can't run."""

    code = "unknown-family"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} is no model that can be used here: {why}.",
            f"Use a checkpoint of {_runnable()}.",
            path=str(path),
        )


class LoneUnet(BadInput):
    """A file with nothing but a UNet."""

    code = "unet-alone"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path.name} is {what}: the text encoder and the VAE that belong to it aren't in the file.",
            "Use the whole checkpoint: one .safetensors or .gguf file with all its networks, or a diffusers folder.",
            path=str(path),
            what=what,
        )


def _runnable() -> str:
    """The families that can be used, in words."""
    *labels, last = [family.label for family in FAMILIES.values() if family.runnable]
    return f"{', '.join(labels)} or {last}"


class MissingPart(BadInput):
    """A checkpoint without one of its networks."""

    code = "missing-part"

    def __init__(self, path: Path, part: str) -> None:
        super().__init__(
            f"{path.name} has no {part}.", "Use the complete checkpoint, or name the missing part in the settings.",
            path=str(path), part=part,
        )  # fmt: skip


def family_of_shapes(shapes: Shapes) -> str:
    """The family's name, or "unknown" followed by what is known about it."""
    found = next((name for who in _recognizers() if (name := who.in_file(shapes))), None)
    if found is not None:
        return found
    if any(name.startswith(CONTROL_PREFIXES) for name in shapes):
        return "controlnet"
    if any(name.startswith("ip_adapter.") for name in shapes):
        return "ip-adapter"
    if "vision_model.embeddings.class_embedding" in shapes:
        return "clip-vision"
    if kinds_of(shapes):
        return "lora"
    if any(name in shapes for name in VAE_CONVS):
        return "vae"
    if any(name.endswith(QWEN_NORMS) for name in shapes):
        return "text-encoder"
    if any(name.startswith("double_blocks.") or ".double_blocks." in name for name in shapes):
        return "unknown (Flux)"
    if any(".joint_blocks." in name for name in shapes):
        return "unknown (Stable Diffusion 3)"
    return "unknown"


def family_of_folder(folder: Path) -> str:
    """The family of a diffusers folder by its configs. Raises MissingPart, UnknownFamily."""
    index = read_json(folder / "model_index.json", folder)
    parts = dict.fromkeys(family.part for family in FAMILIES.values() if family.runnable)
    part = next((part for part in parts if (folder / part).is_dir()), next(iter(parts)))
    network = read_json(folder / part / "config.json", folder)
    found = next((name for who in _recognizers() if (name := who.in_folder(index, network))), None)
    if found not in FAMILIES:
        raise UnknownFamily(folder, found or f"its network is a {network.get('_class_name')}")
    return found


def _recognizers() -> Iterable[Recognizer]:
    """What tells families, each once."""
    return dict.fromkeys(family.recognizer for family in FAMILIES.values() if family.recognizer is not None)


def read_json(path: Path, folder: Path) -> dict[str, Any]:
    """A config of a diffusers folder. Raises MissingPart, UnknownFamily."""
    try:
        with open_regular(path) as file:
            content = json.loads(file.read().decode("utf-8"))
    except FileNotFoundError as error:
        raise MissingPart(folder, str(path.relative_to(folder))) from error
    except (OSError, ValueError, MediaUnreadable) as error:
        raise UnknownFamily(folder, f"{path.name} can't be read") from error
    if not isinstance(content, dict):
        raise UnknownFamily(folder, f"{path.name} is no config")
    return content
