from __future__ import annotations

import torch

from restrip.looks.diffusion.conditioning.inpaint import conditioning, on_latents

PICTURES = torch.rand(2, 3, 16, 24) * 2 - 1


def pooled(pictures: torch.Tensor) -> torch.Tensor:
    """Stands for the VAE: colours by cells, with one more channel."""
    small = torch.nn.functional.avg_pool2d(pictures, 4)
    return torch.cat([small, small[:, :1]], dim=1)


def test_without_a_matte_everything_changes_and_the_weight_hides_it() -> None:
    hidden = conditioning(PICTURES, None, 1.0, 4, pooled)
    assert hidden.shape == (2, 5, 4, 6)
    assert (hidden[:, 0] == 1).all() and not hidden[:, 1:].any()
    shown = conditioning(PICTURES, None, 0.0, 4, pooled)
    assert torch.allclose(shown[:, 1:], pooled(PICTURES))
    assert torch.allclose(conditioning(PICTURES, None, 0.25, 4, pooled)[:, 1:], 0.75 * pooled(PICTURES), atol=1e-6)


def test_a_matte_hides_its_inside() -> None:
    mattes = torch.zeros(2, 1, 16, 24)
    mattes[:, :, :8] = 0.9
    out = conditioning(PICTURES, mattes, 1.0, 4, pooled)
    assert (out[:, 0, :2] == 1).all() and not out[:, 0, 2:].any()
    assert not out[:, 1:, :2].any() and torch.allclose(out[:, 1:, 2:], pooled(PICTURES)[:, :, 2:])


def test_soft_mattes_stay_soft_on_latents() -> None:
    mattes = torch.zeros(1, 1, 8, 8)
    mattes[..., :2] = 1
    assert on_latents(mattes, 4)[0, 0].tolist() == [[0.5, 0.0], [0.5, 0.0]]
