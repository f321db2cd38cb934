"""What an inpainting model sees beside the latents, and mattes on the latents of any model."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

Encode = Callable[[torch.Tensor], torch.Tensor]


def conditioning(
    pictures: torch.Tensor, mattes: torch.Tensor | None, weight: float, factor: int, encode: Encode
) -> torch.Tensor:
    """Mask and masked picture, [rows, 5, h / factor, w / factor].

    `pictures` [rows, 3, h, w] are -1..1, `mattes` [rows, 1, h, w] 0..1 with 1 where the picture changes; without
    mattes everything changes. `weight` 1 greys out what changes, 0 shows it (A1111's conditioning weight).
    """
    if mattes is None:
        mattes = torch.ones_like(pictures[:, :1])
    hard = mattes.round()
    hidden = torch.lerp(pictures, pictures * (1 - hard), weight)
    return torch.cat([on_latents(hard, factor).round(), encode(hidden)], dim=1)


def on_latents(mattes: torch.Tensor, factor: int) -> torch.Tensor:
    """Mattes [rows, 1, h, w] at the latents' size; a latent pixel that is touched at all changes with its share."""
    return F.avg_pool2d(mattes, factor)
