"""What a batch is made of: pictures to make, and how they hang together with the anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.consistency.moved_noise import NoisePlaces
from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics


@dataclass(frozen=True, eq=False)
class Row:
    """One picture to make: its source [3, h, w] in -1..1 at the working size, its prompt and seed.

    `matte` [1, h, w] is 1 where the picture may change; `hints` are its ControlNets' pictures [3, h, w] in 0..1;
    `places` say where the anchor's noise is found, for noise that is carried along; `new` is how much of the row an
    anchor of another clip doesn't show, in 0..1; `digest` says which frame it is, with all that its noise depends on.
    """

    picture: torch.Tensor
    prompt: str
    seed: int
    matte: torch.Tensor | None = None
    hints: tuple[torch.Tensor, ...] = ()
    places: NoisePlaces | None = None
    new: float = 0.0
    digest: str = ""


@dataclass
class Anchor:
    """What the anchor left for other keys: the features of its attention, and its noise [channels, h, w].

    For a model that looks at references it is the finished picture, [3, h, w] in -1..1, and the latents that it has.
    One of another clip also leaves what its latents are like: rows that show nothing of it take that on.
    """

    bank: AnchorBank
    noise: torch.Tensor | None = None
    picture: torch.Tensor | None = None
    latents: torch.Tensor | None = None
    statistics: StyleStatistics | None = None


@dataclass(frozen=True)
class AnchorRelation:
    """How a batch hangs together with the anchor: it follows one (`anchor`), or nothing. With `row`, the anchor is that
    row of the batch itself, and leaves there what it leaves.
    """

    anchor: Anchor | None = None
    row: int | None = None

    def among(self, rows: Sequence[int]) -> AnchorRelation:
        """The same for these rows of the batch alone."""
        return replace(self, row=rows.index(self.row) if self.row in rows else None)
