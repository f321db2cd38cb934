"""One self-attention that sees more than its own tokens: the anchor's, and a style picture's.

    the anchor        softmax(Q K) V, and K and V are left to be kept
    other keys        softmax(Q [K, K_anchor + log strength]) [V, V_anchor]
    a style picture   is seen by all keys, the anchor too, as one more anchor; Q and K first take on its statistics

What is seen lies in tensors that stay where they are from step to step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.anchor_features import Features
from restrip.looks.diffusion.consistency.attention_math import beside, joined, like, moments, projected, weighed

STYLE_WEIGHT = 1.0
"""Of a style picture's tokens at its full strength, an own one having 1."""


class AnchoredAttention:
    """One self-attention that sees the anchor's, and a style picture's.

    While `row` is a number, that row of each group is the anchor: what it has is `left`, and the others see it. Else
    they see `seen`, which `load` fills for each evaluation, where they are `anchored`. All see `style`.
    """

    def __init__(self, name: str, strength: float, adain: bool) -> None:
        self.name, self.strength, self.adain = name, strength, adain
        self.seen: Features | None = None
        self._rooms: dict[torch.Size, Features] = {}
        self.left: Features | None = None
        self.anchored = False
        self.row: int | None = None
        self.rows = 1
        self.style: SeenStyle | None = None

    def room(self, features: Features, like: torch.Tensor) -> Features:
        """Where such features are put to be seen, on `like`'s device and of its type: where the last ones were."""
        # Guided steps have two groups, others one: each kind has a room of its own.
        shape = features.key.shape
        self.seen, self.anchored = _room(self._rooms.get(shape), features, like), True
        if self.seen is not self._rooms.get(shape):
            self._rooms = {other: room for other, room in self._rooms.items() if other[1:] == shape[1:]}
            self._rooms[shape] = self.seen
        return self.seen

    def room_for_style(self, features: Features, strength: float, like: torch.Tensor) -> Features:
        """The same for a style picture's features."""
        held = _room(None if self.style is None else self.style.features, features, like)
        if self.style is None or self.style.features is not held or self.style.strength != strength:
            self.style = SeenStyle(held, strength)
        return held

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As diffusers asks an attention's processor."""
        return joined(attn, self.attended(*projected(attn, hidden_states)))

    def attended(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """What queries find among their own keys and values and the seen ones, all [rows, heads, tokens, channels]."""
        if self.style is not None:
            query, key = self.style.adapted(query, key)
        if self.row is None:
            return self._beside(query, key, value, self.seen if self.anchored else None)
        mine = slice(self.row, None, self.rows)
        # Copies, for a part would keep the whole batch's in memory.
        anchor = Features(key[mine].clone(), value[mine].clone(), *(moments(query[mine]) if self.adain else ()))
        self.left = anchor
        own = self._beside(query[mine], anchor.key, anchor.value, None)
        if self.rows == 1:
            return own
        out = self._beside(query, key, value, anchor)
        out[mine] = own
        return out

    def _beside(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, anchor: Features | None
    ) -> torch.Tensor:
        """Attention to the own keys and values, to the anchor's and to the style's."""
        if anchor is not None and anchor.query_mean is not None and anchor.query_std is not None:
            query = like(query, anchor.query_mean, anchor.query_std)
            key = like(key, *moments(anchor.key))
        weights = []
        for features, weight in self._seen_beside(anchor):
            weights.append((features.key.shape[2], weight))
            key, value = beside(key, features.key), beside(value, features.value)
        if all(weight == 1 for _, weight in weights):
            return F.scaled_dot_product_attention(query, key, value)
        return weighed(query, key, value, weights)

    def _seen_beside(self, anchor: Features | None) -> Iterator[tuple[Features, float]]:
        """What is seen, and how much each of its tokens weighs."""
        if anchor is not None:
            yield anchor, self.strength
        if self.style is not None:
            yield self.style.features, self.style.weight


@dataclass(frozen=True, eq=False)
class SeenStyle:
    """A style picture's features, [1, heads, tokens, channels], and how much of them is taken on, in 0..1.

    StyleAligned (Hertz et al. 2024, section 4.2): queries and keys are given the means and spreads of the picture's
    (AdaIN), so that they find each other, and its keys and values stand beside the own.
    """

    features: Features
    strength: float

    @property
    def weight(self) -> float:
        """Of the picture's tokens, an own one having 1."""
        return STYLE_WEIGHT * self.strength

    def adapted(self, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Queries and keys on their way to the picture's statistics."""
        mean, std = self.features.query_mean, self.features.query_std
        assert mean is not None and std is not None
        there = like(query, mean, std), like(key, *moments(self.features.key))
        return torch.lerp(query, there[0], self.strength), torch.lerp(key, there[1], self.strength)


def _room(mine: Features | None, features: Features, like: torch.Tensor) -> Features:
    """`mine` where such features fit there, else new tensors on `like`'s device and of its type."""
    if mine is not None and _fits(mine, features, like):
        return mine
    return Features(*(torch.empty_like(v, device=like.device, dtype=like.dtype) for v in features.tensors))


def _fits(mine: Features, features: Features, like: torch.Tensor) -> bool:
    same = (mine.key.device, mine.key.dtype) == (like.device, like.dtype)
    return same and mine.key.shape == features.key.shape
