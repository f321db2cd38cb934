"""What a place looks like where it stands still, and where it moves along, in torch operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.calm_motion import MARGIN, NOISE
from restrip.propagate.gpu.motion import pulled


def off_by(frame: Tensor, before: Tensor, step: Tensor) -> Tensor:
    """Squared differences [2, H, W] of luma [H, W] and the one before: in place, and along the step to it [H, W, 2]."""
    return torch.stack([frame - before, frame - pulled(before[None], step)[0]]).square_()


def resting(around: Tensor) -> Tensor:
    """Where those two, averaged [2, H, W], say that nothing moves, not next to it either: [1, H, W], 0 or 1."""
    stays, moves = around
    moving = (stays > torch.add(NOISE * torch.ones_like(moves), moves, alpha=MARGIN)).to(torch.float32)
    return 1 - F.max_pool2d(moving[None], 5, 1, 2)
