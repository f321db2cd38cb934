"""Where two keys are painted with different strokes, on the device: cpu/detail_selection.py, as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.detail_selection import ALIKE, LIKED, LONGEST, PLAIN, SHARP, STRANGE, TAPS, odds_of
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.energy.style import CODE


def means_of(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], cell: int) -> Tensor:
    """What `mix_cpu.sum_up` finds, [11, h, w], of two keys' weighted sums [H, W, 3] and weights [H, W]."""
    a, b = (total.permute(2, 0, 1) / (weight * CODE) for total, weight in (left, right))
    parts = (a, b, a * a, b * b, (b - a).square_(), left[1][None], right[1][None])
    means = [F.avg_pool2d(part[None], cell, ceil_mode=True)[0] for part in parts]
    means[2:5] = [part.sum(0, keepdim=True) for part in means[2:5]]
    return torch.cat(means)


def cells_of(means: Tensor, shares: Sequence[MixWeights]) -> Tensor:
    """What is known of cells from their means [11, h, w]: how far details are kept apart, what the right key has more
    of in coarse colour (3), and for each of the shares how much of the details is the right key's; [4 + N, h, w].
    """
    blurred = _blurred(means)
    a, b = blurred[0:3], blurred[3:6]
    low = b - a
    left, right, differing = (
        (squares - mean.square().sum(0)).clamp_(min=0)
        for squares, mean in ((blurred[6], a), (blurred[7], b), (blurred[8], low))
    )
    strange = ((differing / (left + right + PLAIN) - ALIKE) / (STRANGE - ALIKE)).clamp_(0, 1)
    apart = strange * strange * (3 - 2 * strange)
    preferred = (LIKED * ((right + PLAIN) / (left + PLAIN)).log_()).clamp_(-LONGEST, LONGEST)
    odds = preferred.add_((blurred[10] / blurred[9]).log_(), alpha=SHARP)
    turned = [torch.sigmoid(odds + odds_of(share.left, share.right)) for share in shares]
    return torch.stack([apart, *(low * CODE), *turned])


def _blurred(planes: Tensor) -> Tensor:
    half = len(TAPS) // 2
    h, w = planes.shape[1:]
    planes = F.pad(planes[None], (half, half, half, half), mode="replicate")[0]
    for axis, length in ((2, w), (1, h)):
        lines = [planes.narrow(axis, n, length) for n in range(len(TAPS))]
        planes = lines[half] * TAPS[half]
        for n in range(half):
            planes.add_(lines[n] + lines[-1 - n], alpha=TAPS[n])
    return planes


def between(cells: Tensor, cell: int, size: tuple[int, int]) -> Tensor:
    """Cells [N, h, w] read between their middles, for every pixel of (width, height): [N, H, W]."""
    w, h = size
    return F.interpolate(cells[None], scale_factor=cell, mode="bilinear")[0, :, :h, :w]
