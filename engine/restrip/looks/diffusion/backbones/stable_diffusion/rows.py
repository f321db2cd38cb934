"""The rows of Stable Diffusion's families, and how their files are told. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from restrip.looks.diffusion.backbones.family import Family, MemoryCoefficients, Supports
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes

UNET = "model.diffusion_model."
FIRST_CONV = UNET + "input_blocks.0.0.weight"
NAMES_ALONE = (
    {"input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight"},
    {"conv_in.weight", "time_embedding.linear_1.weight", "conv_out.weight"},
)
SD2_WIDTH = 1024
OPENER = "restrip.looks.diffusion.backbones.stable_diffusion.checkpoint_files"


class UnetRecognizer:
    """By the first convolution's channels and the text encoders beside the UNet."""

    def in_file(self, shapes: Shapes) -> str | None:
        """See Recognizer."""
        if FIRST_CONV not in shapes:
            return _alone(shapes)
        first = shapes[FIRST_CONV]
        channels = first[1] // (9 if len(first) == 2 else 1)  # a matrix is a convolution with its kernels in a row
        pooled = UNET + "label_emb.0.0.weight" in shapes
        if channels not in (4, 9):
            return f"unknown ({channels} input channels)"
        if any(name.startswith("cond_stage_model.model.") for name in shapes):
            return _name("sd2", channels)
        pooled = pooled or any(name.startswith("conditioner.embedders.1.") for name in shapes)
        return _name("sdxl" if pooled else "sd2" if _reads(shapes) == SD2_WIDTH else "sd15", channels)

    def in_folder(self, index: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
        """See Recognizer."""
        if network.get("_class_name") != "UNet2DConditionModel":
            return None
        channels = network.get("in_channels", 4)
        if channels not in (4, 9):
            return f"its network has {channels} input channels"
        pooled = network.get("addition_embed_type") == "text_time"
        if pooled and index.get("text_encoder", [None, None])[1] is None:
            return "it is SDXL's refiner, which has no first text encoder"
        return _name("sdxl" if pooled else "sd2" if network.get("use_linear_projection") else "sd15", channels)


def _reads(shapes: Shapes) -> int:
    """The width of the words that a UNet reads, 0 where it reads none."""
    return next((s[-1] for name, s in shapes.items() if name.endswith(".attn2.to_k.weight") and len(s) == 2), 0)


def _alone(shapes: Shapes) -> str | None:
    """What a file is that holds a UNet and nothing beside it, as ComfyUI's tools write them; None for other files."""
    if not any(names <= shapes.keys() for names in NAMES_ALONE):
        return None
    pooled = any(name in shapes for name in ("label_emb.0.0.weight", "add_embedding.linear_1.weight"))
    label = "SDXL" if pooled else "Stable Diffusion 2" if _reads(shapes) == SD2_WIDTH else "Stable Diffusion 1.5"
    return f"unknown (the UNet of {label} alone)"


def _name(kind: str, channels: int) -> str:
    return kind + ("-inpaint" if channels == 9 else "")


RECOGNIZER = UnetRecognizer()


@dataclass(frozen=True)
class TextPart:
    """A CLIP text encoder: the number behind its folders' names, and the prefix of its weights in a single file.

    `open_clip` files name its weights as OpenCLIP does; `sd_cpp` is the prefix in files that stable-diffusion.cpp
    wrote, which have the names of transformers. The others are as TextEncoder has them; `pad` is the token that fills
    a chunk, None for the end token.
    """

    number: str
    prefix: str
    open_clip: bool = False
    penultimate: bool = False
    projected: bool = False
    pad: str | None = None
    sd_cpp: str = "cond_stage_model.transformer."


ALL = Supports(style_picture="attention", ip_adapter=True, predictions=None)


@dataclass(frozen=True)
class UnetFamily(Family):
    """A UNet with its text encoders. `sized`: it is also told the picture's size and the prompt's summary.

    `second` are Stable Diffusion 2's, whose files don't say whether they predict noise or velocities.
    """

    opener: str = OPENER
    recognizer: UnetRecognizer | None = RECOGNIZER
    texts: tuple[TextPart, ...] = (TextPart("", "cond_stage_model.transformer."),)
    sized: bool = False
    second: bool = False
    supports: Supports = ALL

    def native_px_of(self, network: Mapping[str, Any], vae: Mapping[str, Any]) -> int:
        """The latents' side in the UNet's config, in pixels."""
        return int(network.get("sample_size") or 64) * 2 ** (len(vae.get("block_out_channels", [0] * 4)) - 1)


SD15 = UnetFamily(
    "sd15", "Stable Diffusion 1.5", memory=MemoryCoefficients(1640 + 160, 261, 1536), speed="fast"
)  # fmt: skip
SD2 = UnetFamily(
    "sd2",
    "Stable Diffusion 2",
    native_px=768,
    memory=MemoryCoefficients(1652 + 160, 260, 1536),
    texts=(TextPart("", "cond_stage_model.model.", open_clip=True, pad="!"),),
    second=True,
    supports=replace(ALL, ip_adapter=False),
)
SDXL = UnetFamily(
    "sdxl",
    "SDXL",
    native_px=1024,
    memory=MemoryCoefficients(4897 + 320, 158, 3073),
    full_vae=True,
    texts=(
        TextPart("", "conditioner.embedders.0.transformer.", penultimate=True),
        TextPart(
            "_2",
            "conditioner.embedders.1.model.",
            open_clip=True,
            penultimate=True,
            projected=True,
            pad="!",
            sd_cpp="cond_stage_model.1.transformer.",
        ),
    ),
    sized=True,
    supports=replace(ALL, ignores=frozenset({"clip_skip"})),
)
ROWS = (
    SD15,
    replace(SD15, name="sd15-inpaint", label="Stable Diffusion 1.5 inpainting", inpainting=True),
    SD2,
    replace(SD2, name="sd2-inpaint", label="Stable Diffusion 2 inpainting", native_px=512, inpainting=True),
    SDXL,
    replace(SDXL, name="sdxl-inpaint", label="SDXL inpainting", inpainting=True),
)
