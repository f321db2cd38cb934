"""The anchor's noise carried along the motion into a key's, to the nearest latent: noise can't be averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.key_motion import Floats, Motion, at_size


@dataclass(frozen=True, eq=False)
class NoisePlaces:
    """Where a key finds its latents in the anchor's: `grid` [h, w, 2] for grid_sample, `weight` [1, h, w] in 0..1."""

    grid: torch.Tensor
    weight: torch.Tensor

    @classmethod
    def of(cls, motion: Motion, factor: int) -> NoisePlaces:
        """From the motion at the working size, with `factor` pixels along a latent's side."""
        height, width = motion.flow.shape[:2]
        small = at_size(motion, (width // factor, height // factor))
        return cls(_grid(small.flow), torch.from_numpy(small.seen)[None])

    def carried(self, noise: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
        """The anchor's noise [4, h, w] moved along, with `fresh` where the anchor shows nothing of this key."""
        grid, weight = self.grid.to(noise.device), self.weight.to(noise.device)
        moved = F.grid_sample(noise[None], grid[None], "nearest", "border", align_corners=True)[0]
        return torch.where(weight > 0.5, moved, fresh)


def _grid(flow: Floats) -> torch.Tensor:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.stack([x + flow[..., 0], y + flow[..., 1]], axis=-1)
    return torch.from_numpy(places * (2 / np.array([width - 1, height - 1], np.float32)) - 1)
