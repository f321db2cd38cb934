from __future__ import annotations

import pytest

from restrip.looks.diffusion.backbones.stable_diffusion.unet_layers import diffusers_layer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("input_blocks_4_1_proj_in", "down_blocks_1_attentions_0_proj_in"),
        ("input_blocks_8_1_transformer_blocks_9_ff_net_2", "down_blocks_2_attentions_1_transformer_blocks_9_ff_net_2"),
        ("input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
        ("input_blocks_1_0_in_layers_2", "down_blocks_0_resnets_0_conv1"),
        ("middle_block_1_transformer_blocks_0_attn2_to_k", "mid_block_attentions_0_transformer_blocks_0_attn2_to_k"),
        ("middle_block_2_out_layers_3", "mid_block_resnets_1_conv2"),
        ("output_blocks_2_1_proj_out", "up_blocks_0_attentions_2_proj_out"),
        ("output_blocks_2_2_conv", "up_blocks_0_upsamplers_0_conv"),
        ("output_blocks_5_0_skip_connection", "up_blocks_1_resnets_2_conv_shortcut"),
        ("time_embedding_linear_1", "time_embedding_linear_1"),
    ],
)
def test_original_block_names(old: str, new: str) -> None:
    assert diffusers_layer(old, 2) == new
