from __future__ import annotations

from pathlib import Path

import diffusers
import pytest
import torch

from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.weights.packed import Packed, PackedLinear

CONFIG = {
    "_class_name": "ZImageTransformer2DModel", "dim": 96, "n_layers": 1, "n_refiner_layers": 1, "n_heads": 6,
    "n_kv_heads": 6, "cap_feat_dim": 32, "axes_dims": [4, 6, 6], "axes_lens": [64, 16, 16],
}  # fmt: skip


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    return diffusers.ZImageTransformer2DModel(**{k: v for k, v in CONFIG.items() if k[0] != "_"}).state_dict()


def build(weights, blocks=("layers.",)):
    return assembled("ZImageTransformer2DModel", CONFIG, weights, Path("a"), "transformer", blocks)


def test_it_holds_the_weights_that_it_was_given(weights) -> None:
    module = build({**weights, "unknown": torch.ones(1)})
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert module.x_pad_token.data_ptr() == weights["x_pad_token"].data_ptr()  # never held twice
    assert not any(value.is_meta for value in (*module.parameters(), *module.buffers()))


def test_blocks_stay_as_they_are_stored(weights) -> None:
    halves = {name: value.bfloat16() for name, value in weights.items()}
    halves["noise_refiner.0.attention.to_q.weight"] = Packed.of_floats(
        weights["noise_refiner.0.attention.to_q.weight"].half()
    )
    module = build(halves)
    assert isinstance(module.layers[0].attention.to_q, PackedLinear)
    assert torch.equal(module.layers[0].adaLN_modulation[0].bias, halves["layers.0.adaLN_modulation.0.bias"])
    assert module.noise_refiner[0].attention.to_q.weight.dtype == torch.float32
    assert module.context_refiner[0].attention.to_q.weight.dtype == torch.bfloat16


def test_sides_of_one_may_be_left_out(weights) -> None:
    module = build({**weights, "x_pad_token": weights["x_pad_token"][0]})
    assert torch.equal(module.x_pad_token, weights["x_pad_token"])


def test_what_is_missing_or_of_another_shape_is_named(weights) -> None:
    with pytest.raises(UnknownFamily, match="transformer has another shape"):
        build({**weights, "x_pad_token": torch.zeros(1, 5)})
    del weights["x_pad_token"]
    with pytest.raises(MissingPart, match="x_pad_token and 0 more"):
        build(weights)
    with pytest.raises(UnknownFamily, match="can't be built"):
        assembled("ZImageTransformer2DModel", {**CONFIG, "axes_dims": [4, 4, 4]}, weights, Path("a"), "transformer")
