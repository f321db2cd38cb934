"""Kernels that mix two keys' whole strokes and bring fine detail back, on the CPU: to the bit what numpy gives, in one
pass where it takes many.
"""

from __future__ import annotations

import numpy as np

from restrip.propagate.cpu.kernels.compiler import EXACT, njit


@njit(**EXACT)
def mix(left, right, turn, detail, other, mixed, wanted):
    """By `turn` [H, W] from one to the other: pictures [H, W, 3] into `mixed`, energies [H, W] into `wanted`."""
    h, w = turn.shape
    for y in range(h):
        for x in range(w):
            share = turn[y, x]
            for c in range(3):
                mixed[y, x, c] = left[y, x, c] + share * (right[y, x, c] - left[y, x, c])
            wanted[y, x] = detail[y, x] + share * (other[y, x] - detail[y, x])


@njit(**EXACT)
def finer(picture, fine, scale, energy):
    """What a picture [H, W, 3] is over the blurred one in `fine`, into it; its energy, times `scale`, into [H, W]."""
    h, w = energy.shape
    for y in range(h):
        for x in range(w):
            for c in range(3):
                fine[y, x, c] = picture[y, x, c] - fine[y, x, c]
            a, b, c = fine[y, x, 0] * scale, fine[y, x, 1] * scale, fine[y, x, 2] * scale
            energy[y, x] = a * a + b * b + c * c


@njit(**EXACT)
def strengthen(picture, fine, wanted, energy, plain, least, most):
    """A picture [H, W, 3] with its fine detail brought from one energy [H, W] to another, in place."""
    h, w = energy.shape
    for y in range(h):
        for x in range(w):
            gain = np.sqrt((wanted[y, x] + plain) / (energy[y, x] + plain))
            gain = min(max(gain, least), most) - np.float32(1)
            for c in range(3):
                picture[y, x, c] += gain * fine[y, x, c]


@njit(**EXACT)
def code(picture, scale, top, out):
    """A picture [H, W, 3] times `scale`, rounded to whole numbers from 0 to `top`, into `out`."""
    h, w = out.shape[:2]
    for y in range(h):
        for x in range(w):
            for c in range(3):
                value = picture[y, x, c] * scale + np.float32(0.5)
                out[y, x, c] = np.int32(min(max(value, np.float32(0)), top))
