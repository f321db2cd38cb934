"""From predictions to renditions on the device: weights.py and mixing.py, as tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.energy.confidence import BLUR, FLOOR
from restrip.propagate.energy.detail_selection import cell_of
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.energy.mixing import EVEN
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.detail_selection import between, cells_of, means_of
from restrip.propagate.gpu.filters import filtered, gaussian
from restrip.propagate.gpu.shares import Shares


@dataclass(frozen=True, eq=False)
class VoteTensors:
    """What one key says of a frame: the weighted sum of its predictions [H, W, 3], and the weights [H, W]."""

    total: Tensor
    weight: Tensor

    @classmethod
    def of(cls, predictions: list[tuple[Tensor, Tensor]]) -> VoteTensors:
        """Predictions (style [H, W, 3], squared errors [H, W]) by their worth."""
        worth = weights_of(torch.stack([errors for _, errors in predictions]))
        total = predictions[0][0] * worth[0, ..., None]
        for (style, _), weight in zip(predictions[1:], worth[1:], strict=True):
            total.addcmul_(style, weight[..., None])
        return cls(total, worth.sum(0))


def weights_of(errors: Tensor, filters: Callable[..., Tensor] = filtered) -> Tensor:
    """[N, H, W] from squared rebuild errors [N, H, W] in code values: 1 where nothing is wrong around a pixel."""
    return (FLOOR / (filters(errors, gaussian(BLUR)) + FLOOR)).square_()


def rendered(left: VoteTensors, right: VoteTensors, shares: Shares, deep: bool) -> Tensor:
    """Both keys' predictions by the shares of each rendition: [N, H, W, 3] uint8, or if deep 16-bit values in int16."""
    if left is right:
        return torch.stack([_rendition(left, right, share, deep) for share in shares.weights])
    h, w = left.weight.shape
    cell = cell_of((w, h))
    cells = cells_of(means_of((left.total, left.weight), (right.total, right.weight), cell), shares.weights)
    turning = between(cells[:1], cell, (w, h))[0]
    return torch.stack(
        [
            _rendition(left, right, share, deep, (turning, between(torch.cat([own[None], cells[1:4]]), cell, (w, h))))
            for share, own in zip(shares.weights, cells[4:], strict=True)
        ]
    )


def _rendition(
    left: VoteTensors, right: VoteTensors, shares: MixWeights, deep: bool, strokes: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    scale, top = (1.0, 65535) if deep else (1 / CODE, 255)
    weight = left.weight * shares.left + right.weight * shares.right
    value = (left.total * shares.left).add_(right.total, alpha=shares.right).mul_((scale / weight)[..., None])
    if strokes is not None:
        apart, (turned, *low) = strokes
        even = (left.weight * right.weight).div_((left.weight + right.weight).square_()).mul_(float(EVEN)).clamp_(max=1)
        turn = (turned - right.weight * shares.right / weight).mul_(apart).mul_(even).mul_(scale)
        for c in range(3):
            detail = right.total[..., c] / right.weight - left.total[..., c] / left.weight - low[c]
            value[..., c].addcmul_(turn, detail)
    value = value.add_(0.5).clamp_(0, top)
    return value.to(torch.int32).to(torch.int16) if deep else value.to(torch.uint8)
