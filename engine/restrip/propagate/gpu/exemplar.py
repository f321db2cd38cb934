"""A key on the device, made ready for reading: keyed.py's, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.frame_window import StyledKey
from restrip.propagate.gpu.motion import Shown
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.shading import slopes
from restrip.propagate.gpu.transfers import upload


@dataclass(frozen=True, eq=False)
class KeyTensors:
    """A key's source and style.

    `packed` [H, W, 8] holds the 16-bit code values of style, source (8 bit), 64 x luma, 1 in int16; `described` is
    [H, W, 16] int16 of the source; `slopes` [H, W, 3] float32, 16-bit style per code value of luma; `picture` is the
    style as it was given, [H, W, 3] uint8 or, if deep, 16-bit code values in int16.
    """

    packed: Tensor
    described: Tensor
    slopes: Tensor
    shown: Shown
    picture: Tensor

    @classmethod
    def of(cls, key: StyledKey, described: Tensor, shown: Shown) -> KeyTensors:
        """Of a key whose source is `shown` and looks like `described`."""
        picture = upload(key.picture.rgb, shown.rgb.device)
        style = unsigned(picture) if key.picture.deep else picture.to(torch.float32) * 257
        luma = 0.299 * shown.colour[0] + 0.587 * shown.colour[1] + 0.114 * shown.colour[2]
        rest = [shown.rgb.to(torch.float32), (luma * 64).round()[..., None], torch.ones_like(luma)[..., None]]
        packed = torch.cat([style, *rest], 2).to(torch.int32).to(torch.int16)
        return cls(packed, described, slopes(luma, style), shown, picture)
