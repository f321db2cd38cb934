from __future__ import annotations

import pytest

from restrip.looks.diffusion.backbones.stable_diffusion.rows import FIRST_CONV, RECOGNIZER, ROWS


@pytest.mark.parametrize(
    ("network", "index", "found"),
    [
        ({"_class_name": "UNet2DConditionModel"}, {}, "sd15"),
        ({"_class_name": "UNet2DConditionModel", "in_channels": 9}, {}, "sd15-inpaint"),
        ({"_class_name": "UNet2DConditionModel", "use_linear_projection": True}, {}, "sd2"),
        ({"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time"},
         {"text_encoder": ["transformers", "CLIPTextModel"]}, "sdxl"),
        ({"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time"}, {},
         "it is SDXL's refiner, which has no first text encoder"),
        ({"_class_name": "UNet2DConditionModel", "in_channels": 7}, {}, "its network has 7 input channels"),
        ({"_class_name": "AnotherTransformer"}, {}, None),
    ],
)  # fmt: skip
def test_folders(network: dict, index: dict, found: str | None) -> None:
    assert RECOGNIZER.in_folder(index, network) == found


def test_files_of_others_are_left_to_others() -> None:
    assert RECOGNIZER.in_file({"transformer.blocks.0.weight": (4, 4)}) is None
    assert RECOGNIZER.in_file({FIRST_CONV: (320, 4, 3, 3)}) == "sd15"


def test_every_row_has_what_is_asked_before_loading() -> None:
    assert [row.name for row in ROWS] == ["sd15", "sd15-inpaint", "sd2", "sd2-inpaint", "sdxl", "sdxl-inpaint"]
    for row in ROWS:
        assert row.memory.weights_mib > 1000 and row.opener and row.texts and row.label
    assert ROWS[0].native_px_of({"sample_size": 96}, {"block_out_channels": [1, 2, 3]}) == 384
    assert ROWS[0].native_px_of({}, {}) == 512
