from __future__ import annotations

import sys
from pathlib import Path

import torch

from restrip.looks.diffusion.backbones.z_image.layers import diffusers_layer, diffusers_names

sys.path.insert(0, str(Path(__file__).parent))
import small_z_image as small


def test_original_names_become_diffusers(z_image) -> None:
    weights = z_image.transformer.state_dict()
    back = diffusers_names(small.original(weights))
    assert back.keys() == weights.keys() and all(torch.equal(back[name], weights[name]) for name in back)
    assert diffusers_names(weights).keys() == weights.keys()


def test_layers_of_add_ons() -> None:
    for original, name in {
        "layers_3_attention_out": "layers_3_attention_to_out_0",
        "layers_3_attention_q_norm": "layers_3_attention_norm_q",
        "final_layer_linear": "all_final_layer_2-1_linear",
        "x_embedder": "all_x_embedder_2-1",
        "layers_3_attention_to_q": "layers_3_attention_to_q",
        "layers_3_attention_to_out_0": "layers_3_attention_to_out_0",
    }.items():
        assert diffusers_layer(original) == name
