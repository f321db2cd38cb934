"""Arguments and results of networks: nests of tuples, lists and dicts with tensors in them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

import torch


class Places(Protocol):
    """What a network reads and writes beside its arguments, in tensors that stay where they are."""

    left: dict[str, list[torch.Tensor]]

    @property
    def places(self) -> Hashable:
        """Where these tensors are."""


# What there is of that at the moment.
Beside = Callable[[], Places | None]


def nothing_beside() -> None:
    """There is nothing beside the arguments."""


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nest with changed tensors."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(part, change) for name, part in value.items()}
    return type(value)(mapped(part, change) for part in value) if type(value) in (tuple, list) else value


def tensors(value: Any) -> list[torch.Tensor]:
    """Its tensors, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if type(value) in (tuple, list) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def kind_of(value: Any) -> Hashable:
    """What two nests have in common that a network can't tell apart but by its tensors' numbers."""
    if isinstance(value, torch.Tensor):
        return value.shape, value.stride(), value.dtype, value.device
    if isinstance(value, dict):
        return tuple((name, kind_of(part)) for name, part in value.items())
    return (type(value), *map(kind_of, value)) if type(value) in (tuple, list) else value


def alike(given: Any, expected: Any, share: float) -> bool:
    """Whether no number is further off than this share of the largest one; what isn't finite says nothing."""
    for mine, value in zip(tensors(given), tensors(expected), strict=True):
        if not value.numel():
            continue
        off, most = (mine.float() - value.float()).abs().max(), value.float().abs().max()
        if bool(torch.isfinite(most)) and not bool(off <= share * most):
            return False
    return True
