"""Motion from a frame to a key as Triton kernels: motion.py's functions, each a start or a few.

chain -> light -> compare -> chosen -> turn, turn (flow_triton.py) -> compare -> chosen
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.motion import AROUND, FAVOUR, MIN_SIDE
from restrip.propagate.energy.refine import FARTHEST, WINDOW
from restrip.propagate.gpu import motion
from restrip.propagate.gpu.kernels.fit_triton import Fit, turn_kernel
from restrip.propagate.gpu.kernels.flow_triton import dense
from restrip.propagate.gpu.kernels.shading_triton import lights, relit
from restrip.propagate.gpu.kernels.stencil_triton import TILE, between, emptied, linear, lit, mean, mixed, tile, tiles
from restrip.propagate.gpu.motion import Shown, every_of

PIXELS = 512


def shown(rgb: Tensor) -> Shown:
    """A picture [H, W, 3] uint8 and its luma."""
    gray = emptied(rgb, *rgb.shape[:2])
    gray_kernel[(triton.cdiv(gray.numel(), PIXELS),)](rgb, gray, gray.numel(), PIXELS=PIXELS)
    return Shown(rgb, gray)


def flows_to(frame: Shown, targets: list[Shown]) -> Tensor:
    """Motion from the frame to each target [B, H, W, 2]; `motion.flows_to`."""
    if min(frame.gray.shape) < MIN_SIDE:
        return motion.flows_to(frame, targets)
    every = every_of(frame.gray)
    found = lights(frame.rgb, [target.rgb for target in targets], every, None)
    return dense(frame.gray, [target.gray for target in targets], found)


def led(frame: Shown, key: Shown, leads: list[Tensor], rest: Tensor | None, effort: Effort = WHOLE) -> Tensor:
    """The motion to the key; `motion.led`."""
    if min(frame.gray.shape) < MIN_SIDE:  # windows would be larger than the picture
        return motion.led(frame, key, leads, rest, effort)
    h, w = frame.gray.shape
    grid, chained, flow = tiles(h, w), leads[0], emptied(frame.gray, h, w, 2)
    if rest is not None:
        chained = emptied(frame.gray, h, w, 2)
        chain_kernel[grid](leads[0], rest, chained, h, w, **TILE)
    light = lights(frame.rgb, [key.rgb], every_of(frame.gray), chained)
    planes = emptied(frame.gray, 5, h, w)
    first, second, kept, missing, other = planes.unbind(0)
    straight = leads[-1]
    compare_kernel[tiles(h, w, len(leads))](frame.rgb, key.rgb, light, chained, straight, planes, h, w, **TILE)
    lumas = (frame.gray, key.gray, light)
    args = (*lumas, chained, straight, first, second, flow, kept, missing, h, w)
    better_kernel[grid](*args, BOTH=len(leads) > 1, MEAN=False, WINDOW=AROUND, FAVOUR=FAVOUR, **TILE)
    fit, fine, at = Fit.of(frame.gray, WINDOW), emptied(frame.gray, h, w, 2), flow
    for _ in range(effort.turns):
        args = (frame.gray, key.gray, fit.gradient, fit.inverse, missing, at, light, other, fine, h, w)
        turn_kernel[grid](*args, FIRST=0, WINDOW=WINDOW, FARTHEST=FARTHEST, LIT=True, **TILE)
        at, missing, other = fine, other, missing
    compare_kernel[grid](frame.rgb, key.rgb, light, fine, fine, second, h, w, **TILE)
    out = emptied(frame.gray, h, w, 2)
    args = (*lumas, fine, flow, second, kept, out, first, missing, h, w)
    better_kernel[grid](*args, BOTH=True, MEAN=True, WINDOW=AROUND, FAVOUR=FAVOUR, **TILE)
    return out


def rebuilt(frame: Shown, key: Shown, lead: Tensor, flow: Tensor) -> Tensor:
    """How badly the key, read through `flow`, rebuilds the frame, squared, [H, W]; `motion.rebuilt`."""
    h, w = frame.gray.shape
    light, errors = lights(frame.rgb, [key.rgb], every_of(frame.gray), lead), emptied(frame.gray, h, w)
    compare_kernel[tiles(h, w)](frame.rgb, key.rgb, light, flow, flow, errors, h, w, **TILE)
    return errors


def relit_for(frame: Shown, key: Shown, flow: Tensor, strength: float) -> tuple[Tensor, Tensor, Tensor]:
    """The frame in the key's light, in the one that is followed, and that one; `motion.relit_for`."""
    found = lights(frame.rgb, [key.rgb], 1, flow, strength)[0]
    return *relit(frame.rgb, found), found[2:4]


