"""A VAE's weights by the names of the original code."""

from __future__ import annotations

from typing import Any

import torch


def vae_weights(vae: Any) -> dict[str, torch.Tensor]:
    """Attention is a convolution of one pixel in the original layout."""
    return {
        name: value[..., None, None] if "attentions.0.to_" in name and value.ndim == 2 else value
        for name, value in vae.state_dict().items()
    }


def original_vae(name: str, vae: Any) -> str:
    blocks = len(vae.config.block_out_channels)
    for number in range(blocks):
        name = name.replace(f"encoder.down_blocks.{number}.resnets.", f"encoder.down.{number}.block.")
        name = name.replace(f"encoder.down_blocks.{number}.downsamplers.0.", f"encoder.down.{number}.downsample.")
        name = name.replace(f"decoder.up_blocks.{number}.resnets.", f"decoder.up.{blocks - 1 - number}.block.")
        name = name.replace(f"decoder.up_blocks.{number}.upsamplers.0.", f"decoder.up.{blocks - 1 - number}.upsample.")
    for new, old in {
        "mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2",
        "mid_block.attentions.0.group_norm": "mid.attn_1.norm", "mid_block.attentions.0.to_q": "mid.attn_1.q",
        "mid_block.attentions.0.to_k": "mid.attn_1.k", "mid_block.attentions.0.to_v": "mid.attn_1.v",
        "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
        "conv_norm_out": "norm_out", "conv_shortcut": "nin_shortcut",
    }.items():  # fmt: skip
        name = name.replace(new, old)
    return name
