from __future__ import annotations

from pathlib import Path

import pytest
import torch

from restrip.looks.diffusion.header import ForeignPickle
from restrip.looks.diffusion.weights import read_weights, tidied


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
