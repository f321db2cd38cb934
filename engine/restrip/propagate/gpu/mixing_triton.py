"""From predictions to renditions as Triton kernels: mixing.py's, a start a key and one for all renditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.mixing import gaussian
from restrip.propagate.gpu.stencil_triton import TILE, bounded, emptied, tile, tiles
from restrip.propagate.keyed import CODE
from restrip.propagate.mixing import Shares
from restrip.propagate.weights import FLOOR


@dataclass(frozen=True, eq=False)
class Told:
    """What one key says of a frame: two predictions [H, W, 3], and their errors [2, H, W], blurred along rows."""

    styles: tuple[Tensor, Tensor]
    errors: Tensor


def weighed(predictions: list[tuple[Tensor, Tensor]]) -> Told:
    """Of two predictions (style [H, W, 3], squared errors [H, W]); `mixing.weighed`."""
    (first, one), (second, other) = predictions
    h, w = one.shape
    errors, gauss = emptied(one, 2, h, w), _gauss(one.device)
    for plane, out in zip((one, other), errors, strict=True):
        along_kernel[tiles(h, w)](plane, gauss, out, h, w, TAPS=len(gauss), **TILE)
    return Told((first, second), errors)


def rendered(left: Told, right: Told, shares: list[Shares], deep: bool) -> Tensor:
    """All renditions [N, H, W, 3], uint8 or if deep 16-bit code values in int16; `mixing.rendered`."""
    h, w = left.errors.shape[1:]
    out = torch.empty((len(shares), h, w, 3), dtype=torch.int16 if deep else torch.uint8, device=left.errors.device)
    parts = [float(part) for share in shares for part in (share.left, share.right)]
    parts += [0.0] * (6 - len(parts))
    gauss = _gauss(out.device)
    scale, top = (1.0, 65535.0) if deep else (1 / CODE, 255.0)
    args = (*left.styles, *right.styles, left.errors, right.errors, gauss, out, *parts, h, w)
    how = {"TAPS": len(gauss), "FLOOR": float(FLOOR), "SCALE": scale, "TOP": top}
    mix_kernel[tiles(h, w)](*args, COUNT=len(shares), BOTH=left is not right, **how, **TILE)
    return out


@lru_cache(maxsize=4)
def _gauss(device: torch.device) -> Tensor:
    return torch.tensor(gaussian(), device=device)


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("errors", "out"))
def along_kernel(errors, gauss, out, h, w, TAPS: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr):
    """Errors blurred along rows; edges repeat."""
    x, y, inside = tile(h, w, TX, TY)
    total = tl.zeros_like(x).to(tl.float32)
    for n in tl.static_range(TAPS):
        total += tl.load(errors + y * w + bounded(x + (n - TAPS // 2), w)) * tl.load(gauss + n)
    tl.store(out + y * w + x, total, mask=inside)


@triton.jit
def _worth(errors, gauss, x, y, h, w, TAPS: tl.constexpr, FLOOR: tl.constexpr):
    """Weights from errors that are blurred along rows already."""
    total = tl.zeros_like(x).to(tl.float32)
    for n in tl.static_range(TAPS):
        total += tl.load(errors + bounded(y + (n - TAPS // 2), h) * w + x) * tl.load(gauss + n)
    root = FLOOR / (total + FLOOR)
    return root * root


@triton.jit(do_not_specialize=("h", "w"))
def mix_kernel(
    warped,
    matched,
    others_warped,
    others_matched,
    errors,
    others_errors,
    gauss,
    out,
    left0,
    right0,
    left1,
    right1,
    left2,
    right2,
    h,
    w,
    COUNT: tl.constexpr,
    BOTH: tl.constexpr,
    TAPS: tl.constexpr,
    FLOOR: tl.constexpr,
    SCALE: tl.constexpr,
    TOP: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Both keys' predictions by their worth and by the shares of each rendition."""
    x, y, inside = tile(h, w, TX, TY)
    at, size = y * w + x, h * w
    a, b = _worth(errors, gauss, x, y, h, w, TAPS, FLOOR), _worth(errors + size, gauss, x, y, h, w, TAPS, FLOOR)
    c, d = tl.zeros_like(a), tl.zeros_like(a)
    if BOTH:
        c = _worth(others_errors, gauss, x, y, h, w, TAPS, FLOOR)
        d = _worth(others_errors + size, gauss, x, y, h, w, TAPS, FLOOR)
    for colour in tl.static_range(3):
        place = at * 3 + colour
        ours = tl.load(warped + place) * a + tl.load(matched + place) * b
        theirs = tl.zeros_like(a)
        if BOTH:
            theirs = tl.load(others_warped + place) * c + tl.load(others_matched + place) * d
        for n in tl.static_range(COUNT):
            left = left0 if n == 0 else (left1 if n == 1 else left2)
            right = right0 if n == 0 else (right1 if n == 1 else right2)
            value = (ours * left + theirs * right) * (SCALE / ((a + b) * left + (c + d) * right))
            value = tl.minimum(tl.maximum(value + 0.5, 0.0), TOP).to(tl.int32)
            tl.store(out + n * size * 3 + place, value.to(out.dtype.element_ty), mask=inside)
