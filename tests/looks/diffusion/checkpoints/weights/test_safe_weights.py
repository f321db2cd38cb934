from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.weights.headers import ForeignPickle, UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.safe_weights import read_weights, tidied


class Foreign:
    pass


def test_pickles_give_their_tensors_only(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2), "step": 3}, "optimizer": [1]}, tmp_path / "x.ckpt")
    assert {name: value.tolist() for name, value in read_weights(tmp_path / "x.ckpt").items()} == {"a": [1.0, 1.0]}


def test_foreign_objects_are_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2), "b": Foreign()}, tmp_path / "x.ckpt")
    with pytest.raises(ForeignPickle, match="Foreign"):
        read_weights(tmp_path / "x.ckpt")


def test_tidied_drops_what_no_network_uses_and_renames_old_clip() -> None:
    one = torch.ones(1)
    old = {
        "cond_stage_model.transformer.embeddings.position_ids": one,
        "cond_stage_model.transformer.final_layer_norm.bias": one,
        "model_ema.decay": one,
        "model.diffusion_model.out.0.weight": one,
    }
    assert set(tidied(old)) == {
        "cond_stage_model.transformer.text_model.final_layer_norm.bias",
        "model.diffusion_model.out.0.weight",
    }


def save(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    safetensors.torch.save_file(weights, path)
    return path


@pytest.mark.parametrize("names", [("scale_weight", "scale_input"), ("weight_scale", "input_scale")])
def test_scales_of_8_bit_floats_are_applied(tmp_path: Path, names: tuple[str, str]) -> None:
    """W = scale * stored, with one scale or one a row; what scales the inputs of a layer changes no weight."""
    stored = (torch.rand(4, 6, generator=torch.Generator().manual_seed(1)) * 8).to(torch.float8_e4m3fn)
    rows = torch.tensor([0.5, 1.0, 2.0, 4.0])
    weights = read_weights(
        save(
            tmp_path / "a.safetensors",
            {
                "scaled_fp8": torch.zeros(0, dtype=torch.float8_e4m3fn),
                "x.weight": stored,
                f"x.{names[0]}": torch.tensor(0.25),
                f"x.{names[1]}": torch.tensor(3.0),
                "y.weight": stored.clone(),
                f"y.{names[0]}": rows,
                "y.bias": torch.ones(4),
            },
        )
    )
    assert set(weights) == {"x.weight", "y.weight", "y.bias"}
    assert torch.equal(weights["x.weight"], stored.float() * 0.25)
    assert torch.equal(weights["y.weight"], stored.float() * rows[:, None])


@pytest.mark.parametrize(
    "odd",
    [
        {"x.weight_scale": torch.ones(2, 3)},
        {"z.scale_weight": torch.ones(1)},
        {"x.weight_scale_2": torch.ones(1), "x.weight_scale": torch.ones(4)},
        {"x.comfy_quant": torch.tensor(list(b'{"format": "nvfp4"}'), dtype=torch.uint8)},
    ],
)
def test_other_ways_of_packing_are_refused(tmp_path: Path, odd: dict[str, torch.Tensor]) -> None:
    path = save(tmp_path / "a.safetensors", {"x.weight": torch.ones(4, 6).to(torch.float8_e4m3fn), **odd})
    with pytest.raises(UnreadableCheckpoint, match="isn't known here"):
        read_weights(path)
