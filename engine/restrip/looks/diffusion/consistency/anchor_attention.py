"""Anchor attention: every key's self-attention also sees one key's, so that keys of one job look alike.

The anchor's keys and values are kept step by step; each further key attends to its own and to the anchor's, as in
cross-frame attention (Wu et al. 2023, Khachatryan et al. 2023). What a key becomes depends on itself and the anchor,
not on the keys beside it.

    the anchor        softmax(Q K) V, and K and V are kept, at each evaluation
    other keys        softmax(Q [K, K_anchor + log strength]) [V, V_anchor]

Keys may be made beside the anchor, in one batch with it, or later against what was kept. Later ones find K and V in
tensors that stay where they are from step to step, so that a compiled network may read them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

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

    def keep(self, name: str, features: Features) -> None:
        """Store what self-attention `name` has now."""
        self.held_mib += sum(values.numel() * values.element_size() for values in features.tensors) / 2**20
        full = self.limit_mib is not None and self.held_mib > self.limit_mib
        kept = [values.to("cpu") if full else values.clone() for values in features.tensors]
        self.features[self.evaluation, name] = Features(*kept)


class AnchoredAttention:
    """One self-attention that sees the anchor's.

    While `row` is a number, that row of each group is the anchor: it is kept in `bank`, and the others see it. Else
    they see `seen`, which `load` fills for each evaluation.
    """

    def __init__(self, name: str, strength: float, adain: bool) -> None:
        self.name, self.strength, self.adain = name, strength, adain
        self.seen: Features | None = None
        self.bank: AnchorBank | None = None
        self.row: int | None = None
        self.rows = 1

    def load(self, features: Features, like: torch.Tensor) -> None:
        """Have these features seen, on `like`'s device and of its type, where the last ones were."""
        if self.seen is None or not _fits(self.seen, features, like):
            self.seen = Features(*(values.to(like.device, like.dtype, copy=True) for values in features.tensors))
            return
        for mine, values in zip(self.seen.tensors, features.tensors, strict=True):
            mine.copy_(values, non_blocking=True)

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As diffusers asks an attention's processor."""
        query, key, value = projected(attn, hidden_states)
        if self.row is None:
            assert self.seen is not None
            return joined(attn, self._beside(query, key, value, self.seen))
        mine = slice(self.row, None, self.rows)
        anchor = Features(key[mine], value[mine], *(_moments(query[mine]) if self.adain else ()))
        assert self.bank is not None
        self.bank.keep(self.name, anchor)
        own = F.scaled_dot_product_attention(query[mine], key[mine], value[mine])
        if self.rows == 1:
            return joined(attn, own)
        out = self._beside(query, key, value, anchor)
        out[mine] = own
        return joined(attn, out)

    def _beside(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, anchor: Features) -> torch.Tensor:
        """Attention to the own keys and values and to the anchor's."""
        if anchor.query_mean is not None and anchor.query_std is not None:
            query = like(query, anchor.query_mean, anchor.query_std)
            key = like(key, *_moments(anchor.key))
        keys, values = beside(key, anchor.key), beside(value, anchor.value)
        if self.strength == 1:
            return F.scaled_dot_product_attention(query, keys, values)
        return weighed(query, keys, values, self.strength)


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


def weighed(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, strength: float) -> torch.Tensor:
    """Attention to keys of which all behind as many as there are queries weigh `strength` times as much.

    The weight's logarithm is one more channel of queries and keys, which costs less than a mask of all pairs.
    """
    tokens, channels = query.shape[-2:]
    query, keys, values = (F.pad(part, (0, ADDED)) for part in (query, keys, values))
    query[..., channels] = 1
    keys[..., tokens:, channels] = math.log(max(strength, 1e-4)) * math.sqrt(channels)
    return F.scaled_dot_product_attention(query, keys, values, scale=1 / math.sqrt(channels))[..., :channels]


def like(values: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Rows of every group with their group's mean and spread over tokens (AdaIN, Huang and Belongie 2017; Hertz et al.
    2024).
    """
    own_mean, own_std = _moments(values)
    rows = len(values) // len(mean)
    mean, std = (part.repeat_interleave(rows, dim=0) for part in (mean, std))
    return (values - own_mean) / (own_std + 1e-5) * std + mean


def _moments(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return values.mean(dim=2, keepdim=True), values.std(dim=2, keepdim=True)


def _fits(mine: Features, features: Features, like: torch.Tensor) -> bool:
    same = (mine.key.device, mine.key.dtype) == (like.device, like.dtype)
    return same and mine.key.shape == features.key.shape


class AnchorAttention:
    """All self-attentions of one UNet, which see an anchor's while `among` holds."""

    def __init__(self, unet: Any, strength: float, adain: bool) -> None:
        self.strength = strength
        names = [name for name in unet.attn_processors if name.endswith("attn1.processor")]
        self.parts = {name: AnchoredAttention(name, strength, adain) for name in names}

    @contextmanager
    def among(self, unet: Any, bank: AnchorBank, row: int | None = None, rows: int = 1) -> Iterator[None]:
        """While this holds, `unet`'s batches see the anchor that `load` shows. With `row`, that row of their `rows` is
        the anchor: it is kept in `bank`, and the others see it.
        """
        if self.strength <= 0:
            yield
            return
        for part in self.parts.values():
            part.bank, part.row, part.rows = (None, None, 1) if row is None else (bank, row, rows)
        before = unet.attn_processors
        unet.set_attn_processor({**before, **self.parts})
        try:
            yield
        finally:
            unet.set_attn_processor(before)

    def load(self, unet: Any, bank: AnchorBank) -> None:
        """Have what `bank` holds of its evaluation seen next, unless the anchor is in the batch."""
        like = next(unet.parameters())
        for name, part in self.parts.items():
            if self.strength > 0 and part.row is None:
                part.load(bank.features[bank.evaluation, name], like)
