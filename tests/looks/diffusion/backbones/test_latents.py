from __future__ import annotations

import diffusers
import pytest
import torch

from restrip.looks.diffusion.backbones.latents import Latents


def test_as_a_vaes_config_says() -> None:
    vae = diffusers.AutoencoderKL(
        block_out_channels=(4, 4, 4), down_block_types=("DownEncoderBlock2D",) * 3, norm_num_groups=2,
        up_block_types=("UpDecoderBlock2D",) * 3, scaling_factor=0.3611, shift_factor=0.1159,
    )  # fmt: skip
    latents = Latents.of(vae)
    assert latents.factor == 4
    z = torch.randn(1, 4, 3, 5)
    assert torch.allclose(latents.from_vae(z), (z - 0.1159) * 0.3611)
    assert torch.allclose(latents.to_vae(latents.from_vae(z)), z, atol=1e-6)
    assert Latents.of(diffusers.AutoencoderTiny()) == Latents(8, pytest.approx(1.0), 0.0)
