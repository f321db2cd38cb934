"""From predictions to renditions as Triton kernels: mixing.py's, two starts a key and three for all renditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.confidence import BLUR, FLOOR
from restrip.propagate.energy.detail_selection import cell_of
from restrip.propagate.energy.mixing import EVEN, SUMS
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian
from restrip.propagate.gpu.kernels.detail_selection_triton import cell_at, cell_read, cells_of
from restrip.propagate.gpu.kernels.stencil_triton import TILE, bounded, emptied, tile, tiles
from restrip.propagate.gpu.shares import Shares


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


def rendered(left: Told, right: Told, shares: Shares, deep: bool) -> Tensor:
    """All renditions [N, H, W, 3], uint8 or if deep 16-bit code values in int16; `mixing.rendered`."""
    h, w = left.errors.shape[1:]
    count = len(shares.weights)
    out = torch.empty((count, h, w, 3), dtype=torch.int16 if deep else torch.uint8, device=left.errors.device)
    gauss = _gauss(out.device)
    scale, top = (1.0, 65535.0) if deep else (1 / CODE, 255.0)
    said = (*left.styles, *right.styles, left.errors, right.errors, gauss)
    how = {"TAPS": len(gauss), "FLOOR": float(FLOOR)}
    cell, both = cell_of((w, h)), left is not right
    cells = cells_of(_means(said, cell, dict(how)), shares) if both else left.errors
    args = (*said, cells, out, shares.numbers, cell, *cells.shape[1:], h, w)
    mix_kernel[tiles(h, w)](*args, COUNT=count, BOTH=both, SCALE=scale, TOP=top, EVEN=float(EVEN), **how, **TILE)
    return out


def _means(said: tuple[Tensor, ...], cell: int, how: dict[str, Any]) -> Tensor:
    """`gpu.strokes.means_of`, of predictions and errors."""
    h, w = said[0].shape[:2]
    out = emptied(said[0], SUMS, triton.cdiv(h, cell), triton.cdiv(w, cell))
    lanes = triton.next_power_of_2(cell * cell)
    how |= {"LANES": lanes, "num_warps": min(max(lanes // 64, 1), 16)}
    sums_kernel[out.shape[1] * out.shape[2],](*said, out, cell, h, w, SCALE=1 / CODE, **how)
    return out


@lru_cache(maxsize=4)
def _gauss(device: torch.device) -> Tensor:
    return torch.tensor(gaussian(BLUR), device=device)


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


@triton.jit
def _worths(errors, gauss, x, y, h, w, TAPS: tl.constexpr, FLOOR: tl.constexpr):
    """Of one key's two predictions, whose errors are planes one after the other."""
    first = _worth(errors, gauss, x, y, h, w, TAPS, FLOOR)
    return first, _worth(errors + h * w, gauss, x, y, h, w, TAPS, FLOOR)


@triton.jit
def _said(warped, matched, place, inside, a, b):
    """A channel of one key's two predictions, by their worth."""
    value = tl.load(warped + place) * a + tl.load(matched + place) * b
    return tl.where(inside, value / (a + b), 0.0)


