from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from restrip.looks.diffusion.checkpoints.weights import gguf_weights
from restrip.looks.diffusion.checkpoints.weights.gguf_header import BadGguf
from restrip.looks.diffusion.checkpoints.weights.gguf_weights import MissingGgufPackage, gguf_numbers, read_gguf
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.packed import Packed

KINDS = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")


def save_gguf(path: Path, values: np.ndarray, kind: gguf.GGMLQuantizationType) -> Path:
    writer = gguf.GGUFWriter(str(path), "made-up")
    writer.add_tensor("a.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_gguf_is_what_the_gguf_package_makes_of_it(kind: str, tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=(8, 64)).astype(np.float32)
    number = gguf.GGMLQuantizationType[kind]
    packed = read_gguf(save_gguf(tmp_path / "a.gguf", values, number))["a.weight"]
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
    packed = read_gguf(tmp_path / "a.gguf")["a.weight"]
    assert isinstance(packed, Packed) and packed.shape == (4, 256)
    expected = gguf.quants.dequantize(raw, number)
    assert np.allclose(packed.unpacked(torch.float32).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_a_kind_that_is_not_read_is_an_error(tmp_path: Path) -> None:
    values = np.ones((2, 256), np.float32)
    with pytest.raises(UnreadableCheckpoint, match="packed as TQ1_0"):
        read_gguf(save_gguf(tmp_path / "a.gguf", values, gguf.GGMLQuantizationType.TQ1_0))


def test_without_the_package_gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_gguf(tmp_path / "a.gguf", np.ones((2, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
    monkeypatch.setattr(gguf_weights, "find_spec", lambda name: None)
    with pytest.raises(MissingGgufPackage, match="package gguf"):
        read_gguf(path)


@pytest.mark.parametrize("kind", ["Q6_K", "Q4_K", "Q8_0"])
def test_blocks_that_run_over_rows_are_numbers_in_the_shape_that_the_file_tells(kind: str, tmp_path: Path) -> None:
    """ComfyUI's tools lay a convolution's weights out anew in rows of a block's length."""
    number = gguf.GGMLQuantizationType[kind]
    block, size = gguf.GGML_QUANT_SIZES[number]
    shape = (64, 4, 3, 3)
    raw = np.random.default_rng(5).integers(0, 60, size=(64 * 36 // block, size), dtype=np.uint8)
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "sd1")
    writer.add_array("comfy.gguf.orig_shape.a.weight", list(shape))
    writer.add_tensor("a.weight", raw, raw_dtype=number)
    writer.add_tensor("counter", np.arange(3, dtype=np.int64))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    numbers = gguf_numbers(tmp_path / "a.gguf")
    assert numbers["a.weight"].shape == shape and numbers["counter"].tolist() == [0, 1, 2]
    expected = gguf.quants.dequantize(raw, number).reshape(shape)
    assert np.allclose(numbers["a.weight"].numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [[64, 4, 3, 4], [-64, -4, 3, 3]])
def test_a_shape_of_another_size_is_damage(shape: list[int], tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "sd1")
    writer.add_array("comfy.gguf.orig_shape.a.weight", shape)
    writer.add_tensor("a.weight", np.ones((9, 256), np.float16))
    writer.add_tensor("after", np.ones(4096, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(BadGguf, match=r"another size of a\.weight"):
        read_gguf(tmp_path / "a.gguf")


def test_weights_without_numbers_are_empty(tmp_path: Path) -> None:
    """Markers such as v_pred hold none."""
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "sd1")
    writer.add_tensor("v_pred", np.zeros((0, 32), np.float32))
    writer.add_tensor("a", np.ones(3, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    numbers = gguf_numbers(tmp_path / "a.gguf")
    assert numbers["v_pred"].numel() == 0 and numbers["a"].tolist() == [1, 1, 1]
