"""Anchor attention: every key's self-attention also sees one key's, so that keys of one job look alike.

The anchor's keys and values are kept step by step; each further key attends to its own and to the anchor's, as in
cross-frame attention (Wu et al. 2023, Khachatryan et al. 2023). What a key becomes depends on itself and the anchor,
not on the keys beside it.

Keys may be made beside the anchor, in one batch with it, or later against what was kept. Later ones find K and V in
tensors that stay where they are from step to step, so that a compiled or recorded network may read them; and what the
anchor leaves is taken after each evaluation, so that nothing of the network's work waits for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from restrip.looks.diffusion.consistency.anchor_features import AnchorBank, Features, StyleBank
from restrip.looks.diffusion.consistency.anchored_attention import AnchoredAttention, SeenStyle

__all__ = ["AnchorAttention", "AnchorBank", "StyleBank"]


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
