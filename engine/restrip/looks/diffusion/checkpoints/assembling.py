"""A network built of its config and filled with stored weights, without ever holding them twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily
from restrip.looks.diffusion.checkpoints.loader import empty
from restrip.looks.diffusion.checkpoints.weights.packed import HALVES, Packed, PackedLinear
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored


def assembled(
    kind_name: str, config: Mapping[str, Any], weights: Stored, path: Path, what: str, blocks: tuple[str, ...] = ()
) -> Any:
    """A network of that class of diffusers or transformers with weights by its own names.

    Linear layers below `blocks` (prefixes such as "layers.") keep halves, 8-bit floats, NF4 and GGUF as they are
    stored, and compute in what comes in; all else is numbers. `path` and `what` ("transformer") are for errors. Weights
    that it doesn't know are left out. Raises MissingPart, UnknownFamily.
    """
    try:
        module = empty(kind_name, config)
    except (TypeError, ValueError, AssertionError, ZeroDivisionError) as error:
        raise UnknownFamily(path, f"its {what} can't be built ({str(error)[:120] or 'its config is odd'})") from error
    wanted = {**dict(module.named_parameters()), **_kept_buffers(module)}
    missing = [name for name in wanted if name not in weights]
    if missing:
        raise MissingPart(path, f"complete {what} ({missing[0]} and {len(missing) - 1} more are missing)")
    plain: dict[str, torch.Tensor] = {}
    for name, parameter in wanted.items():
        value = _shaped(weights[name], parameter.shape, path, what)
        layer = module.get_submodule(name.rpartition(".")[0]) if "." in name else module
        if name.endswith(".weight") and name.startswith(blocks or ("\0",)) and isinstance(layer, torch.nn.Linear):
            packed = _packed(value)
            if packed is not None:
                _put(module, name.removesuffix(".weight"), PackedLinear(packed, _bias(layer, name, weights)))
                continue
        if name in plain:
            continue
        plain[name] = value.unpacked(torch.float32) if isinstance(value, Packed) else value
    here = module.state_dict()
    module.load_state_dict({name: value for name, value in plain.items() if name in here}, strict=False, assign=True)
    return module.eval().requires_grad_(False)


def _kept_buffers(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Buffers that files hold, such as a batch normalization's statistics; a counter is none that matters."""
    names = module.state_dict().keys()
    return {name: value for name, value in module.named_buffers() if name in names and value.dtype.is_floating_point}


def _packed(value: torch.Tensor | Packed) -> Packed | None:
    if isinstance(value, Packed):
        return value
    return Packed.of_floats(value) if value.dtype in HALVES and value.dim() == 2 else None


def _bias(layer: torch.nn.Linear, name: str, weights: Stored) -> torch.Tensor | None:
    if layer.bias is None:
        return None
    value = weights[f"{name.removesuffix('weight')}bias"]
    return value.unpacked(torch.float32).flatten() if isinstance(value, Packed) else value


def _put(module: torch.nn.Module, name: str, layer: torch.nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, layer)


def _shaped(value: torch.Tensor | Packed, shape: torch.Size, path: Path, what: str) -> torch.Tensor | Packed:
    """The value in the shape that is wanted, which may differ by sides of 1. Raises UnknownFamily."""
    if tuple(value.shape) == tuple(shape):
        return value
    if [side for side in value.shape if side != 1] != [side for side in shape if side != 1]:
        raise UnknownFamily(path, f"its {what} has another shape")
    return (value.unpacked(torch.float32) if isinstance(value, Packed) else value).reshape(shape)
