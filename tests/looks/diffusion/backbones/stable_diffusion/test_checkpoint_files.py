from __future__ import annotations

import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.table import FAMILIES as ROWS
from restrip.looks.diffusion.checkpoints.family_detection import LoneUnet, MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import Checkpoint, family_of, find_checkpoint
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parents[2]))
from small_gguf import eights, save_gguf, save_unet_alone, sd_cpp_names

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


def networks(model) -> list:
    return [model.network, model.vae, *(encoder.module for encoder in model.text.encoders)]


def opened(path: Path, weights: dict[str, torch.Tensor], made) -> list:
    """The networks that a float file with these weights gives."""
    safetensors.torch.save_file({name: value.clone().contiguous() for name, value in weights.items()}, path)
    return networks(open_model(Checkpoint(path, made.family, "m"), configs=made.configs))


def assert_close(found: list, expected: list) -> None:
    for mine, theirs in zip(found, expected, strict=True):
        wanted, have = theirs.state_dict(), mine.state_dict()
        assert set(have) == set(wanted)
        for name, value in wanted.items():
            torch.testing.assert_close(have[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "kind"),
    [("sd15", "Q8_0"), ("sd15", "F16"), ("sd15-inpaint", "Q4_1"), ("sd2", "Q5_0"), ("sdxl", "Q4_0"), ("sdxl", "Q5_1")],
)
@pytest.mark.parametrize("flat", [False, True])
def test_gguf_files_are_what_the_gguf_package_makes_of_them(
    family: str, kind: str, flat: bool, small, tmp_path: Path
) -> None:
    made = small(family)
    back = save_gguf(made.original(), tmp_path / "m.gguf", kind, flat=flat)
    checkpoint = Checkpoint(tmp_path / "m.gguf", family, "m")
    assert family_of(checkpoint.path) == family
    found = networks(open_model(checkpoint, configs=made.configs))
    assert_close(found, opened(tmp_path / "float.safetensors", back, made))


@pytest.mark.parametrize("family", ["sd15", "sd2", "sdxl"])
@pytest.mark.parametrize("fused", [False, True])
def test_text_encoders_by_the_names_of_stable_diffusion_cpp(family: str, fused: bool, small, tmp_path: Path) -> None:
    made = small(family)
    exact = {name: value.half().float() for name, value in sd_cpp_names(made, fused=fused).items()}
    back = {name: value.half().float() for name, value in made.original().items()}
    save_gguf(exact, tmp_path / "m.gguf", "F16")
    found = networks(open_model(Checkpoint(tmp_path / "m.gguf", family, "m"), configs=made.configs))
    assert_close(found, opened(tmp_path / "float.safetensors", back, made))


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_unet_alone_is_named(family: str, small, tmp_path: Path) -> None:
    save_unet_alone(small(family).original(), tmp_path / "m.gguf")
    with pytest.raises(LoneUnet, match=f"the UNet of {ROWS[family].label} alone"):
        find_checkpoint(str(tmp_path / "m.gguf"))
    small(family).unet.save_pretrained(tmp_path)
    with pytest.raises(LoneUnet, match="the text encoder and the VAE"):
        find_checkpoint(str(tmp_path / "diffusion_pytorch_model.safetensors"))


@pytest.mark.parametrize("family", ["sd15", "sd2", "sdxl"])
@pytest.mark.parametrize("scale_name", ["scale_weight", "weight_scale"])
def test_scaled_8_bit_floats_are_their_numbers(family: str, scale_name: str, small, tmp_path: Path) -> None:
    made = small(family)
    stored, numbers = eights(made.original(), scale_name)
    safetensors.torch.save_file(stored, tmp_path / "m.safetensors")
    assert family_of(tmp_path / "m.safetensors") == family
    found = networks(open_model(Checkpoint(tmp_path / "m.safetensors", family, "m"), configs=made.configs))
    assert_close(found, opened(tmp_path / "float.safetensors", numbers, made))


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_pictures_of_a_gguf_file_are_those_of_the_floats(family: str, small_file, small, picture, silent) -> None:
    """To the bit of a level those of the same numbers, and to what 8 bits leave out those of the original."""
    path = small_file(family)
    back = save_gguf(small(family).original(), path.with_name("packed.gguf"))
    safetensors.torch.save_file(
        {k: v.clone().contiguous() for k, v in back.items()}, path.with_name("same.safetensors")
    )
    settings = {"steps": 4, "denoising_strength": 0.6, "width": 64, "height": 48, "prompt": "a photo"}
    looks = [
        open_look(f"sd:{path.with_name(name)}", settings) for name in ("packed.gguf", "same.safetensors", path.name)
    ]
    packed, same, whole = (
        look.stylize([picture], [Key(0)], silent.report, None)[0].picture.rgb.astype(int) for look in looks
    )
    assert np.abs(packed - same).max() <= 1
    assert np.abs(packed - whole).mean() < 3 < np.abs(packed - packed.mean((0, 1))).mean()
    assert looks[0].estimate((64, 48)) == looks[2].estimate((64, 48))  # it becomes numbers on loading
