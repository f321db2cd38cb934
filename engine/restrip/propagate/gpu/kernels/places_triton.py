"""Fields of whole pixels and the flows that lead there as Triton kernels: places.py's functions, a start each."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.kernels.stencil_triton import bounded, emptied

PIXELS = 512  # a program


def places(flow: Tensor) -> Tensor:
    """The field [H, W, 2] of the whole pixels that a flow leads to; `places.places`."""
    h, w = flow.shape[:2]
    out = torch.empty((h, w, 2), dtype=torch.int16, device=flow.device)
    places_kernel[(triton.cdiv(h * w, PIXELS),)](flow.contiguous(), out, h, w, PIXELS=PIXELS)
    return out


def flow_of(field: Tensor) -> Tensor:
    """The flow [H, W, 2] that leads where a field does; `places.flow_of`."""
    h, w = field.shape[:2]
    out = emptied(field, h, w, 2)
    flow_kernel[(triton.cdiv(h * w, PIXELS),)](field.contiguous(), out, h, w, PIXELS=PIXELS)
    return out


def taken_at(plane: Tensor, field: Tensor) -> Tensor:
    """What a plane [H, W] holds at the pixels of a field, [H, W]; `places.taken_at`."""
    h, w = field.shape[:2]
    out = emptied(field, h, w)
    taken_kernel[(triton.cdiv(h * w, PIXELS),)](plane.contiguous(), field, out, plane.shape[1], h * w, PIXELS=PIXELS)
    return out


@triton.jit
def _pixels(count, PIXELS: tl.constexpr):
    """This program's pixels, the last one of all instead of those beyond it; and which are pixels."""
    at = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    return tl.minimum(at, count - 1), at < count


@triton.jit(do_not_specialize=("h", "w"))
def places_kernel(flow, out, h, w, PIXELS: tl.constexpr):
    """The nearest pixel to where each one leads."""
    at, inside = _pixels(h * w, PIXELS)
    x = tl.floor((at % w).to(tl.float32) + tl.load(flow + at * 2) + 0.5).to(tl.int32)
    y = tl.floor((at // w).to(tl.float32) + tl.load(flow + at * 2 + 1) + 0.5).to(tl.int32)
    tl.store(out + at * 2, bounded(x, w).to(tl.int16), mask=inside)
    tl.store(out + at * 2 + 1, bounded(y, h).to(tl.int16), mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def flow_kernel(field, out, h, w, PIXELS: tl.constexpr):
    """How far away the pixel is that each one shows."""
    at, inside = _pixels(h * w, PIXELS)
    x, y = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
    tl.store(out + at * 2, (x - at % w).to(tl.float32), mask=inside)
    tl.store(out + at * 2 + 1, (y - at // w).to(tl.float32), mask=inside)


@triton.jit(do_not_specialize=("w", "count"))
def taken_kernel(plane, field, out, w, count, PIXELS: tl.constexpr):
    """The numbers of a plane that is `w` wide at the pixels of a field."""
    at, inside = _pixels(count, PIXELS)
    x, y = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
    tl.store(out + at, tl.load(plane + y * w + x), mask=inside)
