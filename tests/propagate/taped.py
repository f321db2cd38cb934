"""A stand-in for CUDA graphs on tensors of the CPU: what is started is noted, and done again on the same tensors.

As with a CUDA graph, whatever a function computes from anything but tensors stays as it was when it was recorded, and
what would have to wait for the device can't be recorded. Afterwards all that was computed is spoilt: playing has to
compute it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from restrip.propagate.gpu.mixing import VoteTensors
from restrip.propagate.gpu.shares import Shares
from restrip.propagate.gpu.stages import Stages, torch_stages

WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "item", "lift_fresh"}


def tensors_in(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def storage_of(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class Tape(TorchDispatchMode):
    """What has been started, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Callable[[], None]] = []
        self.made: list[Tensor] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, function._schema.name.partition("::")[2]
        if name in WAITS:
            raise RuntimeError(f"{name} can't be recorded")
        out = function(*args, **kwargs)
        returned = [one.alias_info for one in function._schema.returns]
        if any(alias is not None and alias.is_write for alias in returned):  # in place
            self.steps.append(lambda: function(*args, **kwargs))
        elif not {storage_of(one) for one in tensors_in(out)} & {storage_of(one) for one in tensors_in((args, kwargs))}:
            self.made += tensors_in(out)
            if not name.startswith(("empty", "new_empty")):
                self.steps.append(lambda: self._again(tensors_in(out), function, args, kwargs))
        return out  # else it is a view

    @staticmethod
    def _again(outs: list[Tensor], function: Any, args: Any, kwargs: Any) -> None:
        new = tensors_in(function(*args, **kwargs))
        for old, fresh in zip(outs, new, strict=True):
            old.copy_(fresh)

    def kernel(self, function: Callable[..., None]) -> Callable[..., None]:
        """What changes its tensors in place, as one kernel."""

        def started(*args: Any, **kwargs: Any) -> None:
            with _disable_current_modes():
                function(*args, **kwargs)
            self.steps.append(lambda: function(*args, **kwargs))

        return started

    def play(self) -> None:
        for step in self.steps:
            step()


class TapeRecorder:
    """Of stages whose `sweep`, `lay_blocks` and `sew` are kernels; as are Triton's, interpreted. `count` counts."""

    def __init__(self) -> None:
        self.tape: Tape | None = None
        self.count = 0

    def __call__(self, function: Callable[[], dict[str, Tensor]]) -> tuple[Callable[[], None], dict[str, Tensor]]:
        from triton.runtime.interpreter import GridExecutor

        self.tape, self.count = Tape(), self.count + 1
        call, tape = GridExecutor.__call__, self.tape
        with ExitStack() as patched:
            started = lambda executor, *args, **how: tape.kernel(call)(executor, *args, **how)  # noqa: E731
            patched.enter_context(mock.patch.object(GridExecutor, "__call__", started))
            patched.enter_context(tape)
            patched.callback(lambda: setattr(self, "tape", None))
            out = function()
        for one in tape.made:
            one.view(torch.uint8).fill_(77) if one.is_contiguous() and one.dim() else one.zero_()
        return tape.play, out

    def kernel(self, function: Callable[..., None]) -> Callable[..., None]:
        """A stage that is recorded as a whole."""

        def started(*args: Any, **kwargs: Any) -> None:
            (function if self.tape is None else self.tape.kernel(function))(*args, **kwargs)

        return started


def rendered(left: VoteTensors, right: VoteTensors, shares: Shares, deep: bool) -> Tensor:
    """By shares that are read from tensors, as Triton's kernels read them; nothing else of `mixing.rendered`."""
    out = []
    for first, second, _ in shares.numbers[: 3 * len(shares.weights)].view(-1, 3):
        weight = left.weight * first + right.weight * second
        value = (left.total * first + right.total * second) / weight[..., None]
        value = (value if deep else value / 257).round().clamp(0, 65535 if deep else 255)
        out.append(value.to(torch.int32).to(torch.int16 if deep else torch.uint8))
    return torch.stack(out)


def taped_stages() -> tuple[Stages, TapeRecorder]:
    """Torch operations on the CPU, and what records them."""
    recorder, plain = TapeRecorder(), torch_stages(torch.device("cpu"))
    kernels = {name: recorder.kernel(getattr(plain, name)) for name in ("sweep", "lay_blocks", "sew")}
    return replace(plain, recorder=lambda: recorder, rendered=rendered, **kernels), recorder
