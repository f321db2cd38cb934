from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints import weight_files
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.packed import Packed
from restrip.looks.diffusion.checkpoints.weight_files import MissingGgufPackage, read_stored

KINDS = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")


def save(path: Path, **weights: torch.Tensor) -> Path:
    path.parent.mkdir(exist_ok=True)
    safetensors.torch.save_file({name.replace("__", "."): value.clone() for name, value in weights.items()}, path)
    return path


def save_gguf(path: Path, values: np.ndarray, kind: gguf.GGMLQuantizationType) -> Path:
    writer = gguf.GGUFWriter(str(path), "made-up")
    writer.add_tensor("a.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
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


@pytest.mark.parametrize("kind", KINDS)
def test_gguf_is_what_the_gguf_package_makes_of_it(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=(8, 64)).astype(np.float32)
    number = gguf.GGMLQuantizationType[kind]
    packed = read_stored(save_gguf(tmp_path / "a.gguf", values, number))["a.weight"]
    assert isinstance(packed, Packed) and packed.shape == (8, 64) and packed.data.numel() < values.nbytes // 2
    expected = gguf.quants.dequantize(gguf.quants.quantize(values, number), number)
    assert np.allclose(packed.unpacked(torch.float32).numpy(), expected, atol=1e-6)
    parts = torch.cat([part.unpacked(torch.float32) for part in packed.chunk(4)])
    assert torch.equal(parts, packed.unpacked(torch.float32))


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"])
def test_kinds_that_only_tools_write(kind: str, tmp_path: Path) -> None:
    """The package reads them and doesn't write them: bytes at random are a weight, too."""
    number = gguf.GGMLQuantizationType[kind]
    _, size = gguf.GGML_QUANT_SIZES[number]
    raw = np.random.default_rng(3).integers(0, 60, size=(4, size), dtype=np.uint8)
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "made-up")
    writer.add_tensor("a.weight", raw, raw_dtype=number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    packed = read_stored(tmp_path / "a.gguf")["a.weight"]
    assert isinstance(packed, Packed) and packed.shape == (4, 256)
    expected = gguf.quants.dequantize(raw, number)
    assert np.allclose(packed.unpacked(torch.float32).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_a_kind_that_is_not_read_is_an_error(tmp_path: Path) -> None:
    values = np.ones((2, 256), np.float32)
    with pytest.raises(UnreadableCheckpoint, match="packed as TQ1_0"):
        read_stored(save_gguf(tmp_path / "a.gguf", values, gguf.GGMLQuantizationType.TQ1_0))


def test_without_the_package_gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_gguf(tmp_path / "a.gguf", np.ones((2, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
    monkeypatch.setattr(weight_files, "find_spec", lambda name: None)
    with pytest.raises(MissingGgufPackage, match="package gguf"):
        read_stored(path)


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
