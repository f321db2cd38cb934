"""Reading a key through matches and through motion, on the CPU.

A key is packed as [H + 4, W + 4, 8] uint16: style (16 bit), source (8 bit), 64 x luma, 1; its edges repeat twice.
Both kernels give the style as the key's colours predict it, corrected for the light that the key didn't have
(shading.py), and how badly the same reading rebuilds the frame.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import FAST, njit
from restrip.propagate.cpu.kernels.vectors import Pixels, data_of

EDGE = 2  # pixels that a packed key goes on beyond each side
SLOPES = 32.0  # steps of slopes; the steepest, 514, fit into 16 bit

_u = np.uintp
_NUMBERS = 8  # of a packed pixel
_LUMA = 6


@intrinsic
def _moments(typing, key, places, at, wide, deep, left, right, up, down):
    """Sums of the eight numbers, and of luma x them, over the pixels that the patches around `at` lay there.

    `places` [H, W] int32 is where each patch's middle lies in the key; `wide` and `deep` are the pixels in a row of
    `places` and of the key. The patches are those from left to right and from up to down (ends excluded) of it.
    """

    def generate(context, builder, signature, args):
        pixels = Pixels(builder, data_of(context, builder, signature, args, 0), _NUMBERS, bits=16)
        middles = data_of(context, builder, signature, args, 1)
        at, wide, deep, left, right, up, down = args[2:]
        sums, products = (cgutils.alloca_once_value(builder, pixels.zero()) for _ in range(2))

        def count(dy, dx):
            middle = builder.load(builder.gep(middles, [builder.add(at, builder.add(builder.mul(dy, wide), dx))]))
            place = builder.sub(builder.sext(middle, ir.IntType(64)), builder.add(builder.mul(dy, deep), dx))
            pixel = pixels.at(place)
            luma = pixels.spread(pixels.number(pixel, _LUMA))
            builder.store(builder.fadd(builder.load(sums), pixel), sums)
            builder.store(pixels.added(builder.load(products), pixel, luma), products)

        def whole(number):
            return ir.IntType(64)(number)

        covered = builder.mul(builder.sub(right, left), builder.sub(down, up))
        with builder.if_else(builder.icmp_signed("==", covered, whole(25))) as (inside, outside):
            with inside:
                for n in range(25):
                    count(whole(n // 5 - 2), whole(n % 5 - 2))
            with outside:
                step = whole(1), ir.IntType(64)
                rows = cgutils.for_range_slice(builder, up, down, *step)
                with rows as (dy, _), cgutils.for_range_slice(builder, left, right, *step) as (dx, _):
                    count(dy, dx)
        return pixels.numbers(builder.load(sums), builder.load(products))

    whole = [types.int64] * 7
    return types.UniTuple(types.float32, 2 * _NUMBERS)(key, places, *whole), generate


@intrinsic
def _weighted(typing, key, first, deep, across, down):
    """The 4x4 pixels of the key from `first` on, rows `deep` apart, by weights across and down (four float32 each)."""

    def generate(context, builder, signature, args):
        pixels = Pixels(builder, data_of(context, builder, signature, args, 0), _NUMBERS, bits=16)
        across, down = (cgutils.unpack_tuple(builder, weights, 4) for weights in args[3:])
        across = [pixels.spread(weight) for weight in across]
        total, place = pixels.zero(), args[1]
        for weight in down:
            row = pixels.zero()
            for n, share in enumerate(across):
                row = pixels.added(row, pixels.at(builder.add(place, ir.IntType(64)(n))), share)
            total = pixels.added(total, row, pixels.spread(weight))
            place = builder.add(place, args[2])
        return pixels.numbers(total)

    four = types.UniTuple(types.float32, 4)
    return types.UniTuple(types.float32, _NUMBERS)(key, types.int64, types.int64, four, four), generate


@njit(parallel=True, **FAST)
def places_of(field, wide, places):
    """Where the matches [H, W, 2] int16 lie in a packed key of `wide` pixels a row: into `places` [H, W] int32."""
    for row in prange(places.shape[0]):
        y = np.int64(row)
        for x in range(places.shape[1]):
            places[y, x] = (np.int32(field[y, x, 1]) + EDGE) * wide + np.int32(field[y, x, 0]) + EDGE


@njit(inline="always", **FAST)
def _bounded(value, most):
    return min(max(value, -most), most)


@njit(parallel=True, **FAST)
def vote(frame, key, slopes, field, places, ridge, steepest, gain, reach, brighter, offset, style, errors):
    """Each pixel becomes the mean of what the 25 patches over it say; `style` [H, W, 3] float32, `errors` [H, W].

    Its slope against luma is a regression over the same 25 samples, drawn towards the key's own slope there by
    `ridge`; the frame's luma beyond theirs, at most `reach`, moves the style along it, times `gain`.
    """
    h, w = errors.shape
    wide = offset * np.float32(257)
    for row in prange(h):
        y = np.int64(row)
        up, down = max(np.int64(-2), -y), min(np.int64(3), h - y)
        for x in range(w):
            left, right = max(np.int64(-2), -np.int64(x)), min(np.int64(3), w - np.int64(x))
            s0, s1, s2, k0, k1, k2, l1, n, a0, a1, a2, _, _, _, l2, _ = _moments(
                key, places, y * w + x, w, np.int64(key.shape[1]), left, right, up, down
            )
            share = np.float32(1) / n
            s0, s1, s2 = s0 * share, s1 * share, s2 * share
            k0 = k0 * share * brighter + offset
            k1 = k1 * share * brighter + offset
            k2 = k2 * share * brighter + offset
            l1, l2 = l1 * share, l2 * share
            f0, f1, f2 = (np.float32(frame[y, x, 0]), np.float32(frame[y, x, 1]), np.float32(frame[y, x, 2]))
            d0, d1, d2 = f0 - k0, f1 - k1, f2 - k2
            errors[y, x] = d0 * d0 + d1 * d1 + d2 * d2
            e0 = s0 * brighter + wide
            e1 = s1 * brighter + wide
            e2 = s2 * brighter + wide
            if gain > 0:
                light = np.float32(0.299) * d0 + np.float32(0.587) * d1 + np.float32(0.114) * d2
                light = gain * _bounded(light, reach)
                cx, cy = _u(field[y, x, 0]), _u(field[y, x, 1])
                loose = np.float32(1) / ((l2 - l1 * l1) * np.float32(1 / 4096) + ridge)
                unit, near = np.float32(1 / 64) * loose, np.float32(1 / SLOPES) * ridge * loose
                e0 += light * _bounded((a0 * share - l1 * s0) * unit + near * np.float32(slopes[cy, cx, 0]), steepest)
                e1 += light * _bounded((a1 * share - l1 * s1) * unit + near * np.float32(slopes[cy, cx, 1]), steepest)
                e2 += light * _bounded((a2 * share - l1 * s2) * unit + near * np.float32(slopes[cy, cx, 2]), steepest)
            style[y, x, 0], style[y, x, 1], style[y, x, 2] = e0, e1, e2


@njit(inline="always", **FAST)
def _cubic(t):
    """Catmull-Rom weights of the four samples around a fraction t."""
    half, two, three, four, five = (np.float32(0.5), np.float32(2), np.float32(3), np.float32(4), np.float32(5))
    return (
        half * t * ((two - t) * t - np.float32(1)),
        half * ((three * t - five) * t * t + two),
        half * t * ((four - three * t) * t + np.float32(1)),
        half * t * t * (t - np.float32(1)),
    )


@njit(parallel=True, **FAST)
def read(frame, key, slopes, flow, gain, reach, brighter, offset, style, errors):
    """The key seen through the motion (cubic; edges repeat): `style` [H, W, 3] float32, `errors` [H, W] float32."""
    h, w = errors.shape
    wide = offset * np.float32(257)
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            fx = min(max(np.float32(x) + flow[y, x, 0], np.float32(0)), np.float32(w - 1))
            fy = min(max(np.float32(y) + flow[y, x, 1], np.float32(0)), np.float32(h - 1))
            ix, iy = np.int64(fx), np.int64(fy)
            wx, wy = _cubic(fx - np.float32(ix)), _cubic(fy - np.float32(iy))
            first = (iy + np.int64(EDGE - 1)) * key.shape[1] + ix + np.int64(EDGE - 1)
            s0, s1, s2, k0, k1, k2, _, _ = _weighted(key, first, np.int64(key.shape[1]), wx, wy)
            s0, s1, s2 = (s0 * brighter + wide, s1 * brighter + wide, s2 * brighter + wide)
            d0 = np.float32(frame[y, x, 0]) - k0 * brighter - offset
            d1 = np.float32(frame[y, x, 1]) - k1 * brighter - offset
            d2 = np.float32(frame[y, x, 2]) - k2 * brighter - offset
            errors[y, x] = d0 * d0 + d1 * d1 + d2 * d2
            if gain > 0:
                light = np.float32(0.299) * d0 + np.float32(0.587) * d1 + np.float32(0.114) * d2
                light = np.float32(1 / SLOPES) * gain * _bounded(light, reach)
                cx, cy = (_u(np.int64(fx + np.float32(0.5))), _u(np.int64(fy + np.float32(0.5))))
                s0 += light * np.float32(slopes[cy, cx, 0])
                s1 += light * np.float32(slopes[cy, cx, 1])
                s2 += light * np.float32(slopes[cy, cx, 2])
            style[y, x, 0], style[y, x, 1], style[y, x, 2] = s0, s1, s2
