from __future__ import annotations

import sys
from pathlib import Path

import cv2
import diffusers
import numpy as np
import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.z_image.union_controlnet import open_union, open_union_controls
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily, family_of_shapes
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.checkpoints.weights.headers import read_shapes
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parent))
import small_z_image as small


@pytest.fixture
def model(places, monkeypatch):
    monkeypatch.setattr(loader, "CONFIGS", places.configs)
    return open_model(find_checkpoint(str(places.folder)))


X = torch.randn(2, 16, 6, 8, generator=torch.Generator().manual_seed(0))
TEXTS = [Cond(torch.randn(n, 64, generator=torch.Generator().manual_seed(n))) for n in (20, 40)]
HINTS = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("release", small.RELEASES)
@pytest.mark.parametrize("folder", [False, True])
def test_it_adds_what_diffusers_adds(release: str, folder: bool, model, z_image, tmp_path: Path) -> None:
    net = small.controlnet(release)
    path = tmp_path / "union"
    if folder:
        net.save_pretrained(path)
    else:
        path = small.save(net.state_dict(), tmp_path / "Z-Image-Turbo-Fun-Controlnet-Union.safetensors")
        assert family_of_shapes(read_shapes(path)) == "controlnet"
    opened = open_union(path, dict(model.network.config))
    assert {name: opened.config[name] for name in small.RELEASES[release]} == small.RELEASES[release]

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        return (z_image.vae.encode(pictures).latent_dist.mode() - 0.1159) * 0.3611

    with torch.inference_mode():
        files = [ControlFile("canny", path, 0.8)]
        controls = open_union_controls(files, dict(model.network.config), torch.float32, torch.device("cpu"), encode)
        control = controls([HINTS], torch.float32)
        sigma = 1.5
        mine = Denoiser(model, TEXTS, TEXTS, 1.0, control=control).eps(X, sigma)
        plain = Denoiser(model, TEXTS, TEXTS, 1.0).eps(X, sigma)
        diffusers.ZImageControlNetModel.from_transformer(net, z_image.transformer)
        pictures, time = list((X / (1 + sigma))[:, :, None].unbind()), torch.full((2,), 1 / (1 + sigma))
        seen = torch.nn.functional.pad(encode(HINTS * 2 - 1), (0, 0, 0, 0, 0, net.control_in_dim - 16))[:, :, None]
        tokens = [text.tokens for text in TEXTS]
        added = net(pictures, time, tokens, seen, conditioning_scale=0.8)
        out = z_image.transformer(pictures, time, tokens, controlnet_block_samples=added, return_dict=False)[0]
        expected = model.backbone.prediction.eps(X, sigma, -torch.stack(out)[:, :, 0])
    assert torch.allclose(mine, expected, atol=1e-4)
    assert float((mine - plain).abs().mean()) > 1e-3


def test_the_transformer_stays_as_it_is_and_several_work_together(model, tmp_path: Path) -> None:
    """A ControlNet borrows parts of the transformer, which its own casts must not reach."""
    path = small.save(small.controlnet("2.1").state_dict(), tmp_path / "union.safetensors")
    files = [ControlFile("canny", path, 0.8), ControlFile("depth", path, 0.5, 0.0, 0.5)]

    def seen(control, done: float) -> torch.Tensor:
        return Denoiser(model, TEXTS, TEXTS, 2.0, control=control, done=done).eps(X, 1.5)

    with torch.inference_mode():
        plain, places = seen(None, 0.0), (dict(model.network.config), torch.float32, torch.device("cpu"))
        both, one = (
            open_union_controls(which, *places, lambda hint: torch.ones(2, 16, 6, 8)) for which in (files, files[:1])
        )
        early, late, alone = (
            seen(both([HINTS, HINTS], torch.float32), 0.2),
            seen(both([HINTS, HINTS], torch.float32), 0.9),
            seen(one([HINTS], torch.float32), 0.9),
        )
        assert torch.allclose(late, alone) and not torch.allclose(early, late, atol=1e-3)
        both([HINTS, HINTS], torch.bfloat16)
        assert model.network.cap_pad_token.dtype == torch.float32 and torch.equal(seen(None, 0.0), plain)


def test_keys_with_a_controlnet_in_one_batch_or_alone(z_look, moved, silent, tmp_path: Path) -> None:
    path = small.save(small.eights(small.controlnet("2.1").state_dict(), scaled=False), tmp_path / "union.safetensors")
    frames, keys = [moved(0), moved(5)], [Key(0), Key(9, prompt="something else that is longer")]
    anchor = frames[0], keys[0]
    settings = {"controlnet": f"canny={path}:0.9", "steps": 3}
    both = z_look(batch=2, **settings).stylize(frames, keys, silent.report, anchor)
    alone = [
        z_look(batch=1, **settings).stylize([f], [k], silent.report, anchor)[0]
        for f, k in zip(frames, keys, strict=True)
    ]
    plain = z_look(steps=3).stylize(frames, keys, silent.report, anchor)

    def off(a, b) -> int:
        return int(np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max())

    assert max(off(a, b) for a, b in zip(both, alone, strict=True)) <= 1 and off(both[0], plain[0]) > 2
    assert cv2.Canny(frames[0].rgb, 100, 200).any()


def test_another_models_controlnet_is_an_error(model, tmp_path: Path) -> None:
    path = small.save({"controlnet_cond_embedding.conv_in.weight": torch.ones(1)}, tmp_path / "sd.safetensors")
    with pytest.raises(UnknownFamily, match="no ControlNet of Z-Image"):
        open_union(path, dict(model.network.config))
