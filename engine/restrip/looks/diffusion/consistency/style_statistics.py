"""What a style picture's latents are like, and predicted pictures brought to it: colours, and how lively each scale is.

Attention finds strokes that look alike, but hardly colours that a key's frame has nothing of. So each predicted picture
also takes on the means and spreads of the style's latents (AdaIN, Huang and Belongie 2017; in a diffusion's latents as
by Chung et al. 2024, section 4.3), one band of a small pyramid after the other, as textures are made alike by Heeger
and Bergen (1995). The bands' signs and places stay: what the frame shows stays where it is.

    predicted ──┬── mean          ──► the style's
                ├── coarse        ──► its spread
                └── fine bands    ──► theirs; where they grow, by themselves and by the frame's own band

A band that only grew would bring up what the network left of its noise: so a part of what it lacks is the frame's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

BANDS = 3
"""The finest ones of a pyramid that halves each time; what is coarser is one more."""

LEAST_GAIN, MOST_GAIN = 1 / 8, 3.0
"""How much a band may be weakened, for flat pictures, and strengthened, before it is the network's noise."""

FRAMES_PART = 0.4
"""Of a fine band's growth, as a factor: what is the frame's band."""


@dataclass(frozen=True, eq=False)
class StyleStatistics:
    """The mean of each channel, how lively each is in every fine band (the mean of what it departs by, so that a few
    sharp edges don't count as much strokes), and the spread of what is coarser; all [1, channels, 1, 1].
    """

    mean: torch.Tensor
    fine: tuple[torch.Tensor, ...]
    spread: torch.Tensor

    @classmethod
    def of(cls, latents: torch.Tensor) -> StyleStatistics:
        """Those of latents [1, channels, h, w]."""
        mean = _mean(latents)
        *fine, coarse = bands(latents - mean)
        return cls(mean, tuple(map(_liveliness, fine)), _spread(coarse))

    def applied(self, latents: torch.Tensor, frame: torch.Tensor, strength: float) -> torch.Tensor:
        """Latents of keys [rows, channels, h, w], whose frames' are `frame`, on their way there, each row by itself: 0
        leaves them, 1 goes all the way.
        """
        *fine, coarse = bands(latents - _mean(latents))
        there = self._enlivened(self.mean.expand_as(latents), fine, frame)
        there = there + coarse * _gain(_spread(coarse), self.spread)
        return torch.lerp(latents, there, strength)

    def enlivened(self, latents: torch.Tensor, frame: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
        """The same of the fine bands alone, each row as far as its `strength` [rows, 1, 1, 1]: colours, and how they
        are spread over the picture, stay.
        """
        *fine, coarse = bands(latents - _mean(latents))
        return torch.lerp(latents, self._enlivened(_mean(latents) + coarse, fine, frame), strength)

    def _enlivened(self, rest: torch.Tensor, fine: Sequence[torch.Tensor], frame: torch.Tensor) -> torch.Tensor:
        *shown, _ = bands(frame - _mean(frame))
        for own, frames, wanted in zip(fine, shown, self.fine, strict=True):
            rest = rest + _lively(own, frames, _gain(_liveliness(own), wanted))
        return rest


def _lively(own: torch.Tensor, frames: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """A band that is `gain` times as lively: weaker as it is, stronger with a part of what the frame shows."""
    grown = own * torch.where(gain > 1, gain ** (1 - FRAMES_PART), gain)
    lacks = ((_spread(own) * gain) ** 2 - _spread(grown) ** 2).clamp(min=0)
    both, power = _mean(grown * frames), _spread(frames) ** 2 + 1e-8
    # grown + k frames has the variance that lacks: k² power + 2 k both = lacks.
    k = (torch.sqrt(both**2 + power * lacks) - both) / power
    return grown + torch.where(gain > 1, k, 0) * frames


def _gain(own: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (wanted / own.clamp(min=1e-6)).clamp(LEAST_GAIN, MOST_GAIN)


def _mean(latents: torch.Tensor) -> torch.Tensor:
    return latents.mean((2, 3), keepdim=True)


def bands(latents: torch.Tensor) -> list[torch.Tensor]:
    """Latents, [rows, channels, h, w], as a sum of bands of their size, from fine to coarse."""
    found: list[torch.Tensor] = []
    rest = latents
    for _ in range(BANDS):
        coarse = _coarser(rest, 2 ** (len(found) + 1))
        found.append(rest - coarse)
        rest = coarse
    return [*found, rest]


def _coarser(latents: torch.Tensor, step: int) -> torch.Tensor:
    """Without what is finer than `step` pixels."""
    height, width = latents.shape[-2:]
    small = F.adaptive_avg_pool2d(latents, (max(1, height // step), max(1, width // step)))
    return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)


def _liveliness(band: torch.Tensor) -> torch.Tensor:
    return _mean(band.abs())


def _spread(band: torch.Tensor) -> torch.Tensor:
    return band.std((2, 3), keepdim=True)
