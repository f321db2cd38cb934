"""What a batch is made of: pictures to make, and how they hang together with the anchor."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from restrip.looks.diffusion.consistency.anchor_attention import AnchorBank
from restrip.looks.diffusion.consistency.anchor_fusion import Carried, Fusion


@dataclass(frozen=True, eq=False)
class Row:
    """One picture to make: its source [3, h, w] in -1..1 at the working size, its prompt and seed.

    `matte` [1, h, w] is 1 where the picture may change; `hints` are its ControlNets' pictures [3, h, w] in 0..1;
    `fusion` is what the anchor shows of it, `before` the finished key before it as it is seen here; `digest` says
    which frame it is, with all that its noise depends on.
    """

    picture: torch.Tensor
    prompt: str
    seed: int
    matte: torch.Tensor | None = None
    hints: tuple[torch.Tensor, ...] = ()
    fusion: Fusion | None = None
    before: Carried | None = None
    digest: str = ""


@dataclass
class Anchor:
    """What the anchor left for other keys: features of its attention, and its predicted pictures by step."""

    bank: AnchorBank
    pictures: dict[int, torch.Tensor] = field(default_factory=dict)
    noise: torch.Tensor | None = None


@dataclass(frozen=True)
class AnchorRelation:
    """How a batch hangs together with the anchor: it is the anchor (`record`), follows one (`anchor`), or neither."""

    record: Anchor | None = None
    anchor: Anchor | None = None
    fuses: bool = False

    def at(self, step: int) -> None:
        """The evaluation that comes next."""
        for anchor in (self.record, self.anchor):
            if anchor is not None:
                anchor.bank.evaluation = step
