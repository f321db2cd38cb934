from __future__ import annotations

import collections
import pickle
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.weights.headers import ForeignPickle, UnreadableCheckpoint, read_shapes

WEIGHTS = {"a.weight": torch.zeros(3, 4), "b": torch.zeros(2, dtype=torch.float16), "n": torch.tensor(5)}
SHAPES = {"a.weight": (3, 4), "b": (2,), "n": ()}


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


def test_shapes_of_safetensors(tmp_path: Path) -> None:
    safetensors.torch.save_file(WEIGHTS, tmp_path / "x.safetensors")
    assert read_shapes(tmp_path / "x.safetensors") == SHAPES


@pytest.mark.parametrize("content", [WEIGHTS, {"state_dict": WEIGHTS, "epoch": 3}, collections.OrderedDict(WEIGHTS)])
def test_shapes_of_pickles_without_torch(content, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.ckpt")
    assert read_shapes(tmp_path / "x.ckpt") == SHAPES


def test_parameters_count_as_tensors(tmp_path: Path) -> None:
    torch.save({"p": torch.nn.Parameter(torch.zeros(2, 2))}, tmp_path / "x.pt")
    assert read_shapes(tmp_path / "x.pt") == {"p": (2, 2)}


def test_a_foreign_pickle_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": WEIGHTS, "extra": Evil()}, tmp_path / "x.ckpt")
    with pytest.raises(ForeignPickle, match=r"(builtins|__builtin__)\.print"):
        read_shapes(tmp_path / "x.ckpt")
    assert capsys.readouterr().out == ""


def test_what_lightning_left_behind_is_no_reason_to_refuse(tmp_path: Path) -> None:
    import sys
    import types

    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    kind = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = kind  # type: ignore[attr-defined]
    names = ["pytorch_lightning", "pytorch_lightning.callbacks", module.__name__]
    for name in names:
        sys.modules[name] = module
    try:
        torch.save({"state_dict": WEIGHTS, "callbacks": {kind: {"best": 1.0}}}, tmp_path / "x.ckpt")
    finally:
        for name in names:
            del sys.modules[name]
    assert read_shapes(tmp_path / "x.ckpt") == SHAPES
    from restrip.looks.diffusion.checkpoints.weights.safe_weights import read_weights

    assert set(read_weights(tmp_path / "x.ckpt")) == set(SHAPES)


def test_damage_is_told(tmp_path: Path) -> None:
    whole = tmp_path / "x.safetensors"
    safetensors.torch.save_file(WEIGHTS, whole)
    data = whole.read_bytes()
    for name, content in {
        "cut": data[:-4],
        "header": data[:20],
        "nothing": b"",
        "huge": struct.pack("<Q", 2**40) + data[8:],
        "json": struct.pack("<Q", 4) + b"nope" + data,
        "text": b"<html>not found</html>",
    }.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(UnreadableCheckpoint):
            read_shapes(path)
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UnreadableCheckpoint, match=r"before 1\.6"):
        read_shapes(tmp_path / "old.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(b"PK\x03\x04 this is cut off")
    with pytest.raises(UnreadableCheckpoint):
        read_shapes(tmp_path / "cut.ckpt")
