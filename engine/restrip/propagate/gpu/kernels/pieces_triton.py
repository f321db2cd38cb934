"""Laying out a frame of a key's pieces as Triton kernels: sewing.py's functions, one start each."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.energy.pieces import COSTS, FARTHEST, SHARE, UNTRUSTED
from restrip.propagate.gpu.kernels.search_triton import distance, noise_at
from restrip.propagate.gpu.kernels.stencil_triton import apart, bounded, emptied
from restrip.propagate.gpu.strokes.sewing import Cloth, Stitch

BLOCK = 128
NAMES = ("FIT", "MOST", "TIE", "SLACK", "STEADY", "SEAM", "TORN", "AGAIN")
CONSTANTS = dict(zip(NAMES, COSTS, strict=True)) | {"SHARE": SHARE, "FARTHEST": FARTHEST, "UNTRUSTED": UNTRUSTED}


def sew(cloth: Cloth, field: Tensor, stitch: Stitch) -> None:
    """One half sweep, in place; `sewing.sew`."""
    h, w = cloth.sure.shape
    grid = (triton.cdiv(h * ((w + 1) // 2), BLOCK),)
    args = (cloth.described, cloth.key, cloth.style, cloth.flow, cloth.sure, cloth.before, field)
    turn = (stitch.parity, stitch.far, stitch.radius, stitch.seen, stitch.surest, stitch.seed)
    # Nothing is fused: so places come out as on the CPU to the bit.
    sew_kernel[grid](*args, *turn, h, w, **CONSTANTS, N=NUMBERS, BLOCK=BLOCK, enable_fp_fusion=False)


def moved(field: Tensor, step: Tensor) -> Tensor:
    """Where the pieces of the last frame's field lie now; `sewing.moved`."""
    h, w = field.shape[:2]
    out = torch.empty_like(field)
    moved_kernel[(triton.cdiv(h * w, BLOCK),)](field, step.contiguous(), out, h, w, BLOCK=BLOCK)
    return out


def judge(described: Tensor, key: Tensor, field: Tensor) -> Tensor:
    """Misfits and seams [2, H, W]; `sewing.judge`."""
    h, w = field.shape[:2]
    out = emptied(field, 2, h, w)
    judge_kernel[(triton.cdiv(h * w, BLOCK),)](described, key, field, out, h, w, SHARE=SHARE, N=NUMBERS, BLOCK=BLOCK)
    return out


def lay(packed: Tensor, field: Tensor, shares: tuple[float, float]) -> Tensor:
    """The picture that a field shows, planes [3, H, W]; `sewing.lay`."""
    h, w = field.shape[:2]
    out, (near, far) = emptied(field, 3, h, w), shares
    lay_kernel[(triton.cdiv(h * w, BLOCK),)](packed, field, out, h, w, NEAR=near, FAR=far, BLOCK=BLOCK)
    return out


@triton.jit
def _whole(value):
    return tl.floor(value + 0.5).to(tl.int32)


@triton.jit
def _cost(
    own,
    key,
    style,
    field,
    steady,
    trust,
    seen,
    flow_x,
    flow_y,
    x,
    y,
    cx,
    cy,
    h,
    w,
    FIT: tl.constexpr,
    MOST: tl.constexpr,
    TIE: tl.constexpr,
    SLACK: tl.constexpr,
    STEADY: tl.constexpr,
    SEAM: tl.constexpr,
    TORN: tl.constexpr,
    AGAIN: tl.constexpr,
    SHARE: tl.constexpr,
    FARTHEST: tl.constexpr,
    N: tl.constexpr,
):
    """What it costs to show the key's pixel cx, cy at x, y beside what the four neighbours show."""
    cost = FIT * tl.minimum(SHARE * distance(own, key, cy * w + cx, N), MOST)
    gx, gy = (cx - x).to(tl.float32) - flow_x, (cy - y).to(tl.float32) - flow_y
    cost += trust * TIE * tl.minimum(tl.maximum(gx * gx + gy * gy - SLACK, 0.0), FARTHEST)
    colour = tl.load(style + cy * w + cx)
    cost += STEADY * apart(colour, steady).to(tl.float32)
    for side in tl.static_range(4):
        dx = (side & 1) * (1 - (side & 2))
        dy = (1 - (side & 1)) * (1 - (side & 2))
        there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
        nx, ny = tl.load(field + there).to(tl.int32), tl.load(field + there + 1).to(tl.int32)
        shown = apart(colour, tl.load(style + bounded(ny - dy, h) * w + bounded(nx - dx, w))).to(tl.float32)
        onward = tl.load(style + bounded(cy + dy, h) * w + bounded(cx + dx, w))
        shown += apart(onward, tl.load(style + ny * w + nx)).to(tl.float32)
        more = cost + (SEAM * (TORN - (TORN - 1.0) * trust) + (seen + (1.0 - seen) * trust) * shown)
        more = tl.where((nx == cx) & (ny == cy), more + (1.0 - trust) * AGAIN, more)
        inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
        cost = tl.where(inside & ((nx - dx != cx) | (ny - dy != cy)), more, cost)
    return cost


