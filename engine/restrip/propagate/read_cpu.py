"""Reading a key through matches and through motion, on the CPU.

A key is packed as [H, W, 8] uint16: style (16 bit), source (8 bit), 64 x luma, 1. Both kernels give the style as the
key's colours predict it, corrected for the light that the key didn't have (shading.py), and how badly the same reading
rebuilds the frame.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.kernels_cpu import FAST

_u = np.uintp
_NUMBERS = 8  # of a packed pixel
_LUMA = 6


class _Samples:
    """Vectors of packed pixels in LLVM's terms: numba would leave them scalar, which takes three times as long."""

    def __init__(self, context, builder, signature, args):
        self.builder = builder
        key, self.places = (context.make_array(signature.args[n])(context, builder, args[n]).data for n in (0, 1))
        self.pixels = builder.bitcast(key, ir.VectorType(ir.IntType(16), _NUMBERS).as_pointer())
        self.kind = ir.VectorType(ir.FloatType(), _NUMBERS)

    def total(self):
        """A vector that is added to, all 0."""
        return cgutils.alloca_once_value(self.builder, ir.Constant(self.kind, None))

    def at(self, index):
        """The packed pixel whose place is the index-th."""
        place = self.builder.load(self.builder.gep(self.places, [index]))
        return self.builder.uitofp(self.builder.load(self.builder.gep(self.pixels, [place]), align=2), self.kind)

    def spread(self, value):
        """A number eight times."""
        one = self.builder.insert_element(ir.Constant(self.kind, ir.Undefined), value, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), _NUMBERS), None)
        return self.builder.shuffle_vector(one, ir.Constant(self.kind, ir.Undefined), mask)

    def add(self, total, a, b=None):
        """total += a, or a x b."""
        value = a if b is None else self.builder.fmul(a, b, flags=["contract"])
        self.builder.store(self.builder.fadd(self.builder.load(total), value, flags=["contract"]), total)

    def numbers(self, *totals):
        """All numbers of some vectors as a tuple."""
        vectors = [self.builder.load(total) for total in totals]
        values = [self.builder.extract_element(v, ir.IntType(32)(n)) for v in vectors for n in range(_NUMBERS)]
        return cgutils.pack_array(self.builder, values)


@intrinsic
def _moments(typing, key, places, count):
    """The sum over `count` pixels at `places` (int64, counted in pixels) of the eight numbers; and of luma x them."""

    def generate(context, builder, signature, args):
        samples = _Samples(context, builder, signature, args)
        sums, products = samples.total(), samples.total()
        with cgutils.for_range(builder, args[2]) as loop:
            pixel = samples.at(loop.index)
            luma = samples.spread(builder.extract_element(pixel, ir.IntType(32)(_LUMA)))
            samples.add(sums, pixel)
            samples.add(products, pixel, luma)
        return samples.numbers(sums, products)

    return types.UniTuple(types.float32, 2 * _NUMBERS)(key, places, types.intp), generate


@intrinsic
def _weighted(typing, key, places, weights, count):
    """The sum over `count` pixels at `places` (int64, counted in pixels) of the eight numbers times `weights`."""

    def generate(context, builder, signature, args):
        samples = _Samples(context, builder, signature, args)
        weights = context.make_array(signature.args[2])(context, builder, args[2]).data
        sums = samples.total()
        with cgutils.for_range(builder, args[3]) as loop:
            weight = builder.load(builder.gep(weights, [loop.index]))
            samples.add(sums, samples.at(loop.index), samples.spread(weight))
        return samples.numbers(sums)

    return types.UniTuple(types.float32, _NUMBERS)(key, places, weights, types.intp), generate


@njit(inline="always", **FAST)
def _bounded(value, most):
    return min(max(value, -most), most)


@njit(parallel=True, **FAST)
def vote(frame, key, slopes, field, ridge, steepest, gain, reach, brighter, offset, style, errors):
    """Each pixel becomes the mean of what the 25 patches over it say; `style` [H, W, 3] float32, `errors` [H, W].

    Its slope against luma is a regression over the same 25 samples, drawn towards the key's own slope there by
    `ridge`; the frame's luma beyond theirs, at most `reach`, moves the style along it, times `gain`.
    """
    h, w = errors.shape
    wide = offset * np.float32(257)
    for row in prange(h):
        y = np.int64(row)
        places = np.empty(25, np.int64)
        for x in range(w):
            count = 0
            for dy in range(max(-2, -y), min(3, h - y)):
                for dx in range(max(-2, -x), min(3, w - x)):
                    sx = min(max(np.int64(field[_u(y + dy), _u(x + dx), _u(0)]) - dx, 0), w - 1)
                    sy = min(max(np.int64(field[_u(y + dy), _u(x + dx), _u(1)]) - dy, 0), h - 1)
                    places[_u(count)] = sy * w + sx
                    count += 1
            s0, s1, s2, k0, k1, k2, l1, n, a0, a1, a2, _, _, _, l2, _ = _moments(key, places, count)
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
                unit = np.float32(1 / 64)
                e0 += light * _bounded(
                    (a0 * share - l1 * s0) * unit * loose + ridge * loose * slopes[cy, cx, 0], steepest
                )
                e1 += light * _bounded(
                    (a1 * share - l1 * s1) * unit * loose + ridge * loose * slopes[cy, cx, 1], steepest
                )
                e2 += light * _bounded(
                    (a2 * share - l1 * s2) * unit * loose + ridge * loose * slopes[cy, cx, 2], steepest
                )
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
        places, weights = np.empty(16, np.int64), np.empty(16, np.float32)
        for x in range(w):
            fx = min(max(np.float32(x) + flow[y, x, 0], np.float32(0)), np.float32(w - 1))
            fy = min(max(np.float32(y) + flow[y, x, 1], np.float32(0)), np.float32(h - 1))
            ix, iy = np.int64(fx), np.int64(fy)
            wx, wy = _cubic(fx - np.float32(ix)), _cubic(fy - np.float32(iy))
            for j in range(4):
                sy = min(max(iy + j - 1, 0), h - 1)
                for i in range(4):
                    sx = min(max(ix + i - 1, 0), w - 1)
                    places[_u(4 * j + i)] = sy * w + sx
                    weights[_u(4 * j + i)] = wy[j] * wx[i]
            s0, s1, s2, k0, k1, k2, _, _ = _weighted(key, places, weights, 16)
            s0, s1, s2 = (s0 * brighter + wide, s1 * brighter + wide, s2 * brighter + wide)
            d0 = np.float32(frame[y, x, 0]) - k0 * brighter - offset
            d1 = np.float32(frame[y, x, 1]) - k1 * brighter - offset
            d2 = np.float32(frame[y, x, 2]) - k2 * brighter - offset
            errors[y, x] = d0 * d0 + d1 * d1 + d2 * d2
            if gain > 0:
                light = np.float32(0.299) * d0 + np.float32(0.587) * d1 + np.float32(0.114) * d2
                light = gain * _bounded(light, reach)
                cx, cy = (_u(np.int64(fx + np.float32(0.5))), _u(np.int64(fy + np.float32(0.5))))
                s0 += light * slopes[cy, cx, 0]
                s1 += light * slopes[cy, cx, 1]
                s2 += light * slopes[cy, cx, 2]
            style[y, x, 0], style[y, x, 1], style[y, x, 2] = s0, s1, s2
