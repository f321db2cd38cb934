from __future__ import annotations

import socket
from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.finding import Checkpoint, family_of, find_checkpoint
from restrip.looks.diffusion.checkpoints.loader import open_vae
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.safe_weights import read_weights


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_folders_without_weights(small, tmp_path: Path) -> None:
    folder = small("sd15").save_folder(tmp_path / "model")
    next((folder / "unet").glob("*.safetensors")).unlink()
    with pytest.raises(MissingPart, match="weights in unet"):
        open_model(Checkpoint(folder, "sd15", "m"))
    next((folder / "vae").glob("*.safetensors")).write_bytes(b"damaged")
    with pytest.raises(UnreadableCheckpoint):
        open_vae(folder / "vae", folder)


def test_another_vae_from_folder_file_and_checkpoint(small, tmp_path: Path) -> None:
    made, other = small("sd15"), small("sd15-inpaint")
    path = made.save_file(tmp_path / "m.safetensors")
    checkpoint = Checkpoint(path, "sd15", "m")
    other.vae.save_pretrained(tmp_path / "vae")
    whole = other.save_file(tmp_path / "other.safetensors")
    alone = {k.removeprefix("first_stage_model."): v for k, v in read_weights(whole).items() if "first_stage" in k}
    safetensors.torch.save_file(alone, tmp_path / "alone.safetensors")
    expected = other.vae.state_dict()
    for vae in (tmp_path / "vae", whole, tmp_path / "alone.safetensors"):
        found = open_model(checkpoint, vae=vae, configs=made.configs).vae.state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("old", [False, True])
def test_a_vae_as_one_file_with_diffusers_names(old: bool, small, tmp_path: Path) -> None:
    """As people rename diffusion_pytorch_model.safetensors, with attention as it is named today and was before."""
    made = small("sd15")
    weights = {name: value + 0.01 for name, value in made.vae.state_dict().items()}
    if old:
        names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        for new, former in names.items():
            for name in [name for name in weights if f".attentions.0.{new}." in name]:
                weights[name.replace(f".{new}.", f".{former}.")] = weights.pop(name)
    path = tmp_path / "vae.safetensors"
    safetensors.torch.save_file(weights, path)
    assert family_of(path) == "vae"
    opened = open_vae(path, made.configs / "sd15").state_dict()
    assert all(torch.equal(opened[name], value + 0.01) for name, value in made.vae.state_dict().items())
    del weights["decoder.conv_out.weight"]
    safetensors.torch.save_file(weights, path)
    with pytest.raises(MissingPart, match=r"decoder\.conv_out"):
        open_vae(path, made.configs / "sd15")


def test_the_small_vae_is_one(tmp_path: Path) -> None:
    tiny = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1), num_decoder_blocks=(1, 1, 1),
    )  # fmt: skip
    tiny.save_pretrained(tmp_path / "vae")
    model = open_model(find_checkpoint("tiny"), vae=tmp_path / "vae")
    assert type(model.vae).__name__ == "AutoencoderTiny" and model.latents.factor == 4
