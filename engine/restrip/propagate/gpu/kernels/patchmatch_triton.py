"""The patch search as Triton kernels: search.py's functions, one launch each, nothing beside the field in memory."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.gpu.kernels.search_triton import distance, noise_at
from restrip.propagate.gpu.kernels.stencil_triton import bounded
from restrip.propagate.gpu.patchmatch import Turn

BLOCK = 128


def start(
    described: tuple[Tensor, Tensor], flow: Tensor, tie: float, before: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor]:
    """The field [H, W, 2] int16 and its errors [H, W] to begin with; `search.start` says of what."""
    h, w = flow.shape[:2]
    flow = flow.contiguous()
    field = torch.empty((h, w, 2), dtype=torch.int16, device=flow.device)
    errors = torch.empty((h, w), dtype=torch.float32, device=flow.device)
    old, step = (field, flow) if before is None else (before[0], before[1].contiguous())
    grid = (triton.cdiv(h * w, BLOCK),)
    args = (*described, flow, tie, old, step, field, errors, h, w)
    start_kernel[grid](*args, BEFORE=before is not None, N=NUMBERS, BLOCK=BLOCK)
    return field, errors


def sweep(
    described: tuple[Tensor, Tensor], flow: Tensor, tie: float, field: Tensor, errors: Tensor, turn: Turn
) -> None:
    """One half sweep, in place; `search.sweep` says how."""
    h, w = errors.shape
    grid = (triton.cdiv(h * ((w + 1) // 2), BLOCK),)
    args = (*described, flow.contiguous(), tie, turn.quiet, field, errors, turn.parity, turn.far, turn.seed, h, w)
    sweep_kernel[grid](*args, PLACES=turn.radius.bit_length(), N=NUMBERS, BLOCK=BLOCK)


@triton.jit
def _rounded(value, side):
    return bounded(tl.floor(value + 0.5).to(tl.int32), side)


@triton.jit(do_not_specialize=("h", "w"))
def start_kernel(
    frame, key, flow, tie, before, step, field, errors, h, w, BEFORE: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr
):
    """Begin at the motion, or at the match that this place had in the frame before, whichever fits better."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    own = tl.load(frame + at[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
    fx = x.to(tl.float32) + tl.load(flow + at * 2)
    fy = y.to(tl.float32) + tl.load(flow + at * 2 + 1)
    bx, by = _rounded(fx, w), _rounded(fy, h)
    gx, gy = bx.to(tl.float32) - fx, by.to(tl.float32) - fy
    best = distance(own, key, by * w + bx, N) + tie * (gx * gx + gy * gy)
    if BEFORE:
        px = _rounded(x.to(tl.float32) + tl.load(step + at * 2), w)
        py = _rounded(y.to(tl.float32) + tl.load(step + at * 2 + 1), h)
        cx = tl.load(before + (py * w + px) * 2).to(tl.int32)
        cy = tl.load(before + (py * w + px) * 2 + 1).to(tl.int32)
        gx, gy = cx.to(tl.float32) - fx, cy.to(tl.float32) - fy
        error = distance(own, key, cy * w + cx, N) + tie * (gx * gx + gy * gy)
        taken = error < best
        bx, by, best = tl.where(taken, cx, bx), tl.where(taken, cy, by), tl.where(taken, error, best)
    tl.store(field + at * 2, bx.to(tl.int16), mask=inside)
    tl.store(field + at * 2 + 1, by.to(tl.int16), mask=inside)
    tl.store(errors + at, best, mask=inside)


@triton.jit(do_not_specialize=("parity", "far", "seed", "h", "w"))
def sweep_kernel(
    frame,
    key,
    flow,
    tie,
    quiet,
    field,
    errors,
    parity,
    far,
    seed,
    h,
    w,
    PLACES: tl.constexpr,
    N: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other."""
    half = (w + 1) // 2
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y = tl.minimum(n // half, h - 1)
    x = 2 * (n % half) + ((y + parity) & 1)
    inside = (n < h * half) & (x < w)
    x = tl.minimum(x, w - 1)
    at = y * w + x
    best = tl.load(errors + at)
    open = inside & (best > quiet)
    if tl.max(open.to(tl.int32), axis=0) > 0:
        own = tl.load(frame + at[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
        fx = x.to(tl.float32) + tl.load(flow + at * 2)
        fy = y.to(tl.float32) + tl.load(flow + at * 2 + 1)
        bx, by = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
        for side in tl.static_range(4):
            dx = far * (side & 1) * (1 - (side & 2))
            dy = far * (1 - (side & 1)) * (1 - (side & 2))
            there = bounded(y + dy, h) * w + bounded(x + dx, w)
            cx, cy = tl.load(field + there * 2).to(tl.int32) - dx, tl.load(field + there * 2 + 1).to(tl.int32) - dy
            known = open & (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
            known = known & (cx >= 0) & (cx < w) & (cy >= 0) & (cy < h)
            cx, cy = bounded(cx, w), bounded(cy, h)
            gx, gy = cx.to(tl.float32) - fx, cy.to(tl.float32) - fy
            error = distance(own, key, cy * w + cx, N) + tie * (gx * gx + gy * gy)
            taken = known & (error < best)
            bx, by, best = tl.where(taken, cx, bx), tl.where(taken, cy, by), tl.where(taken, error, best)
        loud = open & (best > quiet)
        if tl.max(loud.to(tl.int32), axis=0) > 0:
            ox, oy = bx, by
            noise = noise_at(x, y, seed)
            for place in tl.static_range(PLACES):
                radius = 1 << (PLACES - 1 - place)
                noise = noise * 1664525 + 1013904223
                cx = bounded(ox - radius + (((noise >> 20).to(tl.int32) * (2 * radius + 1)) >> 12), w)
                cy = bounded(oy - radius + ((((noise >> 8) & 0xFFF).to(tl.int32) * (2 * radius + 1)) >> 12), h)
                gx, gy = cx.to(tl.float32) - fx, cy.to(tl.float32) - fy
                error = distance(own, key, cy * w + cx, N) + tie * (gx * gx + gy * gy)
                taken = loud & (error < best)
                bx, by, best = tl.where(taken, cx, bx), tl.where(taken, cy, by), tl.where(taken, error, best)
        tl.store(field + at * 2, bx.to(tl.int16), mask=open)
        tl.store(field + at * 2 + 1, by.to(tl.int16), mask=open)
        tl.store(errors + at, best, mask=open)
