from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_flux2_transformer_checkpoint_to_diffusers as as_diffusers

from restrip.looks.diffusion.backbones.flux2.layout import PREFIXES, config_of, diffusers_names, flat_names, renamed
from restrip.looks.diffusion.backbones.flux2.rows import KleinRecognizer, wanted

sys.path.insert(0, str(Path(__file__).parent))
from small_klein import original, transformer


def thirds(value: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return value.chunk(3)


def swapped(value: torch.Tensor) -> torch.Tensor:
    return torch.cat(value.chunk(2)[::-1])


@pytest.mark.parametrize("prefix", PREFIXES)
def test_weights_of_the_original_code_are_those_of_diffusers(prefix: str) -> None:
    network = transformer(num_layers=2)
    wanted, file = network.state_dict(), original(network.state_dict(), prefix)
    made = renamed({**file, "vae.other": torch.zeros(1)} if prefix else file, thirds, swapped)
    assert made.keys() == wanted.keys() and all(torch.equal(made[name], wanted[name]) for name in wanted)
    theirs = as_diffusers(original(wanted))
    assert theirs.keys() == made.keys() and all(torch.equal(made[name], theirs[name]) for name in theirs)
    again = renamed({prefix + name: value for name, value in wanted.items()}, thirds, swapped)
    assert again.keys() == wanted.keys()  # diffusers' own names, in one file


@pytest.mark.parametrize("named", ["original", "diffusers"])
def test_shapes_say_the_config(named: str) -> None:
    network = transformer(num_layers=2, num_single_layers=3, num_attention_heads=3)
    weights = network.state_dict()
    file = original(weights, "model.diffusion_model.") if named == "original" else weights
    config = config_of({name: tuple(value.shape) for name, value in file.items()})
    own = dict(network.config)
    for name in config.keys() - {"_class_name"}:
        value = list(own[name]) if isinstance(own[name], tuple) else own[name]
        assert config[name] == value, name


def test_families_are_told_by_the_text_that_they_read() -> None:
    def family(**more: int | bool) -> str | None:
        with torch.device("meta"):
            return KleinRecognizer().in_file({n: tuple(v.shape) for n, v in transformer(**more).state_dict().items()})

    assert family(joint_attention_dim=7680) == "klein"
    assert family(joint_attention_dim=12288) == "klein-9b"
    assert family(guidance_embeds=True) == "unknown (FLUX.2 dev)"
    assert KleinRecognizer().in_file({"double_blocks.0.img_attn.qkv.weight": (3, 1)}) is None
    assert (
        KleinRecognizer().in_file({"single_stream_modulation.lin.weight": (3, 1)})
        == "unknown (FLUX.2, parts are missing)"
    )


def test_the_models_own_files() -> None:
    """FLUX.2 klein 4B and 9B as their authors have them."""
    for blocks, singles, heads, text, family in ((5, 20, 24, 7680, "klein"), (8, 24, 32, 12288, "klein-9b")):
        with torch.device("meta"):
            network = transformer(
                in_channels=128, num_layers=blocks, num_single_layers=singles, attention_head_dim=128,
                num_attention_heads=heads, joint_attention_dim=text, timestep_guidance_channels=256,
                axes_dims_rope=(32,) * 4,
            )  # fmt: skip
        shapes = {name: tuple(value.shape) for name, value in original(network.state_dict()).items()}
        assert KleinRecognizer().in_file(shapes) == family
        config, needed = config_of(shapes), wanted(shapes)
        assert (config["num_layers"], config["num_single_layers"], config["num_attention_heads"]) == (
            blocks,
            singles,
            heads,
        )
        assert (config["attention_head_dim"], config["mlp_ratio"], config["axes_dims_rope"]) == (128, 3.0, [32] * 4)
        assert needed.text_width == text // 3


def test_layers_of_lora_files() -> None:
    assert flat_names("double_blocks_11_txt_mlp_2") == ("transformer_blocks_11_ff_context_linear_out",)
    assert flat_names("single_blocks_3_linear1") == ("single_transformer_blocks_3_attn_to_qkv_mlp_proj",)
    assert flat_names("double_blocks_0_img_attn_qkv")[2] == "transformer_blocks_0_attn_to_v"
    assert flat_names("txt_in") == ("context_embedder",)
    assert flat_names("final_layer_adaLN_modulation_1") == ("final_layer_adaLN_modulation_1",)


def test_an_unknown_name_is_itself() -> None:
    assert diffusers_names("something.else.weight") == ("something.else.weight",)
