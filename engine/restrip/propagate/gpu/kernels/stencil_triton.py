"""What Triton kernels over pictures share: tiles of pixels, windows around them, reading between pixels.

A program works on a tile of a picture, one pixel a lane, so that windows overlap in the cache; program_id(1) is the
picture of a batch. A window's mean is taken of a plane that holds one number a pixel, which the kernel before has
written: so every step of a search is one start, and nothing is computed twice.

Triton compiles a kernel once more for sizes that 16 divides, and for tensors that begin at multiples of 16 bytes. A
lane reads one number a time here, so that gains nothing: `do_not_specialize` names what need not be told apart.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = {"TX": 32, "TY": 8, "num_warps": 8}  # a warp has 32 pixels of a row: one line of the cache


def tiles(h: int, w: int, count: int = 1) -> tuple[int, int]:
    """The grid for `count` pictures of this size."""
    return triton.cdiv(w, TILE["TX"]) * triton.cdiv(h, TILE["TY"]), count


def emptied(like: Tensor, *shape: int) -> Tensor:
    """A float32 tensor of this shape on the device of another one, not filled."""
    return torch.empty(shape, dtype=torch.float32, device=like.device)


@triton.jit
def tile(h, w, TX: tl.constexpr, TY: tl.constexpr):
    """x, y of this program's pixels, and which of them are in the picture; the others are at its edge."""
    across = (w + TX - 1) // TX
    lane = tl.arange(0, TX * TY)
    x = (tl.program_id(0) % across) * TX + lane % TX
    y = (tl.program_id(0) // across) * TY + lane // TX
    return tl.minimum(x, w - 1), tl.minimum(y, h - 1), (x < w) & (y < h)


@triton.jit
def mirrored(at, side):
    """A place at most one picture outside, mirrored at the middle of the edge pixel."""
    return tl.minimum(tl.abs(at), 2 * (side - 1) - at)


@triton.jit
def bounded(at, side):
    """A place, or the edge it is beyond."""
    return tl.minimum(tl.maximum(at, 0), side - 1)


@triton.jit
def apart(a, b):
    """Squared difference of colours in int32 each, red lowest."""
    red, green, blue = (a & 255) - (b & 255), ((a >> 8) & 255) - ((b >> 8) & 255), (a >> 16) - (b >> 16)
    return red * red + green * green + blue * blue


@triton.jit
def lit(value, light, LIT: tl.constexpr):
    """Code values in this light [gain, offset], whole numbers in 0..255; as they are without LIT."""
    if LIT:
        value = value * tl.load(light) + tl.load(light + 1)
        value = tl.floor(tl.minimum(tl.maximum(value, 0.0), 255.0) + 0.5)
    return value


@triton.jit
def between(fx, fy, h, w):
    """Where to read at fx, fy, edges repeated: the pixel, steps to the next one across and down, and the fractions."""
    fx = tl.minimum(tl.maximum(fx, 0.0), (w - 1) * 1.0)
    fy = tl.minimum(tl.maximum(fy, 0.0), (h - 1) * 1.0)
    ix, iy = fx.to(tl.int32), fy.to(tl.int32)
    across, down = tl.minimum(ix + 1, w - 1) - ix, (tl.minimum(iy + 1, h - 1) - iy) * w
    return iy * w + ix, across, down, fx - ix.to(tl.float32), fy - iy.to(tl.float32)


@triton.jit
def mixed(a, b, c, d, tx, ty):
    """Linear between four samples: a b above c d."""
    above, below = a + tx * (b - a), c + tx * (d - c)
    return above + ty * (below - above)


@triton.jit
def linear(plane, fx, fy, h, w, light, LIT: tl.constexpr):
    """A plane float32 between its pixels, in this light."""
    at, across, down, tx, ty = between(fx, fy, h, w)
    a, b = lit(tl.load(plane + at), light, LIT), lit(tl.load(plane + at + across), light, LIT)
    at += down
    c, d = lit(tl.load(plane + at), light, LIT), lit(tl.load(plane + at + across), light, LIT)
    return mixed(a, b, c, d, tx, ty)


@triton.jit
def mean(plane, x, y, h, w, WINDOW: tl.constexpr, SQUARED: tl.constexpr):
    """The mean of a plane, or of its squares, over a window around each pixel; edges mirror."""
    total = tl.zeros_like(x).to(tl.float32)
    for j in range(WINDOW):
        line = mirrored(y + (j - WINDOW // 2), h) * w
        for i in tl.static_range(WINDOW):
            value = tl.load(plane + line + mirrored(x + (i - WINDOW // 2), w))
            total += value * value if SQUARED else value
    return total * (1.0 / (WINDOW * WINDOW))
