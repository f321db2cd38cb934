"""Dense motion between pictures: least squares from coarse to fine, and what the neighbours found.

    coarsest -> [ all places around -> least squares -> neighbours' motion -> least squares -> neighbours' -> smoothed ]
    -> twice as fine ... -> half size

The CPU has DIS for this (motion.py); a search in rows of patches has no equal on a GPU. Several targets are searched
at once: the time goes into starting operations, not into their arithmetic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.gpu.planes import box, pull

COARSEST = 14  # pixels of the shorter side
SEARCHED, NEAR = (3, 1)  # pixels a side, at the coarsest level and at the others
WINDOW, PATCH, AROUND = (9, 7, 5)  # windows of least squares, of comparing, of smoothing
TURNS = 3
REACHES = (8, 3)  # of the neighbours whose motion is tried
CALM = 20.0  # squared code values a pixel: flat places move with their surroundings
FARTHEST = 2.0  # pixels a turn
FAVOUR = 0.95  # a neighbour's motion is taken where it leaves less than this of the error
FAR = 20.0  # squared code values a pixel: what a move must bring
NOISE = 100.0  # squared code values: errors below it are alike


def dense(frame: Tensor, targets: Tensor) -> Tensor:
    """Motion from luma [H, W] to each of the lumas [B, H, W], float32 code values; [B, H, W, 2] in pixels."""
    levels = [torch.cat([frame[None], targets])[:, None]]
    while min(levels[-1].shape[2:]) >= 2 * COARSEST:
        levels.append(_halved(levels[-1]))
    if len(levels) == 1:
        levels.append(_halved(levels[0]))
    flow = torch.zeros((len(targets), *levels[-1].shape[2:], 2), device=frame.device)
    for n, level in enumerate(reversed(levels[1:])):
        if n:
            flow = _doubled(flow, level.shape[2:])
        flow = _settled(level, _searched(level, flow, NEAR if n else SEARCHED))
    return _doubled(flow, levels[0].shape[2:])


def _halved(planes: Tensor) -> Tensor:
    h, w = planes.shape[2:]
    even = F.pad(planes, (0, w & 1, 0, h & 1), mode="replicate")
    return F.avg_pool2d(even, 4, 2, 1, count_include_pad=False)


def _doubled(flow: Tensor, shape: torch.Size) -> Tensor:
    planes = flow.permute(0, 3, 1, 2)
    double = F.interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False) * 2
    return double[:, :, : shape[0], : shape[1]].permute(0, 2, 3, 1).contiguous()


def _error(level: Tensor, flow: Tensor) -> Tensor:
    """Squared differences [B, H, W] of the first picture and the others through `flow`, mean over a patch."""
    missing = level[:1] - pull(level[1:], flow)
    return box(missing * missing, PATCH)[:, 0]


def _searched(level: Tensor, flow: Tensor, reach: int) -> Tensor:
    """The best of all places within `reach` pixels; near ones are preferred by FAR a pixel."""
    side = torch.arange(-reach, reach + 1, device=flow.device, dtype=flow.dtype)
    moves = torch.cartesian_prod(side, side)
    tried = (flow[None] + moves[:, None, None, None]).flatten(0, 1)
    missing = level[:1] - pull(level[1:].repeat(len(moves), 1, 1, 1), tried)
    errors = box(missing * missing, PATCH).view(len(moves), *flow.shape[:3])
    which = (errors + FAR * moves.abs().sum(1)[:, None, None, None]).argmin(0)
    return flow + moves[which]


def _settled(level: Tensor, flow: Tensor) -> Tensor:
    """One level of the pyramid [1 + B, 1, H, W]: its flow, from the coarser one's."""
    fit = _Fit(level[:1])
    before = _error(level, flow)
    moved = fit.turned(level[1:], flow, TURNS)
    flow, error = _taken(flow, before, moved, _error(level, moved), before)
    for turn, reach in enumerate(REACHES):
        flow, error = _neighbours(level, flow, error, reach)
        if turn + 1 < len(REACHES):
            flow = fit.turned(level[1:], flow, 1)
            error = _error(level, flow)
    return _smoothed(flow, error)


def _taken(flow: Tensor, error: Tensor, other: Tensor, others: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """The other flow where its error is below `most`."""
    better = others < most
    return torch.where(better[..., None], other, flow), torch.where(better, others, error)


def _neighbours(level: Tensor, flow: Tensor, error: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """What moves better as a place `reach` pixels away does."""
    most = error * FAVOUR
    h, w = flow.shape[1:3]
    padded = F.pad(flow.permute(0, 3, 1, 2), (reach, reach, reach, reach), mode="replicate").permute(0, 2, 3, 1)
    places = ((0, reach), (2 * reach, reach), (reach, 0), (reach, 2 * reach))
    tried = torch.cat([padded[:, y : y + h, x : x + w] for y, x in places])
    missing = level[:1] - pull(level[1:].repeat(len(places), 1, 1, 1), tried)
    errors, which = box(missing * missing, PATCH).view(len(places), *error.shape).min(0)
    best = tried.view(len(places), *flow.shape).gather(0, which[None, ..., None].expand(1, *flow.shape))[0]
    return _taken(flow, error, best, errors, most)


def _smoothed(flow: Tensor, error: Tensor) -> Tensor:
    """The mean of the motion around each pixel, of places that fit."""
    trust = (error + NOISE).reciprocal().square()[:, None]
    planes = box(torch.cat([flow.permute(0, 3, 1, 2) * trust, trust], 1), AROUND)
    return (planes[:, :2] / planes[:, 2:]).permute(0, 2, 3, 1).contiguous()


class _Fit:
    """Least squares with the gradients of one luma [1, 1, H, W] (Baker and Matthews 2004, section 3.2)."""

    def __init__(self, luma: Tensor) -> None:
        self.luma, self.gradient = luma, scharr(luma)
        x, y = self.gradient[:, :1], self.gradient[:, 1:]
        xx, xy, yy = box(torch.cat([x * x, x * y, y * y], 1), WINDOW).split(1, 1)
        self.inverse = inverted(xx + CALM, xy, yy + CALM)

    def turned(self, targets: Tensor, flow: Tensor, turns: int) -> Tensor:
        """The flow [B, H, W, 2] to targets [B, 1, H, W], moved to where luma agrees."""
        for _ in range(turns):
            pulls = box(self.gradient * (self.luma - pull(targets, flow)), WINDOW)
            flow = flow + solved(self.inverse, pulls).clamp_(-FARTHEST, FARTHEST)
        return flow


def scharr(luma: Tensor) -> Tensor:
    """The gradient [1, 2, H, W] of luma [1, 1, H, W] a pixel, x and y (Scharr); edges mirror."""
    padded = F.pad(luma, (1, 1, 1, 1), mode="reflect" if min(luma.shape[2:]) > 1 else "replicate")
    across = (padded[..., 2:] - padded[..., :-2]) / 32
    down = (padded[..., 2:, :] - padded[..., :-2, :]) / 32
    x = 3 * (across[..., :-2, :] + across[..., 2:, :]) + 10 * across[..., 1:-1, :]
    y = 3 * (down[..., :-2] + down[..., 2:]) + 10 * down[..., 1:-1]
    return torch.cat([x, y], 1)


def inverted(xx: Tensor, xy: Tensor, yy: Tensor) -> Tensor:
    """The inverse of symmetric 2x2 matrices, as planes [1, 3, H, W]: xx, xy, yy."""
    return torch.cat([yy, -xy, xx], 1) / (xx * yy - xy * xy)


def solved(inverse: Tensor, pulls: Tensor) -> Tensor:
    """The inverse [1, 3, H, W] times pulls [B, 2, H, W]: steps [B, H, W, 2]."""
    xx, xy, yy = inverse.unbind(1)
    x, y = pulls.unbind(1)
    return torch.stack([xx * x + xy * y, xy * x + yy * y], 3)
