from __future__ import annotations

import json
from pathlib import Path

import pytest

from restrip.looks.diffusion.backbones.stable_diffusion.rows import FIRST_CONV
from restrip.looks.diffusion.checkpoints.family_detection import (
    MissingPart,
    UnknownFamily,
    family_of_folder,
    family_of_shapes,
)
from restrip.looks.diffusion.checkpoints.finding import TINY

KEYS = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0"
ALONE = ("input_blocks.0.0.weight", "time_embed.0.weight", "out.2.weight")


@pytest.mark.parametrize("family", ["sd15", "sd15-inpaint", "sd2", "sd2-inpaint", "sdxl", "sdxl-inpaint"])
def test_single_files_by_shape_and_folders_by_config(family: str, small, tmp_path: Path) -> None:
    made = small(family)
    assert family_of_shapes({name: tuple(value.shape) for name, value in made.original().items()}) == family
    assert family_of_folder(made.save_folder(tmp_path / "folder")) == family


@pytest.mark.parametrize(
    ("shapes", "family"),
    [
        ({"lora_unet_x.lora_down.weight": (4, 8)}, "lora"),
        ({"unet.x.to_q.lora_A.weight": (4, 8)}, "lora"),
        ({"unet.x.processor.to_q_lora.down.weight": (4, 8)}, "lora"),
        ({"control_model.input_blocks.0.0.weight": (8, 4, 3, 3)}, "controlnet"),
        ({"controlnet_cond_embedding.conv_in.weight": (8, 3, 3, 3)}, "controlnet"),
        ({"encoder.conv_in.weight": (8, 3, 3, 3)}, "vae"),
        ({"first_stage_model.encoder.conv_in.weight": (8, 3, 3, 3)}, "vae"),
        ({FIRST_CONV: (320, 4, 3, 3), "cond_stage_model.model.ln_final.bias": (8,)}, "sd2"),
        ({FIRST_CONV: (320, 4, 3, 3), f"{KEYS}.attn2.to_k.weight": (320, 1024)}, "sd2"),
        ({FIRST_CONV: (320, 4, 3, 3), f"{KEYS}.attn2.to_k.weight": (320, 768)}, "sd15"),
        ({FIRST_CONV: (320, 36)}, "sd15"),
        ({FIRST_CONV: (320, 81)}, "sd15-inpaint"),
        (
            {**dict.fromkeys(ALONE, (1,)), "b.attn2.to_k.weight": (320, 1024)},
            "unknown (the UNet of Stable Diffusion 2 alone)",
        ),
        ({**dict.fromkeys(ALONE, (1,)), "label_emb.0.0.weight": (1, 1)}, "unknown (the UNet of SDXL alone)"),
        ({FIRST_CONV: (320, 8, 3, 3)}, "unknown (8 input channels)"),
        ({"double_blocks.0.img_attn.qkv.weight": (8, 8)}, "unknown (Flux)"),
        ({"anything": (1,)}, "unknown"),
    ],
)
def test_other_files(shapes: dict[str, tuple[int, ...]], family: str) -> None:
    assert family_of_shapes(shapes) == family


def test_tiny_is_stable_diffusion_1_5() -> None:
    assert family_of_folder(TINY) == "sd15"


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"model_index\.json"):
        family_of_folder(tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(MissingPart, match="config"):
        family_of_folder(tmp_path)
    (tmp_path / "unet").mkdir()
    config = tmp_path / "unet" / "config.json"
    for content in ("no json", "[]", json.dumps({"_class_name": "FluxTransformer2DModel"}),
                    json.dumps({"_class_name": "UNet2DConditionModel", "in_channels": 7})):  # fmt: skip
        config.write_text(content)
        with pytest.raises(UnknownFamily):
            family_of_folder(tmp_path)
    config.write_text(json.dumps({"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time"}))
    (tmp_path / "model_index.json").write_text('{"text_encoder": [null, null]}')
    with pytest.raises(UnknownFamily, match="refiner"):
        family_of_folder(tmp_path)
