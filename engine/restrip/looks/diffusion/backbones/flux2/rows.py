"""The rows of FLUX.2 klein, and how its files are told. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from restrip.looks.diffusion.backbones.family import (
    Family,
    MemoryCoefficients,
    Supports,
    counted_below_the_start,
)
from restrip.looks.diffusion.backbones.flux2.layout import config_of, prefix_of
from restrip.looks.diffusion.backbones.flux2.vae_layout import is_vae
from restrip.looks.diffusion.checkpoints.companions import Wanted
from restrip.looks.diffusion.checkpoints.weights.headers import Shapes
from restrip.looks.diffusion.sampling.distillation import Distillation

OPENER = "restrip.looks.diffusion.backbones.flux2.checkpoint_files"
DEV = "unknown (FLUX.2 dev)"

# Layers of the text encoder that lie side by side, and their width for klein 9B: that of Qwen3-8B's embeddings.
LAYERS = 3
WIDE = LAYERS * 4096

# Where the text comes in, by the original code's name and by diffusers'.
TEXT_IN = ("txt_in.weight", "context_embedder.weight")


class KleinRecognizer:
    """By a layer that FLUX.2 alone has, and the width of the text that it reads; FLUX.2 dev is told a guidance."""

    def in_file(self, shapes: Shapes) -> str | None:
        """See Recognizer."""
        if prefix_of(shapes) is None:
            return None
        try:
            return _name(config_of(shapes)) or DEV
        except (KeyError, ValueError, ZeroDivisionError, AssertionError):
            return "unknown (FLUX.2, parts are missing)"

    def in_folder(self, index: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
        """See Recognizer."""
        if network.get("_class_name") != "Flux2Transformer2DModel":
            return None
        return _name(network) or "it is FLUX.2 dev"


def _name(config: Mapping[str, Any]) -> str | None:
    if config.get("guidance_embeds", True):
        return None
    return "klein-9b" if config["joint_attention_dim"] >= WIDE else "klein"


RECOGNIZER = KleinRecognizer()
SUPPORTS = Supports(
    anchor_attention=False,
    references=True,
    style_picture="reference",
    controlnet=False,
    ignores=frozenset({"clip_skip"}),
    noises=frozenset({"seeded", "exact", "warped"}),
    samplers=frozenset({"euler", "euler_a"}),
    schedules=frozenset({"auto"}),
)


def wanted(shapes: Shapes) -> Wanted:
    """What a transformer's file needs beside it."""
    prefix = prefix_of(shapes) or ""
    text = next(shapes[prefix + name] for name in TEXT_IN if prefix + name in shapes)
    return Wanted(text_width=text[1] // LAYERS, fits=is_vae, vae_name="flux2-vae.safetensors")


FEW_STEPS = Distillation("klein", "euler", ("euler", "euler_a"), "auto", steps=4)


@dataclass(frozen=True)
class KleinFamily(Family):
    """An edit model. It doesn't hold in half precision.

    Memory is that of the picture that is made beside three that are seen: frame, style picture and anchor.
    """

    native_px: int = 1024
    multiple_px: int = 16
    opener: str = OPENER
    part: str = "transformer"
    recognizer: KleinRecognizer | None = RECOGNIZER
    supports: Supports = SUPPORTS
    ladder: tuple[str, ...] = ("bfloat16", "float32")
    full_vae: bool = True
    speed: Literal["fast", "medium", "slow"] = "slow"
    evaluations: Callable[[int, float], int] = counted_below_the_start
    wanted: Callable[[Shapes], Wanted] | None = wanted
    few_steps: Distillation | None = FEW_STEPS


ROWS = (
    KleinFamily("klein", "FLUX.2 klein 4B", memory=MemoryCoefficients(7392 + 321, 2127, 3076), license="Apache-2.0"),
    KleinFamily(
        "klein-9b",
        "FLUX.2 klein 9B",
        memory=MemoryCoefficients(17316 + 321, 2825, 3076),
        license="FLUX Non-Commercial License",
    ),
)
KLEIN = ROWS[0]
