"""The UNet's layers by the names of the original code, which some LoRA files have, and by diffusers'. Without torch."""

from __future__ import annotations

import re

# The original code's names for a block's parts, as flat LoRA names have them, and diffusers'.
RESNET_PARTS = {
    "in_layers_0": "norm1",
    "in_layers_2": "conv1",
    "emb_layers_1": "time_emb_proj",
    "out_layers_0": "norm2",
    "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}
BLOCK = re.compile(r"(input_blocks|middle_block|output_blocks)_(\d+)_(?:(\d+)_)?(.+)")


def diffusers_layer(flat: str, layers: int) -> str:
    """A UNet layer named as in the original code (SDXL LoRA files often are) by its name in diffusers.

    input_blocks_4_1_proj_in -> down_blocks_1_attentions_0_proj_in, with `layers` resnets a block.
    """
    match = BLOCK.fullmatch(flat)
    if match is None:
        return flat
    where, first, second, rest = match.groups()
    if where == "middle_block":
        place = int(first)
        rest = f"{second}_{rest}" if second else rest
        return f"mid_block_attentions_0_{rest}" if place == 1 else f"mid_block_resnets_{place // 2}_{_part(rest)}"
    number, inside = int(first), int(second or 0)
    down = where == "input_blocks"
    block, layer = divmod(number - 1 if down else number, layers + 1)
    side = "down_blocks" if down else "up_blocks"
    if down and layer == layers:
        return f"{side}_{block}_downsamplers_0_conv"
    if rest == "conv" and inside > 0:
        return f"{side}_{block}_upsamplers_0_conv"
    if inside == 0:
        return f"{side}_{block}_resnets_{layer}_{_part(rest)}"
    return f"{side}_{block}_attentions_{layer}_{rest}"


def _part(rest: str) -> str:
    return RESNET_PARTS.get(rest, rest)
