"""Fields of whole pixels and the flows that lead there, in torch operations.

A field [H, W, 2] int16 holds for each pixel the x, y of the key's pixel that is shown there.
"""

from __future__ import annotations

import torch
from torch import Tensor


def places(flow: Tensor) -> Tensor:
    """The field [H, W, 2] of the whole pixels that a flow leads to."""
    h, w = flow.shape[:2]
    x = torch.arange(w, device=flow.device) + flow[..., 0] + 0.5
    y = torch.arange(h, device=flow.device)[:, None] + flow[..., 1] + 0.5
    return torch.stack([x.floor_().clamp_(0, w - 1), y.floor_().clamp_(0, h - 1)], 2).to(torch.int16)


def own_places(like: Tensor) -> Tensor:
    """The field [H, W, 2] in which every pixel of [H, W] shows its own place."""
    return places(like.new_zeros((*like.shape, 2), dtype=torch.float32))


def flow_of(field: Tensor) -> Tensor:
    """The flow [H, W, 2] float32 that leads where a field does."""
    return field.to(torch.float32) - own_places(field[..., 0])


def taken_at(plane: Tensor, field: Tensor) -> Tensor:
    """What a plane [H, W] of the key holds at the pixels of a field, [H, W]."""
    x, y = field.to(torch.int64).unbind(2)
    return plane.flatten()[y * plane.shape[1] + x]