@triton.jit(do_not_specialize=("cell", "h", "w"))
def sums_kernel(
    warped,
    matched,
    others_warped,
    others_matched,
    errors,
    others_errors,
    gauss,
    out,
    cell,
    h,
    w,
    SCALE: tl.constexpr,
    TAPS: tl.constexpr,
    FLOOR: tl.constexpr,
    LANES: tl.constexpr,
):
    """Means over a cell a program: `mix_cpu.sum_up`."""
    across, lane = (w + cell - 1) // cell, tl.arange(0, LANES)
    x = (tl.program_id(0) % across) * cell + lane % cell
    y = (tl.program_id(0) // across) * cell + lane // cell
    inside = (lane < cell * cell) & (x < w) & (y < h)
    x, y = bounded(x, w), bounded(y, h)
    a, b = _worths(errors, gauss, x, y, h, w, TAPS, FLOOR)
    c, d = _worths(others_errors, gauss, x, y, h, w, TAPS, FLOOR)
    cells = tl.num_programs(0)
    share = 1.0 / tl.sum(tl.where(inside, 1.0, 0.0), 0)
    ours, theirs, apart = tl.zeros_like(a), tl.zeros_like(a), tl.zeros_like(a)
    out += tl.program_id(0)
    for colour in tl.static_range(3):
        place = (y * w + x) * 3 + colour
        p = _said(warped, matched, place, inside, a, b) * SCALE
        q = _said(others_warped, others_matched, place, inside, c, d) * SCALE
        ours += p * p
        theirs += q * q
        apart += (q - p) * (q - p)
        tl.store(out + colour * cells, tl.sum(p, 0) * share)
        tl.store(out + (3 + colour) * cells, tl.sum(q, 0) * share)
    tl.store(out + 6 * cells, tl.sum(ours, 0) * share)
    tl.store(out + 7 * cells, tl.sum(theirs, 0) * share)
    tl.store(out + 8 * cells, tl.sum(apart, 0) * share)
    tl.store(out + 9 * cells, tl.sum(tl.where(inside, a + b, 0.0), 0) * share)
    tl.store(out + 10 * cells, tl.sum(tl.where(inside, c + d, 0.0), 0) * share)


@triton.jit(do_not_specialize=("cell", "ch", "cw", "h", "w"), do_not_specialize_on_alignment=("shares",))
def mix_kernel(
    warped,
    matched,
    others_warped,
    others_matched,
    errors,
    others_errors,
    gauss,
    cells,
    out,
    shares,
    cell,
    ch,
    cw,
    h,
    w,
    COUNT: tl.constexpr,
    BOTH: tl.constexpr,
    TAPS: tl.constexpr,
    FLOOR: tl.constexpr,
    SCALE: tl.constexpr,
    TOP: tl.constexpr,
    EVEN: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Both keys' predictions by their worth and by the shares of each rendition, and details as the cells say."""
    x, y, inside = tile(h, w, TX, TY)
    at, size = y * w + x, h * w
    a, b = _worths(errors, gauss, x, y, h, w, TAPS, FLOOR)
    c, d = tl.zeros_like(a), tl.zeros_like(a)
    if BOTH:
        c, d = _worths(others_errors, gauss, x, y, h, w, TAPS, FLOOR)
    i, across, down, tx, ty = cell_at(x, y, cell, ch, cw)
    many = ch * cw
    apart, turned0, turned1, turned2 = a, a, a, a
    if BOTH:
        apart = cell_read(cells, i, across, down, tx, ty) * SCALE
        apart *= tl.minimum(EVEN * (a + b) * (c + d) / ((a + b + c + d) * (a + b + c + d)), 1.0)
        turned0 = cell_read(cells + 4 * many, i, across, down, tx, ty)
        if COUNT > 1:
            turned1 = cell_read(cells + 5 * many, i, across, down, tx, ty)
        if COUNT > 2:
            turned2 = cell_read(cells + 6 * many, i, across, down, tx, ty)
    for colour in tl.static_range(3):
        place = at * 3 + colour
        ours = tl.load(warped + place) * a + tl.load(matched + place) * b
        theirs = tl.zeros_like(a)
        if BOTH:
            theirs = tl.load(others_warped + place) * c + tl.load(others_matched + place) * d
            low = cell_read(cells + (1 + colour) * many, i, across, down, tx, ty)
            detail = (theirs / (c + d) - ours / (a + b) - low) * apart
        for n in tl.static_range(COUNT):
            left, right = tl.load(shares + 3 * n), tl.load(shares + 3 * n + 1)
            weight = (a + b) * left + (c + d) * right
            value = (ours * left + theirs * right) * (SCALE / weight)
            if BOTH:
                turned = turned0 if n == 0 else (turned1 if n == 1 else turned2)
                value += detail * (turned - (c + d) * right / weight)
            value = tl.minimum(tl.maximum(value + 0.5, 0.0), TOP).to(tl.int32)
            tl.store(out + n * size * 3 + place, value.to(out.dtype.element_ty), mask=inside)
