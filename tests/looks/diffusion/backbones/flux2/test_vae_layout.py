from __future__ import annotations

import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from restrip.looks.diffusion.backbones.flux2.latents import PatchedLatents
from restrip.looks.diffusion.checkpoints import loader
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.loader import open_vae

sys.path.insert(0, str(Path(__file__).parent))
from small_klein import original_vae, save_configs, vae


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configs that say what no shape does: how many groups norms have."""
    folder = save_configs(tmp_path / "configs")
    monkeypatch.setattr(loader, "CONFIGS", folder)
    return folder


@pytest.mark.parametrize("layout", ["inside", "outside", "first_stage_model.", "diffusers", "folder", "small decoder"])
def test_a_vae_of_every_layout_is_read(layout: str, configs: Path, tmp_path: Path) -> None:
    made = vae(decoder_block_out_channels=(4, 8, 8, 8)) if layout == "small decoder" else vae()
    path = tmp_path / "flux2-vae.safetensors"
    if layout == "folder":
        path = tmp_path / "vae"
        made.save_pretrained(path)
    else:
        weights = made.state_dict() if layout == "diffusers" else original_vae(made, inside=layout != "outside")
        prefix = layout if layout.endswith(".") else ""
        safetensors.torch.save_file({prefix + name: value for name, value in weights.items()}, path)
    opened = open_vae(path, configs / "klein").eval()
    picture = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        ours, theirs = (one.encode(picture).latent_dist.mode() for one in (opened, made))
        assert torch.equal(ours, theirs) and torch.equal(opened.decode(ours).sample, made.decode(theirs).sample)
    latents = PatchedLatents.of(opened)
    assert latents.factor == 16 and torch.equal(latents.mean, made.bn.running_mean)
    assert torch.allclose(latents.to_vae(latents.from_vae(ours)), ours, atol=1e-6)


def test_a_vae_without_a_part_is_named(configs: Path, tmp_path: Path) -> None:
    weights = original_vae(vae())
    for gone in ("decoder.conv_in.weight", "encoder.mid.block_1.norm1.weight"):
        path = tmp_path / "vae.safetensors"
        safetensors.torch.save_file({name: value for name, value in weights.items() if name != gone}, path)
        with pytest.raises(MissingPart):
            open_vae(path, configs / "klein")
