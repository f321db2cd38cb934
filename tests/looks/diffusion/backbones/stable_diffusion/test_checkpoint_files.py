from __future__ import annotations

import socket
from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import Checkpoint

FAMILIES = ["sd15", "sd15-inpaint", "sd2", "sd2-inpaint", "sdxl", "sdxl-inpaint"]


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
