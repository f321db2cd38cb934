"""Anchor attention: every key's self-attention also sees one key's, so that keys of one job look alike.

The anchor's keys and values are kept step by step; each further key attends to its own and to the anchor's, as in
cross-frame attention (Wu et al. 2023, Khachatryan et al. 2023). What a key becomes depends on itself and the anchor,
not on the keys beside it.

    the anchor        softmax(Q K) V, and K and V are kept, at each evaluation
    other keys        softmax(Q [K, K_anchor + log strength]) [V, V_anchor]
    a style picture   is seen by all keys, the anchor too, as one more anchor; Q and K first take on its statistics

Keys may be made beside the anchor, in one batch with it, or later against what was kept. Later ones find K and V in
tensors that stay where they are from step to step, so that a compiled or recorded network may read them; and what the
anchor leaves is taken after each evaluation, so that nothing of the network's work waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.style_statistics import StyleStatistics

STYLE_WEIGHT = 1.0
"""Of a style picture's tokens at its full strength, an own one having 1."""

# Channels that are added to queries and keys for a strength other than 1: as many as kernels want them in multiples of.
ADDED = 8


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


def projected(attn: Any, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values [rows, heads, tokens, channels] of `hidden` [rows, tokens, channels]."""
    if getattr(attn, "fused_projections", False):
        parts = attn.to_qkv(hidden).chunk(3, dim=-1)
    else:
        parts = attn.to_q(hidden), attn.to_k(hidden), attn.to_v(hidden)
    query, key, value = (values.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for values in parts)
    return query, key, value


def joined(attn: Any, out: torch.Tensor) -> torch.Tensor:
    """What an attention gives, of its heads' [rows, heads, tokens, channels]."""
    done: torch.Tensor = attn.to_out[0](out.transpose(1, 2).flatten(2)) / attn.rescale_output_factor
    return done


def beside(own: torch.Tensor, anchor: torch.Tensor) -> torch.Tensor:
    """Own tokens [groups * rows, heads, tokens, channels] and behind them the anchor's, [groups, ...] as they are."""
    groups = len(anchor)
    rows = own.unflatten(0, (groups, -1))
    return torch.cat([rows, anchor[:, None].expand(-1, rows.shape[1], -1, -1, -1)], dim=3).flatten(0, 1)


def weighed(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, weights: Sequence[tuple[int, float]]
) -> torch.Tensor:
    """Attention to keys of which those behind the own ones, as many as there are queries, have `weights`: so many of
    them weigh so much, and so on.

    A weight's logarithm is one more channel of queries and keys, which costs less than a mask of all pairs.
    """
    first, channels = query.shape[-2:]
    query, keys, values = (F.pad(part, (0, ADDED)) for part in (query, keys, values))
    query[..., channels] = 1
    for tokens, weight in weights:
        keys[..., first : first + tokens, channels] = math.log(max(weight, 1e-4)) * math.sqrt(channels)
        first += tokens
    return F.scaled_dot_product_attention(query, keys, values, scale=1 / math.sqrt(channels))[..., :channels]


def like(values: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Rows of every group with their group's mean and spread over tokens (AdaIN, Huang and Belongie 2017; Hertz et al.
    2024).
    """
    own_mean, own_std = moments(values)
    rows = len(values) // len(mean)
    mean, std = (part.repeat_interleave(rows, dim=0) for part in (mean, std))
    return (values - own_mean) / (own_std + 1e-5) * std + mean


def moments(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and spread over tokens of [rows, heads, tokens, channels]."""
    return values.mean(dim=2, keepdim=True), values.std(dim=2, keepdim=True)


def _room(mine: Features | None, features: Features, like: torch.Tensor) -> Features:
    """`mine` where such features fit there, else new tensors on `like`'s device and of its type."""
    if mine is not None and _fits(mine, features, like):
        return mine
    return Features(*(torch.empty_like(v, device=like.device, dtype=like.dtype) for v in features.tensors))


def _fits(mine: Features, features: Features, like: torch.Tensor) -> bool:
    same = (mine.key.device, mine.key.dtype) == (like.device, like.dtype)
    return same and mine.key.shape == features.key.shape


class AnchorAttention:
    """All self-attentions of one UNet, which see an anchor's while `among` holds, and a style picture's."""

    def __init__(self, unet: Any, strength: float, adain: bool) -> None:
        self.strength, self.adain = strength, adain
        self.parts = {name: self.part(name) for name in self.names(unet)}

    def names(self, unet: Any) -> list[str]:
        """The processors that are replaced."""
        return [name for name in unet.attn_processors if name.endswith("attn1.processor")]

    def part(self, name: str) -> AnchoredAttention:
        """What takes a processor's place."""
        return AnchoredAttention(name, self.strength, self.adain)

    @contextmanager
    def among(
        self,
        unet: Any,
        bank: AnchorBank | None,
        row: int | None = None,
        rows: int = 1,
        style: StyleBank | None = None,
    ) -> Iterator[None]:
        """While this holds, `unet`'s batches see the anchor (where there is a `bank`) and the style that `load` shows.
        With `row`, that row of their `rows` is the anchor: the others see it, and `keep` takes what it leaves.
        """
        bank = bank if self.strength > 0 else None
        if bank is None and style is None:
            yield
            return
        here = bank is not None and row is not None
        for part in self.parts.values():
            part.row, part.rows = (row, rows) if here else (None, 1)
            part.anchored, part.adain = False, self.adain
            part.style = part.style if style is not None else None
        with self._seeing(unet):
            yield

    @contextmanager
    def watched(self, unet: Any) -> Iterator[None]:
        """While this holds, `keep` takes what the one row of `unet`'s batches has, for a style to be seen."""
        for part in self.parts.values():
            part.row, part.rows = 0, 1
            part.anchored, part.adain, part.style = False, True, None
        with self._seeing(unet):
            yield

    @contextmanager
    def _seeing(self, unet: Any) -> Iterator[None]:
        try:
            with self._in_place(unet):
                yield
        finally:
            for part in self.parts.values():
                part.left = None

    @contextmanager
    def _in_place(self, unet: Any) -> Iterator[None]:
        before = unet.attn_processors
        unet.set_attn_processor({**before, **self.parts})
        try:
            yield
        finally:
            unet.set_attn_processor(before)

    def load(self, unet: Any, bank: AnchorBank | None, style: StyleBank | None = None) -> None:
        """Have what `bank` and `style` hold of their evaluation seen next; an anchor that is in the batch isn't."""
        like, rooms, shown = next(unet.parameters()), list[torch.Tensor](), list[torch.Tensor]()
        for name, part in self.parts.items():
            if bank is not None and self.strength > 0 and part.row is None:
                features = bank.features[bank.evaluation, name]
                rooms += part.room(features, like).tensors
                shown += features.tensors
            if style is not None:
                features = style.bank.features[style.bank.evaluation, name]
                rooms += part.room_for_style(features, style.strength, like).tensors
                shown += features.tensors
        if rooms:
            torch._foreach_copy_(rooms, shown)  # one start on a GPU instead of one for each

    def keep(self, bank: AnchorBank) -> None:
        """Store what the anchor left in the last evaluation, if it was in the batch."""
        for name, part in self.parts.items():
            if part.row is not None and part.left is not None:
                bank.keep(name, part.left)

    @property
    def left(self) -> dict[str, list[torch.Tensor]]:
        """What the last evaluation left in each self-attention, by its name."""
        return {name: part.left.tensors for name, part in self.parts.items() if part.left is not None}

    @left.setter
    def left(self, left: dict[str, list[torch.Tensor]]) -> None:
        for name, part in self.parts.items():
            part.left = Features(*left[name]) if name in left else None

    @property
    def places(self) -> Hashable:
        """What a recording of an evaluation hangs on beside its arguments: where it looks for what is seen."""
        return tuple(
            (part.row, part.rows, part.anchored, part.adain, *_places(part.seen), *_places(part.style))
            for part in self.parts.values()
        )


def _places(seen: Features | SeenStyle | None) -> tuple[float, ...]:
    if isinstance(seen, SeenStyle):
        return (seen.strength, *_places(seen.features))
    return () if seen is None else tuple(values.data_ptr() for values in seen.tensors)
