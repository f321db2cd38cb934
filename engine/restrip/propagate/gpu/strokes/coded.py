"""Finished pictures as code values, in torch operations."""

from __future__ import annotations

import torch
from torch import Tensor

from restrip.propagate.energy.style import CODE


def coded(planes: list[Tensor], deep: bool) -> Tensor:
    """Pictures of planes [3, H, W] in 16-bit code values: [N, H, W, 3] uint8, or if deep 16-bit values in int16."""
    scale, top = (1.0, 65535) if deep else (1 / CODE, 255)
    h, w = planes[0].shape[1:]
    out = planes[0].new_empty((len(planes), h, w, 3), dtype=torch.int16 if deep else torch.uint8)
    for picture, into in zip(planes, out, strict=True):
        whole = (picture * scale).add_(0.5).clamp_(0, top).permute(1, 2, 0)
        into.copy_(whole.to(torch.int32) if deep else whole)
    return out
