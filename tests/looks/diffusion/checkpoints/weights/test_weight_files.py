from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.checkpoints.weights.weight_files import read_stored


def save(path: Path, **weights: torch.Tensor) -> Path:
    path.parent.mkdir(exist_ok=True)
    safetensors.torch.save_file({name.replace("__", "."): value.clone() for name, value in weights.items()}, path)
    return path


def test_eight_bit_floats_stay_packed_with_their_scales(tmp_path: Path) -> None:
    torch.manual_seed(1)
    eight = torch.randn(4, 6).to(torch.float8_e4m3fn)
    stored = read_stored(
        save(
            tmp_path / "a.safetensors", a__weight=eight, a__scale_weight=torch.tensor([3.0]), b__weight=eight,
            norm=eight[0], half=torch.ones(2, 2).bfloat16(), scaled_fp8=torch.zeros(1), a__scale_input=torch.ones(1),
        )
    )  # fmt: skip
    assert sorted(stored) == ["a.weight", "b.weight", "half", "norm"]
    assert isinstance(stored["a.weight"], Packed) and isinstance(stored["b.weight"], Packed)
    assert torch.equal(stored["a.weight"].unpacked(torch.float32), eight.float() * 3)
    assert torch.equal(stored["b.weight"].unpacked(torch.float32), eight.float())
    assert torch.equal(stored["norm"], eight[0].float()) and stored["half"].dtype == torch.bfloat16


def test_unknown_packing_is_an_error(tmp_path: Path) -> None:
    eight = torch.zeros(4, 6).to(torch.float8_e4m3fn)
    for weights in (
        {"a__weight": eight, "a__weight_scale_2": torch.ones(1)},
        {"a__weight": eight, "a__scale_weight": torch.ones(3)},
        {"c__scale_weight": torch.ones(1)},
    ):
        with pytest.raises(UnreadableCheckpoint, match="isn't known here"):
            read_stored(save(tmp_path / "a.safetensors", **weights))


def test_a_folder_is_read_shard_by_shard(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / "net" / f"model-{number}.safetensors", **{f"a{number}": torch.ones(1) * number})
    save(tmp_path / "net" / "model.fp16.safetensors", a0=torch.ones(1) * 9)
    assert {name: float(value) for name, value in read_stored(tmp_path / "net").items()} == {"a0": 0, "a1": 1}
    (tmp_path / "none").mkdir()
    with pytest.raises(MissingPart, match="weights in none"):
        read_stored(tmp_path / "none")
    torch.save({"state_dict": {"b": torch.ones(2)}}, tmp_path / "none" / "pytorch_model.bin")
    assert list(read_stored(tmp_path / "none")) == ["b"]
