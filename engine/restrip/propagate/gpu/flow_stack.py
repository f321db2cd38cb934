"""Motion put aside on the device: a stack of flows at half size in 16 bit, one byte a pixel (spool.py's, in memory)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class FlowStack:
    """A stack of flows of one size."""

    def __init__(self) -> None:
        self._small: list[Tensor] = []
        self._shape = (0, 0)

    def push(self, flow: Tensor) -> None:
        """Put `flow` [H, W, 2] on top."""
        self._shape = flow.shape[0], flow.shape[1]
        planes = flow.permute(2, 0, 1)[None]
        even = F.pad(planes, (0, flow.shape[1] & 1, 0, flow.shape[0] & 1), mode="replicate")
        self._small.append(F.avg_pool2d(even, 2).to(torch.float16))

    def pop(self) -> Tensor:
        """Take the top one off, to the precision of 16-bit floats."""
        flow = self.peek()
        self._small.pop()
        return flow

    def peek(self) -> Tensor:
        """The top one."""
        small = self._small[-1].to(torch.float32)
        planes = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)[0]
        return planes[:, : self._shape[0], : self._shape[1]].permute(1, 2, 0).contiguous()

    def __len__(self) -> int:
        return len(self._small)