@triton.jit(do_not_specialize=("seen", "surest", "parity", "far", "radius", "seed", "h", "w"))
def sew_kernel(
    frame,
    key,
    style,
    flow,
    sure,
    before,
    field,
    parity,
    far,
    radius,
    seen,
    surest,
    seed,
    h,
    w,
    FIT: tl.constexpr,
    MOST: tl.constexpr,
    TIE: tl.constexpr,
    SLACK: tl.constexpr,
    STEADY: tl.constexpr,
    SEAM: tl.constexpr,
    TORN: tl.constexpr,
    AGAIN: tl.constexpr,
    SHARE: tl.constexpr,
    FARTHEST: tl.constexpr,
    UNTRUSTED: tl.constexpr,
    N: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other."""
    half = (w + 1) // 2
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y = tl.minimum(n // half, h - 1)
    x = 2 * (n % half) + ((y + parity) & 1)
    open = (n < h * half) & (x < w)
    x = tl.minimum(x, w - 1)
    at = y * w + x
    trust = tl.load(sure + at)
    open = open & (trust <= surest)
    if tl.max(open.to(tl.int32), axis=0) > 0:
        own = tl.load(frame + at[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
        fx, fy = tl.load(flow + at * 2), tl.load(flow + at * 2 + 1)
        px, py = tl.load(before + at * 2).to(tl.int32), tl.load(before + at * 2 + 1).to(tl.int32)
        steady = tl.load(style + py * w + px)
        bx, by = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
        best = tl.full((BLOCK,), 3e38, tl.float32)
        noise = noise_at(x, y, seed)
        side = 2 * radius + 1
        across = ((noise >> 20).to(tl.int32) * side >> 12) - radius
        down = (((noise >> 8) & 0xFFF).to(tl.int32) * side >> 12) - radius
        # What four neighbours show, moved along; where the motion leads; what was before; somewhere near; and first of
        # all what is shown. In a loop, as each is a page of code.
        for turn in range(-1, 7):
            dx = far * (turn & 1) * (1 - (turn & 2))
            dy = far * (1 - (turn & 1)) * (1 - (turn & 2))
            there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
            cx, cy = tl.load(field + there).to(tl.int32) - dx, tl.load(field + there + 1).to(tl.int32) - dy
            inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
            known = open & ((turn < 0) | (turn > 3) | inside) & ((turn < 6) | (trust < UNTRUSTED))
            cx, cy = tl.where(turn < 0, bx, cx), tl.where(turn < 0, by, cy)
            cx = tl.where(turn == 4, _whole(x.to(tl.float32) + fx), cx)
            cy = tl.where(turn == 4, _whole(y.to(tl.float32) + fy), cy)
            cx, cy = tl.where(turn == 5, px, cx), tl.where(turn == 5, py, cy)
            cx, cy = tl.where(turn == 6, bx + across, cx), tl.where(turn == 6, by + down, cy)
            known = known & (cx >= 0) & (cx < w) & (cy >= 0) & (cy < h)
            cx, cy = bounded(cx, w), bounded(cy, h)
            cost = _cost(
                own,
                key,
                style,
                field,
                steady,
                trust,
                seen,
                fx,
                fy,
                x,
                y,
                cx,
                cy,
                h,
                w,
                FIT,
                MOST,
                TIE,
                SLACK,
                STEADY,
                SEAM,
                TORN,
                AGAIN,
                SHARE,
                FARTHEST,
                N,
            )
            taken = known & (cost < best)
            bx, by, best = tl.where(taken, cx, bx), tl.where(taken, cy, by), tl.where(taken, cost, best)
        tl.store(field + at * 2, bx.to(tl.int16), mask=open)
        tl.store(field + at * 2 + 1, by.to(tl.int16), mask=open)


@triton.jit(do_not_specialize=("h", "w"))
def moved_kernel(field, step, out, h, w, BLOCK: tl.constexpr):
    """Each place shows what the place that its step leads to has shown."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x = bounded(_whole((at % w).to(tl.float32) + tl.load(step + at * 2)), w)
    y = bounded(_whole((at // w).to(tl.float32) + tl.load(step + at * 2 + 1)), h)
    there = (y * w + x) * 2
    tl.store(out + at * 2, tl.load(field + there), mask=inside)
    tl.store(out + at * 2 + 1, tl.load(field + there + 1), mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def judge_kernel(frame, key, field, out, h, w, SHARE: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr):
    """How badly the key fits there, and how many of four neighbours a seam parts."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    own = tl.load(frame + at[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
    cx, cy = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
    tl.store(out + at, SHARE * distance(own, key, cy * w + cx, N), mask=inside)
    seams = tl.zeros((BLOCK,), tl.float32)
    for side in tl.static_range(4):
        dx = (side & 1) * (1 - (side & 2))
        dy = (1 - (side & 1)) * (1 - (side & 2))
        there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
        nx, ny = tl.load(field + there).to(tl.int32), tl.load(field + there + 1).to(tl.int32)
        known = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
        seams += tl.where(known & ((nx - dx != cx) | (ny - dy != cy)), 0.25, 0.0)
    tl.store(out + h * w + at, seams, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def lay_kernel(key, field, out, h, w, NEAR: tl.constexpr, FAR: tl.constexpr, BLOCK: tl.constexpr):
    """The mean of what the 3x3 patches over each pixel say."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    zero = tl.zeros((BLOCK,), tl.float32)
    red, green, blue, total = zero, zero, zero, zero
    for n in tl.static_range(9):
        dx, dy = n % 3 - 1, n // 3 - 1
        there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
        sx, sy = tl.load(field + there).to(tl.int32) - dx, tl.load(field + there + 1).to(tl.int32) - dy
        colour = key + (bounded(sy, h) * w + bounded(sx, w)) * 8
        known = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
        share = tl.where(known, 1.0 if n == 4 else (NEAR if n % 2 == 1 else FAR), 0.0)
        red += share * (tl.load(colour).to(tl.int32) & 0xFFFF).to(tl.float32)
        green += share * (tl.load(colour + 1).to(tl.int32) & 0xFFFF).to(tl.float32)
        blue += share * (tl.load(colour + 2).to(tl.int32) & 0xFFFF).to(tl.float32)
        total += share
    tl.store(out + at, red / total, mask=inside)
    tl.store(out + h * w + at, green / total, mask=inside)
    tl.store(out + 2 * h * w + at, blue / total, mask=inside)
