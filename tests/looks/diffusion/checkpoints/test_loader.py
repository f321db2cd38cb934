from __future__ import annotations

import socket
from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.stable_diffusion.controlnet import open_controlnet
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import Checkpoint, family_of, find_checkpoint
from restrip.looks.diffusion.checkpoints.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.loader import open_vae
from restrip.looks.diffusion.checkpoints.safe_weights import read_weights

FAMILIES = ["sd15", "sd15-inpaint", "sdxl", "sdxl-inpaint"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def assert_same(made, model) -> None:
    for mine, theirs in [(model.network, made.unet), (model.vae, made.vae),
                         *zip((e.module for e in model.text.encoders), made.texts, strict=True)]:  # fmt: skip
        expected = theirs.state_dict()
        found = mine.state_dict()
        assert set(found) == set(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["m.safetensors", "m.ckpt"])
def test_single_files(family: str, name: str, small, tmp_path: Path) -> None:
    made = small(family)
    path = made.save_file(tmp_path / name)
    model = open_model(Checkpoint(path, family, "m"), configs=made.configs)
    assert_same(made, model)
    assert model.latents.factor == 4 and model.backbone.inpainting == family.endswith("inpaint")
    assert model.text.encoders[0].room == 30


@pytest.mark.parametrize("family", FAMILIES)
def test_diffusers_folders(family: str, small, tmp_path: Path) -> None:
    made = small(family)
    folder = made.save_folder(tmp_path / "model")
    assert_same(made, open_model(Checkpoint(folder, family, "m")))


def test_files_with_ema_copies_counters_and_the_old_clip_prefix(small, tmp_path: Path) -> None:
    made = small("sd15")
    weights = {k.replace("transformer.text_model.", "transformer."): v for k, v in made.original().items()}
    weights |= {f"model_ema.{n}": torch.zeros(1) for n in range(150)}
    weights["cond_stage_model.transformer.embeddings.position_ids"] = torch.arange(32)[None]
    weights["model_ema.decay"] = torch.zeros(())
    torch.save({"state_dict": weights}, tmp_path / "old.ckpt")
    assert_same(made, open_model(Checkpoint(tmp_path / "old.ckpt", "sd15", "old"), configs=made.configs))


def test_half_precision_files_are_read_as_asked(small, tmp_path: Path) -> None:
    made = small("sd15")
    halves = {name: value.half() for name, value in made.original().items()}
    safetensors.torch.save_file({k: v.contiguous() for k, v in halves.items()}, tmp_path / "h.safetensors")
    checkpoint = Checkpoint(tmp_path / "h.safetensors", "sd15", "h")
    model = open_model(checkpoint, dtype=torch.bfloat16, configs=made.configs)
    assert model.network.dtype == torch.bfloat16 and model.vae.dtype == torch.float32
    assert model.text.encoders[0].module.dtype == torch.float32


@pytest.mark.parametrize(
    ("prefix", "part"),
    [("first_stage_model.", "VAE"), ("cond_stage_model.", "text encoder"), ("model.diffusion_model.out", "unet")],
)
def test_missing_parts_are_named(prefix: str, part: str, small, tmp_path: Path) -> None:
    made = small("sd15")
    weights = {k: v.contiguous() for k, v in made.original().items() if not k.startswith(prefix)}
    safetensors.torch.save_file(weights, tmp_path / "m.safetensors")
    with pytest.raises(MissingPart, match=part):
        open_model(Checkpoint(tmp_path / "m.safetensors", "sd15", "m"), configs=made.configs)


def test_a_file_of_another_shape_is_no_member_of_its_family(small, tmp_path: Path) -> None:
    made = small("sd15")
    path = made.save_file(tmp_path / "m.safetensors")
    with pytest.raises((UnknownFamily, MissingPart)):
        open_model(Checkpoint(path, "sd15", "m"))  # with the configs of full-size networks


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


def control_of(unet) -> diffusers.ControlNetModel:
    return diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 4))


def test_controlnets_from_folders(small, tmp_path: Path) -> None:
    net = control_of(small("sd15").unet)
    net.save_pretrained(tmp_path / "canny")
    found = open_controlnet(tmp_path / "canny", dict(small("sd15").unet.config), torch.float32)
    assert all(torch.equal(found.state_dict()[k], v) for k, v in net.state_dict().items())
    small("sd15").vae.save_pretrained(tmp_path / "vae")
    with pytest.raises(UnknownFamily, match="no ControlNet"):
        open_controlnet(tmp_path / "vae", {}, torch.float32)
