"""Opens Stable Diffusion's checkpoints: diffusers folders, and single files in the original layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restrip.looks.diffusion.backbones.prediction import PREDICTIONS
from restrip.looks.diffusion.backbones.stable_diffusion.parametrisation import Parametrisation, of_config, of_file
from restrip.looks.diffusion.backbones.stable_diffusion.rows import TextPart, UnetFamily
from restrip.looks.diffusion.backbones.stable_diffusion.unet import UnetBackbone
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, read_json
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.loader import clip_text, converted, open_vae, saved
from restrip.looks.diffusion.checkpoints.weights.headers import read_metadata
from restrip.looks.diffusion.checkpoints.weights.safe_weights import (
    Weights,
    from_open_clip,
    from_sd_cpp,
    part,
    read_weights,
    tidied,
)
from restrip.looks.diffusion.conditioning.text_encoders import ClipText, TextEncoder
from restrip.looks.diffusion.conditioning.tokenizer import Tokenizer, clip_tokenizer, read_tokenizer
from restrip.looks.diffusion.runtime.model import Model

# Convolutions by the ends of their names: of one pixel, of one pixel unless they are linear layers, of 3x3 pixels.
ONE = (".skip_connection.weight", ".nin_shortcut.weight", ".quant_conv.weight", ".post_quant_conv.weight")
ONE_OR_LINEAR = (".1.proj_in.weight", ".1.proj_out.weight")
NINE = (".0.0.weight", ".in_layers.2.weight", ".out_layers.3.weight", ".op.weight", ".conv.weight", ".out.2.weight",
        ".conv_in.weight", ".conv_out.weight", ".conv1.weight", ".conv2.weight")  # fmt: skip

UNET, VAE = "UNet2DConditionModel", "AutoencoderKL"


def open_model(checkpoint: Checkpoint, family: UnetFamily, configs: Path, prediction: str = "auto") -> Model:
    """The networks of a checkpoint on the CPU in float32; `configs` is the family's folder of them for single files,
    `prediction` the setting of that name.

    Raises UnreadableCheckpoint, ForeignPickle, MissingGgufPackage, BadGguf, MissingPart, UnknownFamily.
    """
    if checkpoint.is_folder:
        return _from_folder(checkpoint, family, prediction)
    return _from_file(checkpoint, family, configs, prediction)


def _from_folder(checkpoint: Checkpoint, family: UnetFamily, asked: str) -> Model:
    folder = checkpoint.path
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json", folder)
    unet = saved(UNET, folder, family.part)
    return Model(
        name=checkpoint.name,
        backbone=_backbone(family, unet, of_config(folder, scheduler).asked_for(asked)),
        vae=open_vae(folder / "vae", folder) if (folder / "vae").is_dir() else None,
        text=ClipText(tuple(_folder_encoder(folder, text) for text in family.texts)),
    )


def _folder_encoder(folder: Path, text: TextPart) -> TextEncoder:
    try:
        tokenizer = read_tokenizer(folder / f"tokenizer{text.number}")
    except (OSError, ValueError, KeyError) as error:
        raise MissingPart(folder, f"readable tokenizer{text.number}") from error
    kind = "CLIPTextModelWithProjection" if text.projected else "CLIPTextModel"
    module = saved(kind, folder, f"text_encoder{text.number}")
    return TextEncoder(module, tokenizer, penultimate=text.penultimate, projected=text.projected)


def _from_file(checkpoint: Checkpoint, family: UnetFamily, configs: Path, asked: str) -> Model:
    path = checkpoint.path
    weights = _with_kernels(tidied(read_weights(path)), linear=family.second or family.sized)
    has_vae = any(name.startswith("first_stage_model.") for name in weights)
    found = of_file(path, weights, read_metadata(path), second=family.second).asked_for(asked)
    unet = converted(UNET, path, weights, configs / family.part)
    return Model(
        name=checkpoint.name,
        backbone=_backbone(family, unet, found),
        vae=converted(VAE, path, weights, configs / "vae") if has_vae else None,
        text=ClipText(tuple(_file_encoder(path, weights, text, configs) for text in family.texts)),
        notes=[found.note] if found.note else [],
    )


def _with_kernels(weights: Weights, *, linear: bool) -> Weights:
    """Convolutions [out, in, height, width] where a GGUF file has matrices: without sides of 1, or each kernel in a
    row. `linear` is whether the layers around the UNet's attention are none.
    """
    ones = ONE if linear else (*ONE, *ONE_OR_LINEAR)
    shaped = {}
    for name, value in weights.items():
        if value.dim() == 2 and name.endswith(ones):
            value = value[:, :, None, None]
        elif value.dim() == 2 and name.endswith(NINE) and "label_emb" not in name and value.shape[1] % 9 == 0:
            value = value.reshape(len(value), -1, 3, 3)
        shaped[name] = value
    return shaped


def _backbone(family: UnetFamily, unet: Any, found: Parametrisation) -> UnetBackbone:
    return UnetBackbone(family, unet, found.schedule(), PREDICTIONS[found.prediction])


def _file_encoder(path: Path, weights: Weights, text: TextPart, configs: Path) -> TextEncoder:
    own = part(weights, text.prefix)
    own = from_open_clip(own) if own and text.open_clip else from_sd_cpp(own or part(weights, text.sd_cpp))
    module = clip_text(path, own, configs / f"text_encoder{text.number}", projected=text.projected)
    tokenizer = _tokenizer(configs / f"tokenizer{text.number}", text.pad)
    return TextEncoder(module, tokenizer, penultimate=text.penultimate, projected=text.projected)


def _tokenizer(folder: Path, pad: str | None) -> Tokenizer:
    """CLIP's, unless the configs bring another one."""
    if folder.is_dir():
        return read_tokenizer(folder)
    return clip_tokenizer() if pad is None else clip_tokenizer(pad)
