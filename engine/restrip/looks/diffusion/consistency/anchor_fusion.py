"""The anchor's predicted picture, carried along the motion into a key's, where the key shows the same thing.

At a few steps the picture that the model expects at the end is decoded, the anchor's at the same step is warped to
this key and put in its place, and the difference goes back into the latents. Early steps settle what is painted
where, the last ones make it the same to the pixel, and what the anchor doesn't show is painted by the model so that
it fits. After Rerender A Video (Yang et al. 2023, section 4.2.2), in pixels instead of latents: latents can't be moved
by parts of their pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.key_motion import Floats, Motion, at_size

# Pixels over which the anchor's picture fades at the edge of what it shows.
SOFT_PX = 3.0


@dataclass(frozen=True, eq=False)
class Fusion:
    """Where a key finds things in the anchor's picture: `grid` [h, w, 2] for grid_sample, `weight` [1, h, w] 0..1.

    `noise_places` [lh, lw, 2] and `noise_weight` [1, lh, lw] are the same for latents, to the nearest one.
    """

    grid: torch.Tensor
    weight: torch.Tensor
    noise_grid: torch.Tensor
    noise_weight: torch.Tensor

    def carried(self, picture: torch.Tensor) -> torch.Tensor:
        """The anchor's picture [3, h, w] as this key sees it."""
        grid = self.grid.to(picture.device)[None]
        return F.grid_sample(picture[None], grid, "bicubic", "border", align_corners=True)[0]

    def carried_noise(self, noise: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
        """The anchor's noise [4, lh, lw] moved along, with `fresh` where the anchor shows nothing of this key."""
        grid = self.noise_grid.to(noise.device)[None]
        moved = F.grid_sample(noise[None], grid, "nearest", "border", align_corners=True)[0]
        return torch.where(self.noise_weight.to(noise.device) > 0.5, moved, fresh)


def fusion(motion: Motion, factor: int, strength: float) -> Fusion:
    """From the motion between the anchor's frame and the key's, both at the working size."""
    height, width = motion.flow.shape[:2]
    weight = cv2.GaussianBlur(motion.seen, (0, 0), SOFT_PX) * motion.seen * strength
    small = at_size(motion, (width // factor, height // factor))
    return Fusion(
        _grid(motion.flow), torch.from_numpy(weight)[None], _grid(small.flow), torch.from_numpy(small.seen)[None]
    )


def _grid(flow: Floats) -> torch.Tensor:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.stack([x + flow[..., 0], y + flow[..., 1]], axis=-1)
    return torch.from_numpy(places * (2 / np.array([width - 1, height - 1], np.float32)) - 1)


def fused_steps(evaluations: int) -> frozenset[int]:
    """At which evaluations pictures are fused: two in the first half, and two at the end."""
    last = evaluations - 1
    return frozenset({max(0, round(last * 0.35)), max(0, round(last * 0.6)), max(0, last - 2), last})


def late_steps(evaluations: int) -> frozenset[int]:
    """At which evaluations a finished picture is fused: near the end, where what is expected is nearly finished too."""
    last = evaluations - 1
    return frozenset({max(0, last - 2), last})


@dataclass(frozen=True, eq=False)
class Carried:
    """A picture [3, h, w] in -1..1 of another key, and where a key finds its things in it."""

    where: Fusion
    picture: torch.Tensor


def fuse(
    clean: torch.Tensor,
    layers: Sequence[Sequence[Carried]],
    decode: Callable[[torch.Tensor], torch.Tensor],
    encode: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Predicted latents [rows, 4, lh, lw] with pictures of other keys put in where they are seen, for each row its own.

    Only the change goes through the encoder, so that what the VAE loses isn't lost.
    """
    rows = [row for row, mine in enumerate(layers) if mine]
    if not rows:
        return clean
    before = decode(clean[rows])
    after = before.clone()
    for place, row in enumerate(rows):
        for layer in layers[row]:
            weight = layer.where.weight.to(before.device)
            after[place] += weight * (layer.where.carried(layer.picture.to(before.device)) - after[place])
    fused = clean.clone()
    fused[rows] += encode(after) - encode(before)
    return fused
