"""FLUX.2's VAE in one file: what its shapes say of it, and its weights by diffusers' names. Without torch.

Two things set its files apart from those of other VAEs: the convolutions beside the latents may lie inside the encoder
and the decoder, and the statistics of the latents (`bn`) are among the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from restrip.looks.diffusion.checkpoints.weights.headers import Shapes

MARK = "bn.running_mean"
PREFIXES = ("first_stage_model.", "vae.", "")

BLOCK = re.compile(r"(encoder|decoder)\.(?:down|up)\.(\d+)\.(block|downsample|upsample)\.(.+)")
PARTS = {
    "mid.block_1.": "mid_block.resnets.0.",
    "mid.block_2.": "mid_block.resnets.1.",
    "mid.attn_1.norm.": "mid_block.attentions.0.group_norm.",
    "mid.attn_1.q.": "mid_block.attentions.0.to_q.",
    "mid.attn_1.k.": "mid_block.attentions.0.to_k.",
    "mid.attn_1.v.": "mid_block.attentions.0.to_v.",
    "mid.attn_1.proj_out.": "mid_block.attentions.0.to_out.0.",
    "encoder.quant_conv.": "quant_conv.",
    "decoder.post_quant_conv.": "post_quant_conv.",
    ".norm_out.": ".conv_norm_out.",
    ".nin_shortcut.": ".conv_shortcut.",
}


def prefix_of(names: Iterable[str]) -> str | None:
    """What stands before the names of such a VAE's weights; None where there is none."""
    known = set(names)
    return next((prefix for prefix in PREFIXES if prefix + MARK in known), None)


def is_vae(shapes: Shapes) -> bool:
    """Whether a file holds FLUX.2's VAE."""
    return prefix_of(shapes) is not None


def diffusers_name(name: str, blocks: int) -> str:
    """A weight of the original code by diffusers' name, without a prefix, in a VAE of so many blocks a side."""
    match = BLOCK.fullmatch(name)
    if match is not None:
        side, number, part, rest = match.groups()
        kind, place = ("down", int(number)) if side == "encoder" else ("up", blocks - 1 - int(number))
        inner = {"block": "resnets.", "downsample": "downsamplers.0.", "upsample": "upsamplers.0."}[part]
        name = f"{side}.{kind}_blocks.{place}.{inner}{rest}"
    for old, new in PARTS.items():
        name = name.replace(old, new)
    return name


def blocks_of(names: Iterable[str]) -> int:
    """Blocks a side, by the names of the original code or of diffusers."""
    found = [re.match(r"(?:[a-z_]+\.)?encoder\.down(?:_blocks)?\.(\d+)\.", name) for name in names]
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def config_of(shapes: Shapes, usual: Mapping[str, Any]) -> dict[str, Any]:
    """A VAE's config by the shapes of its weights by diffusers' names; what they don't say is as `usual`.

    Raises KeyError where a weight is missing that says something.
    """
    blocks = blocks_of(shapes)
    coded = [shapes[f"encoder.down_blocks.{n}.resnets.0.conv1.weight"][0] for n in range(blocks)]
    decoded = [shapes[f"decoder.up_blocks.{blocks - 1 - n}.resnets.0.conv1.weight"][0] for n in range(blocks)]
    layers = [name for name in shapes if re.fullmatch(r"encoder\.down_blocks\.0\.resnets\.\d+\.conv1\.weight", name)]
    return {
        **usual,
        "block_out_channels": coded,
        "decoder_block_out_channels": None if decoded == coded else decoded,
        "down_block_types": ["DownEncoderBlock2D"] * blocks,
        "up_block_types": ["UpDecoderBlock2D"] * blocks,
        "layers_per_block": len(layers),
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }
