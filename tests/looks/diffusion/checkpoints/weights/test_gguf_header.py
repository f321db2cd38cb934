from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from restrip.looks.diffusion.checkpoints.weights.gguf_header import BadGguf, read_gguf_header
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint, read_shapes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(str(path), "made-up")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "ä"] * 10)
    writer.add_array("numbers", list(range(40)))
    writer.add_array("comfy.gguf.orig_shape.token", [1, 64])
    writer.add_float32("some", 1.5)
    writer.add_tensor("matrix", np.ones((3, 64), np.float32))
    kind = gguf.GGMLQuantizationType.Q4_0
    writer.add_tensor("packed", gguf.quants.quantize(np.ones((5, 64), np.float32), kind), raw_dtype=kind)
    writer.add_tensor("token", np.ones(64, np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_shapes_kinds_and_places_are_those_of_the_gguf_package(file: Path) -> None:
    header = read_gguf_header(file)
    assert read_shapes(file) == {"matrix": (3, 64), "packed": (5, 64), "token": (1, 64)}
    for tensor in gguf.GGUFReader(str(file)).tensors:
        mine = header.tensors[tensor.name]
        assert (mine.kind, mine.begins) == (int(tensor.tensor_type), int(tensor.data_offset))
    assert header.values["some"] == 1.5 and header.values["tokenizer.ggml.tokens"] is None


def test_lists_when_they_are_asked_for(file: Path) -> None:
    values = read_gguf_header(file, lists=True).values
    assert values["tokenizer.ggml.tokens"] == ["a", "b", "ä"] * 10 and values["numbers"] == list(range(40))


def test_damaged_files_are_an_error(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    broken = tmp_path / "broken.gguf"
    for content in (
        whole[:20], whole[:100], whole[:-400], whole[:4] + struct.pack("<I", 99) + whole[8:],
        whole[:8] + b"\xff" * 8 + whole[16:], whole[:24] + b"\xff" * 8 + whole[32:],
    ):  # fmt: skip
        broken.write_bytes(content)
        with pytest.raises(BadGguf, match=r"broken\.gguf"):
            read_gguf_header(broken)
    broken.write_bytes(b"something else entirely")
    with pytest.raises(UnreadableCheckpoint):
        read_shapes(broken)
