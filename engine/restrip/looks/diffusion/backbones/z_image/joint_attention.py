"""Anchor attention where picture and text are one row of tokens.

    own        [ picture | text | filling ]            keys of the row
    seen       [ anchor's picture ] [ style's ]        at the own picture's places: what is at one spot finds itself

Only pictures are seen, so that an anchor's words stay its own. Own and seen pictures share the weight that the own one
had alone: the text weighs as much as before, and the anchor beside itself is itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.consistency.anchor_features import Features
from restrip.looks.diffusion.consistency.anchored_attention import AnchoredAttention
from restrip.looks.diffusion.consistency.attention_math import ADDED, joined, like, moments, projected

# What hides a key: its weight's logarithm.
HIDDEN = -1e4
PATCH = 2


class JointAttention(AnchoredAttention):
    """One attention over picture and text, whose first `tokens` are the picture's. Keys are kept without places."""

    def __init__(self, name: str, strength: float, adain: bool) -> None:
        super().__init__(name, strength, adain)
        self.tokens = 0
        self._places = torch.empty(0)
        self._shown: torch.Tensor | None = None

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        *args: Any,
        attention_mask: torch.Tensor | None = None,
        freqs_cis: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """As Z-Image asks an attention's processor, with the tokens' places and which of them are no filling."""
        assert freqs_cis is not None
        query, key, value = projected(attn, hidden_states)
        query, key = attn.norm_q(query), attn.norm_k(key)
        self._places, self._shown = freqs_cis, attention_mask
        return joined(attn, self.attended(query, key, value))

    def attended(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """As AnchoredAttention's, of queries and keys without their places."""
        if self.style is not None:
            parts = self.style.adapted(self._picture(query), self._picture(key))
            query, key = self._with_picture(query, parts[0]), self._with_picture(key, parts[1])
        everyone = slice(None)
        if self.row is None:
            return self._among(query, key, value, self.seen if self.anchored else None, everyone)
        mine = slice(self.row, None, self.rows)
        kept = self._picture(query[mine]), self._picture(key[mine]), self._picture(value[mine])
        anchor = Features(kept[1].clone(), kept[2].clone(), *(moments(kept[0]) if self.adain else ()))
        self.left = anchor
        own = self._among(query[mine], key[mine], value[mine], None, mine)
        if self.rows == 1:
            return own
        out = self._among(query, key, value, anchor, everyone)
        out[mine] = own
        return out

    def _among(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, anchor: Features | None, rows: slice
    ) -> torch.Tensor:
        """Attention to the own keys and to pictures seen; `rows` are those of the batch that these are."""
        places = self._places[rows]
        if anchor is not None and anchor.query_mean is not None and anchor.query_std is not None:
            adapted = like(self._picture(query), anchor.query_mean, anchor.query_std)
            query = self._with_picture(query, adapted)
            key = self._with_picture(key, like(self._picture(key), *moments(anchor.key)))
        seen = list(self._seen_beside(anchor))
        if not seen and self._shown is None:
            return F.scaled_dot_product_attention(turned(query, places), turned(key, places), value)
        whole = 1 + sum(weight for _, weight in seen)
        weights = torch.zeros(key.shape[0], key.shape[2], device=key.device)
        weights[:, : self.tokens] = -math.log(whole)
        if self._shown is not None:
            weights[~self._shown[rows]] = HIDDEN
        keys, values, logs = [turned(key, places)], [value], [weights]
        for features, weight in seen:
            each = key.shape[0] // len(features.key)
            their_key, their_value = (
                _as_many(part, self.tokens).repeat_interleave(each, dim=0) for part in (features.key, features.value)
            )
            keys.append(turned(their_key, places[:, : self.tokens]))
            values.append(their_value)
            logs.append(torch.full_like(weights[:, : self.tokens], math.log(max(weight, 1e-4) / whole)))
        return weighed_keys(turned(query, places), torch.cat(keys, 2), torch.cat(values, 2), torch.cat(logs, 1))

    def _picture(self, values: torch.Tensor) -> torch.Tensor:
        return values[:, :, : self.tokens]

    def _with_picture(self, values: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        return torch.cat([picture.to(values.dtype), values[:, :, self.tokens :]], dim=2)


def _as_many(values: torch.Tensor, tokens: int) -> torch.Tensor:
    """[rows, heads, n, channels] with so many tokens: of a picture in another shape some, evenly, or some twice."""
    count = values.shape[2]
    if count == tokens:
        return values
    return values[:, :, torch.arange(tokens, device=values.device) * count // tokens]


def turned(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[rows, heads, tokens, channels] turned by their places [rows, tokens, channels / 2], complex (Su et al. 2021)."""
    pairs = torch.view_as_complex(values.float().contiguous().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * places[:, None]).flatten(-2).to(values.dtype)


def weighed_keys(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, logs: torch.Tensor) -> torch.Tensor:
    """Attention to keys with the logarithms of their weights, [rows, keys]: as one more channel, which any kernel takes
    and which costs less than a mask of all pairs.
    """
    channels = query.shape[-1]
    query, keys, values = (F.pad(part, (0, ADDED)) for part in (query, keys, values))
    query[..., channels] = 1
    keys[..., channels] = (logs * math.sqrt(channels))[:, None].to(keys.dtype)
    return F.scaled_dot_product_attention(query, keys, values, scale=1 / math.sqrt(channels))[..., :channels]


class JointAnchorAttention(AnchorAttention):
    """The attentions of Z-Image's main layers, over picture and text together."""

    def names(self, network: Any) -> list[str]:
        """See AnchorAttention."""
        return [f"layers.{number}.attention" for number in range(len(network.layers))]

    def part(self, name: str) -> JointAttention:
        """See AnchorAttention."""
        return JointAttention(name, self.strength, self.adain)

    @contextmanager
    def _in_place(self, network: Any) -> Iterator[None]:
        def measure(_: Any, arguments: tuple[Any, ...]) -> None:
            height, width = arguments[0][0].shape[-2:]
            for part in self.parts.values():
                assert isinstance(part, JointAttention)
                part.tokens = (height // PATCH) * (width // PATCH)

        attentions = {name: network.get_submodule(name) for name in self.parts}
        before = {name: attention.processor for name, attention in attentions.items()}
        hook = network.register_forward_pre_hook(measure)
        for name, attention in attentions.items():
            attention.processor = self.parts[name]
        try:
            yield
        finally:
            hook.remove()
            for name, attention in attentions.items():
                attention.processor = before[name]