@triton.jit
def gray_kernel(rgb, gray, count, PIXELS: tl.constexpr):
    """Luma of whole numbers, those of the CPU's gray."""
    at = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    known = at < count
    r = tl.load(rgb + at * 3, mask=known, other=0).to(tl.int32)
    g = tl.load(rgb + at * 3 + 1, mask=known, other=0).to(tl.int32)
    b = tl.load(rgb + at * 3 + 2, mask=known, other=0).to(tl.int32)
    tl.store(gray + at, ((9798 * r + 19235 * g + 3735 * b + (1 << 14)) >> 15).to(tl.float32), mask=known)


@triton.jit(do_not_specialize=("h", "w"))
def chain_kernel(first, rest, out, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """`first`, then `rest` from where it leads."""
    x, y, inside = tile(h, w, TX, TY)
    own = (y * w + x) * 2
    fx, fy = tl.load(first + own), tl.load(first + own + 1)
    at, across, down, tx, ty = between(x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w)
    at, across, down = at * 2, across * 2, down * 2
    for part in tl.static_range(2):
        a, b = tl.load(rest + at + part), tl.load(rest + at + across + part)
        c, d = tl.load(rest + at + down + part), tl.load(rest + at + down + across + part)
        tl.store(out + own + part, mixed(a, b, c, d, tx, ty) + (fx if part == 0 else fy), mask=inside)


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("first", "second", "errors"))
def compare_kernel(frame, key, light, first, second, errors, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Squared differences of the frame and the key in its light through one or two flows, all colours added."""
    x, y, inside = tile(h, w, TX, TY)
    own = y * w + x
    if tl.program_id(1) == 0:
        fx, fy = tl.load(first + own * 2), tl.load(first + own * 2 + 1)
    else:
        fx, fy = tl.load(second + own * 2), tl.load(second + own * 2 + 1)
    errors += tl.program_id(1) * (h * w)
    fx, fy = x.to(tl.float32) + fx, y.to(tl.float32) + fy
    at, across, down, tx, ty = between(fx, fy, h, w)
    at, across, down = at * 3, across * 3, down * 3
    total = tl.zeros_like(x).to(tl.float32)
    for colour in tl.static_range(3):
        there = key + at + colour
        a, b = lit(tl.load(there).to(tl.float32), light, True), lit(tl.load(there + across).to(tl.float32), light, True)
        there += down
        c, d = lit(tl.load(there).to(tl.float32), light, True), lit(tl.load(there + across).to(tl.float32), light, True)
        missing = tl.load(frame + own * 3 + colour).to(tl.float32) - mixed(a, b, c, d, tx, ty)
        total += missing * missing
    tl.store(errors + own, total, mask=inside)


@triton.jit(
    do_not_specialize=("h", "w"),
    do_not_specialize_on_alignment=("first", "second", "ours", "theirs", "kept", "missing"),
)
def better_kernel(
    frame,
    key,
    light,
    first,
    second,
    ours,
    theirs,
    flow,
    kept,
    missing,
    h,
    w,
    BOTH: tl.constexpr,
    MEAN: tl.constexpr,
    WINDOW: tl.constexpr,
    FAVOUR: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Per pixel the first flow, or the second where its errors around are below FAVOUR of the first one's.

    `ours` and, unless they are means around each already (MEAN), `theirs` are errors of single pixels; `kept` are the
    means of the flow that is taken; `missing` is what of luma is missing where it leads.
    """
    x, y, inside = tile(h, w, TX, TY)
    own = y * w + x
    fx, fy = tl.load(first + own * 2), tl.load(first + own * 2 + 1)
    error = mean(ours, x, y, h, w, WINDOW, False)
    if BOTH:
        other = tl.load(theirs + own) if MEAN else mean(theirs, x, y, h, w, WINDOW, False)
        taken = other < error * FAVOUR
        fx, fy = tl.where(taken, tl.load(second + own * 2), fx), tl.where(taken, tl.load(second + own * 2 + 1), fy)
        error = tl.where(taken, other, error)
    tl.store(flow + own * 2, fx, mask=inside)
    tl.store(flow + own * 2 + 1, fy, mask=inside)
    tl.store(kept + own, error, mask=inside)
    seen = linear(key, x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w, light, True)
    tl.store(missing + own, tl.load(frame + own) - seen, mask=inside)
