"""Group normalizations of a network that leave channels last where they lie."""

from __future__ import annotations

import importlib.util
from typing import Any, ClassVar

import torch

from restrip.looks.diffusion.runtime.speed.nests import alike

ON = True
"""Whether GPUs' networks are given these: on an H100 SD 1.5's VAE took 13 to 19 ms a key instead of 26."""

# How far they may be from torch's own, as a share of the largest number: rounding in half precision.
ALIKE = 1e-2


class ChannelsLastNorm(torch.nn.GroupNorm):
    """A group normalization by group_norm_triton where that serves, else torch's own.

    What is compiled takes torch's, which is joined with what is around it. The first call of each shape is compared
    with torch's own; where it differs or fails, `failed` says so and torch's own serves from then on.
    """

    failed: ClassVar[str] = ""
    known: ClassVar[set[Any]] = set()
    # Kernels run on GPUs, and interpreted, in tests, elsewhere.
    devices: ClassVar[tuple[str, ...]] = ("cuda",)
    # Numbers from which copying costs more than starting three kernels instead of one.
    least: ClassVar[int] = 2**22

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As GroupNorm's."""
        if torch.compiler.is_compiling() or not self._serves(x):
            return super().forward(x)
        from restrip.looks.diffusion.runtime.speed.group_norm_triton import group_norm

        kind = x.shape, x.dtype, x.device, self.num_groups
        expected = None if kind in self.known else super().forward(x)
        try:
            given = group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
            if expected is None or alike(given, expected, ALIKE):
                self.known.add(kind)
                return given
            ChannelsLastNorm.failed = "it gives another picture"
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a compiler of kernels says: torch's own is there
            ChannelsLastNorm.failed = str(error).strip().split("\n")[0] or type(error).__name__
        return super().forward(x) if expected is None else expected

    def _serves(self, x: torch.Tensor) -> bool:
        return (
            not self.failed
            and x.device.type in self.devices
            and x.ndim == 4
            and x.numel() >= self.least
            and x.dtype in (torch.float16, torch.bfloat16)
            and x.is_contiguous(memory_format=torch.channels_last)
            and not x.requires_grad
        )


def lay(network: torch.nn.Module, *, on: bool = True) -> None:
    """Have all group normalizations of a network, which have weights, be of this kind; or torch's own again."""
    if importlib.util.find_spec("triton") is None or torch.version.hip is not None:
        return
    kinds = (torch.nn.GroupNorm, ChannelsLastNorm) if on else (ChannelsLastNorm, torch.nn.GroupNorm)
    for part in network.modules():
        if type(part) is kinds[0] and part.affine:
            part.__class__ = kinds[1]
