"""What was computed for a picture lately, by its content: trying seeds encodes and inverts a frame once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence

import torch

KEPT = 16


class LruCache:
    """The last few rows of a computation, [channels, h, w] each, by a key that says everything they depend on."""

    def __init__(self) -> None:
        self.rows: OrderedDict[Hashable, torch.Tensor] = OrderedDict()

    def get(self, keys: Sequence[Hashable], compute: Callable[[list[int]], torch.Tensor]) -> torch.Tensor:
        """The rows of `keys`; `compute(numbers)` makes those that aren't known.

        What is in them isn't looked at, which would wait for the device: see `drop`.
        """
        known = {number: self.rows[key] for number, key in enumerate(keys) if key in self.rows}
        missing = [number for number in range(len(keys)) if number not in known]
        if missing:
            known |= dict(zip(missing, compute(missing), strict=True))
        for number, key in enumerate(keys):
            self.rows[key] = known[number]
            self.rows.move_to_end(key)
        while len(self.rows) > KEPT:
            self.rows.popitem(last=False)
        return torch.stack([known[number] for number in range(len(keys))])

    def drop(self, keys: Iterable[Hashable]) -> None:
        """Forget rows that came out broken."""
        for key in keys:
            self.rows.pop(key, None)
