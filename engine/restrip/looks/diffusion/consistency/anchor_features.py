"""What self-attentions keep of an anchor or a style picture, evaluation by evaluation, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics


@dataclass(frozen=True, eq=False)
class Features:
    """What one self-attention keeps of the anchor: keys and values, and for AdaIN the mean and spread of its queries.

    All are [groups, heads, tokens, channels]; groups are without and with the prompt.
    """

    key: torch.Tensor
    value: torch.Tensor
    query_mean: torch.Tensor | None = None
    query_std: torch.Tensor | None = None

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All of them."""
        parts = (self.key, self.value, self.query_mean, self.query_std)
        return [values for values in parts if values is not None]


class AnchorBank:
    """The anchor's features, for each evaluation and self-attention.

    They stay on their device up to `limit_mib` of it; the rest goes to the CPU.
    """

    def __init__(self, limit_mib: float | None = None) -> None:
        self.limit_mib = limit_mib
        self.features: dict[tuple[int, str], Features] = {}
        self.evaluation = 0
        self.held_mib = 0.0

    def clear(self) -> None:
        """Forget all."""
        self.features.clear()
        self.held_mib = 0.0

    def keep(self, name: str, features: Features) -> None:
        """Store what self-attention `name` has now."""
        self.held_mib += sum(values.numel() * values.element_size() for values in features.tensors) / 2**20
        full = self.limit_mib is not None and self.held_mib > self.limit_mib
        kept = [values.to("cpu") if full else values.clone() for values in features.tensors]
        self.features[self.evaluation, name] = Features(*kept)


@dataclass(frozen=True, eq=False)
class StyleBank:
    """A style picture's features for each evaluation, what its latents are like, and how much keys take on, in 0..1."""

    bank: AnchorBank
    statistics: StyleStatistics
    strength: float
