"""The row of Z-Image, and how its files are told. Without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from restrip.looks.diffusion.backbones.family import (
    Family,
    MemoryCoefficients,
    Supports,
    counted_below_the_start,
)
from restrip.looks.diffusion.checkpoints.companions import Wanted, vae_channels
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes
from restrip.looks.diffusion.sampling.distillation import Distillation

# Before the transformer's own names: files with all parts, trainers' files, and the transformer alone.
PREFIXES = ("model.diffusion_model.", "diffusion_model.", "")

# What a file with all parts calls its text encoder's and its VAE's weights.
TEXT_INSIDE = re.compile(r"^text_encoders?\.")
VAE_INSIDE = re.compile(r"^(vae|first_stage_model)\.")


def prefix_of(shapes: Mapping[str, Any]) -> str | None:
    """What stands before the transformer's names; None for a file without one.

    Lumina 2 has the same blocks, without tokens that fill up.
    """
    for prefix in PREFIXES:
        if f"{prefix}cap_pad_token" in shapes and f"{prefix}noise_refiner.0.attention_norm1.weight" in shapes:
            return prefix
    return None


class ZImageRecognizer:
    """By the tokens that fill up picture and text, and the refiners."""

    def in_file(self, shapes: Shapes) -> str | None:
        """See Recognizer."""
        prefix = prefix_of(shapes)
        if prefix is None:
            return None
        if f"{prefix}siglip_pad_token" in shapes:
            return "unknown (Z-Image Omni)"
        return "z-image"

    def in_folder(self, index: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
        """See Recognizer."""
        if network.get("_class_name") != "ZImageTransformer2DModel":
            return None
        return "it is Z-Image Omni" if network.get("siglip_feat_dim") else "z-image"


def is_flux_vae(shapes: Shapes) -> bool:
    """Whether these are a VAE's weights with latents as FLUX.1's: ae.safetensors."""
    return vae_channels(shapes) == 16


def wanted(shapes: Shapes) -> Wanted:
    """What a transformer's file needs beside it."""
    prefix = prefix_of(shapes) or ""
    return Wanted(
        text_width=shapes[f"{prefix}cap_embedder.1.weight"][1],
        fits=is_flux_vae,
        vae_name="ae.safetensors",
        text_inside=any(TEXT_INSIDE.match(name) for name in shapes),
        vae_inside=any(VAE_INSIDE.match(name) for name in shapes),
    )


Z_IMAGE = Family(
    "z-image",
    "Z-Image",
    native_px=1024,
    multiple_px=16,
    opener="restrip.looks.diffusion.backbones.z_image.checkpoint_files",
    part="transformer",
    recognizer=ZImageRecognizer(),
    memory=MemoryCoefficients(11740 + 320, 713, 3073),
    license="Apache-2.0",
    supports=Supports(
        style_picture="attention",
        noises=frozenset({"seeded", "exact", "warped"}),
        samplers=frozenset({"euler", "euler_a"}),
        schedules=frozenset({"auto"}),
    ),
    # Half precision gives black pictures.
    ladder=("bfloat16", "float32"),
    full_vae=True,
    speed="slow",
    evaluations=counted_below_the_start,
    wanted=wanted,
    few_steps=Distillation("z-image-turbo", "euler", ("euler", "euler_a"), "auto", steps=8, most_steps=20),
)
ROWS = (Z_IMAGE,)
