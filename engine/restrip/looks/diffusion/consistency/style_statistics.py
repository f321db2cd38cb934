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

from dataclasses import dataclass

import torch
import torch.nn.functional as F

BANDS = 3
"""The finest ones of a pyramid that halves each time; what is coarser is one more."""

MOST_GAIN = 3.0
"""How much a band may be strengthened, or weakened."""

FRAMES_PART = 0.25
"""Of a fine band's growth, as a factor: what is the frame's band."""


@dataclass(frozen=True, eq=False)
class StyleStatistics:
    """The mean of each channel, and the spread of each in every band from fine to coarse, all [1, channels, 1, 1]."""

    mean: torch.Tensor
    spreads: tuple[torch.Tensor, ...]

    @classmethod
    def of(cls, latents: torch.Tensor) -> StyleStatistics:
        """Those of latents [1, channels, h, w]."""
        mean = _mean(latents)
        return cls(mean, tuple(_spread(band) for band in bands(latents - mean)))

    def applied(self, latents: torch.Tensor, frame: torch.Tensor, strength: float) -> torch.Tensor:
        """Latents of keys [rows, channels, h, w], whose frames' are `frame`, on their way there, each row by itself: 0
        leaves them, 1 goes all the way.
        """
        there = self.mean.expand_as(latents)
        *fine, (coarse, _, spread) = zip(
            bands(latents - _mean(latents)), bands(frame - _mean(frame)), self.spreads, strict=True
        )
        for own, shown, wanted in fine:
            there = there + _lively(own, shown, wanted)
        there = there + coarse * _gain(coarse, spread)
        return torch.lerp(latents, there, strength)


def _lively(own: torch.Tensor, shown: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """A band with the spread that is wanted: weaker as it is, stronger with a part of what the frame shows."""
    gain = _gain(own, wanted)
    grown = own * torch.where(gain > 1, gain ** (1 - FRAMES_PART), gain)
    lacks = ((_spread(own) * gain) ** 2 - _spread(grown) ** 2).clamp(min=0)
    both, power = _mean(grown * shown), _spread(shown) ** 2 + 1e-8
    # grown + k shown has the variance that lacks: k² power + 2 k both = lacks.
    k = (torch.sqrt(both**2 + power * lacks) - both) / power
    return grown + torch.where(gain > 1, k, 0) * shown


def _gain(band: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (wanted / _spread(band).clamp(min=1e-6)).clamp(1 / MOST_GAIN, MOST_GAIN)


def _mean(latents: torch.Tensor) -> torch.Tensor:
    return latents.mean((2, 3), keepdim=True)


def bands(latents: torch.Tensor) -> list[torch.Tensor]:
    """Latents as a sum of bands of their size, from fine to coarse."""
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


def _spread(band: torch.Tensor) -> torch.Tensor:
    return band.std((2, 3), keepdim=True)
