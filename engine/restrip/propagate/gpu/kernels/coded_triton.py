"""Finished pictures as code values by a Triton kernel: coded.py's, a start for each picture."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.style import CODE

PIXELS = 512


def coded(planes: list[Tensor], deep: bool) -> Tensor:
    """Pictures [N, H, W, 3] uint8, or if deep 16-bit values in int16, of planes [3, H, W]; `coded.coded`."""
    scale, top = (1.0, 65535.0) if deep else (1 / CODE, 255.0)
    h, w = planes[0].shape[1:]
    kind = torch.int16 if deep else torch.uint8
    out = torch.empty((len(planes), h, w, 3), dtype=kind, device=planes[0].device)
    how = {"SCALE": scale, "TOP": top, "PIXELS": PIXELS, "enable_fp_fusion": False}
    for picture, into in zip(planes, out, strict=True):
        coded_kernel[(triton.cdiv(h * w, PIXELS),)](picture.contiguous(), into, h * w, **how)
    return out


@triton.jit(do_not_specialize=("count",), do_not_specialize_on_alignment=("out",))
def coded_kernel(planes, out, count, SCALE: tl.constexpr, TOP: tl.constexpr, PIXELS: tl.constexpr):
    """Three planes side by side, rounded."""
    at = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    known = at < count
    for colour in tl.static_range(3):
        value = tl.load(planes + colour * count + at, mask=known, other=0.0) * SCALE + 0.5
        value = tl.minimum(tl.maximum(value, 0.0), TOP).to(tl.int32)
        tl.store(out + at * 3 + colour, value.to(out.dtype.element_ty), mask=known)
