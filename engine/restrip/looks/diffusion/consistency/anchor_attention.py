"""Anchor attention: every key's self-attention also sees one key's, so that keys of one job look alike.

The anchor is made first, by itself, and its features are kept step by step; each further key attends to its own keys
and values and to the anchor's, as in cross-frame attention (Wu et al. 2023, Khachatryan et al. 2023). What a key
becomes depends on itself and the anchor, not on the keys beside it.

    anchor's pass    record: features of each self-attention, at each evaluation
    a key's pass     softmax(Q [K, K_anchor + log strength]) [V, V_anchor]
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F


class AnchorBank:
    """The anchor's features: for each evaluation and self-attention [groups, tokens, channels].

    Groups are without and with the prompt. They stay on their device up to `limit_mib` of it; the rest goes to the CPU.
    """

    def __init__(self, limit_mib: float | None = None) -> None:
        self.limit_mib = limit_mib
        self.features: dict[tuple[int, str], torch.Tensor] = {}
        self.evaluation = 0
        self.held_mib = 0.0

    def keep(self, name: str, hidden: torch.Tensor) -> None:
        """Store what self-attention `name` sees now."""
        self.held_mib += hidden.numel() * hidden.element_size() / 2**20
        full = self.limit_mib is not None and self.held_mib > self.limit_mib
        self.features[self.evaluation, name] = hidden.to("cpu") if full else hidden

    def at(self, name: str, like: torch.Tensor) -> torch.Tensor:
        """What self-attention `name` saw at this evaluation, on `like`'s device and of its type."""
        return self.features[self.evaluation, name].to(like.device, like.dtype)


class _Record:
    """The usual attention; its keys and values are kept."""

    def __init__(self, bank: AnchorBank, name: str) -> None:
        self.bank, self.name = bank, name

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        self.bank.keep(self.name, hidden_states)
        return _attend(attn, hidden_states, hidden_states)


class _Replay:
    """Attention over the own and the anchor's keys and values."""

    def __init__(self, bank: AnchorBank, name: str, strength: float, adain: bool) -> None:
        self.bank, self.name, self.strength, self.adain = bank, name, strength, adain

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        anchor = self.bank.at(self.name, hidden_states)
        rows = len(hidden_states) // len(anchor)
        anchor = anchor.repeat_interleave(rows, dim=0)
        return _attend(attn, hidden_states, anchor, own=True, strength=self.strength, adain=self.adain)


def _attend(
    attn: Any, hidden: torch.Tensor, seen: torch.Tensor, *, own: bool = False, strength: float = 1, adain: bool = False
) -> torch.Tensor:
    """Self-attention of `hidden` [rows, tokens, channels] over `seen`, and over itself when `own`."""

    def heads(values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(-1, (attn.heads, -1)).transpose(1, 2)

    query, key, value = heads(attn.to_q(hidden)), heads(attn.to_k(seen)), heads(attn.to_v(seen))
    bias = None
    if own:
        own_key, own_value = heads(attn.to_k(hidden)), heads(attn.to_v(hidden))
        if adain:
            query, own_key = _like(query, heads(attn.to_q(seen))), _like(own_key, key)
        if strength != 1:
            bias = query.new_zeros(1, 1, 1, own_key.shape[2] + key.shape[2])
            bias[..., own_key.shape[2] :] = math.log(max(strength, 1e-4))
        key, value = torch.cat([own_key, key], dim=2), torch.cat([own_value, value], dim=2)
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    out = out.transpose(1, 2).flatten(2)
    return attn.to_out[0](out) / attn.rescale_output_factor


def _like(values: torch.Tensor, model: torch.Tensor) -> torch.Tensor:
    """`values` with the mean and spread over tokens of `model` (AdaIN, Huang and Belongie 2017; Hertz et al. 2024)."""
    mean, std = values.mean(dim=2, keepdim=True), values.std(dim=2, keepdim=True)
    return (values - mean) / (std + 1e-5) * model.std(dim=2, keepdim=True) + model.mean(dim=2, keepdim=True)


@contextmanager
def recording(unet: Any, bank: AnchorBank) -> Iterator[None]:
    """While this holds, the UNet's self-attention is kept in `bank`."""
    with _replaced(unet, lambda name: _Record(bank, name)):
        yield


@contextmanager
def replaying(unet: Any, bank: AnchorBank, strength: float, adain: bool) -> Iterator[None]:
    """While this holds, the UNet's self-attention also sees the anchor's; strength 1 weighs both alike."""
    with _replaced(unet, lambda name: _Replay(bank, name, strength, adain)):
        yield


@contextmanager
def _replaced(unet: Any, make: Any) -> Iterator[None]:
    before = unet.attn_processors
    unet.set_attn_processor({n: make(n) if n.endswith("attn1.processor") else p for n, p in before.items()})
    try:
        yield
    finally:
        unet.set_attn_processor(before)
