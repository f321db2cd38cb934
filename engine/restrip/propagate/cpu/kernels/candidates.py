"""Which places of a key a pixel might show instead, on the CPU: all of them at once, as one vector.

Most lose, and which ones can't be foreseen, so what is cheap to say of a place is said of all without a branch: is it
another one, within the key, and what does it cost at least? Lanes are what four others show, moved along (0 to 3),
where the motion leads (4), what the frame before showed (5), a place at random (6), and none.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import INLINE, njit
from restrip.propagate.cpu.kernels.vectors import data_of, every, vector
from restrip.propagate.energy.pieces import FARTHEST

LANES = 8
LED, GUESS = 4, 6  # two of them

_WORD, _FLOAT = ir.IntType(32), ir.FloatType()
_PLACES, _COSTS, _MANY = (ir.VectorType(kind, LANES) for kind in (_WORD, _FLOAT, ir.IntType(1)))
_four = types.UniTuple(types.uint32, 4)
_ALMOST = float(np.float32(0.99999))  # whatever is rounded where seams are summed up


def _places_at(builder, place):
    """The x and y of places, signed."""
    half = every(builder, _WORD(16), _PLACES)
    return builder.ashr(builder.shl(place, half), half), builder.ashr(place, half)


def _stored(builder, values, data):
    builder.store(values, builder.bitcast(data, values.type.as_pointer()), align=4)


def _bits(builder, which):
    return builder.zext(builder.bitcast(which, ir.IntType(LANES)), _WORD)


def _tied(builder, place, here, flow, tie, slack):
    """What it costs that places aren't where the motion leads, as `tied` of one."""
    squares = []
    for at, own, far in zip(_places_at(builder, place), here, flow, strict=True):
        off = builder.sitofp(builder.sub(at, every(builder, own, _PLACES)), _COSTS)
        off = builder.fsub(off, every(builder, far, _COSTS))
        squares.append(builder.fmul(off, off))
    off = builder.fsub(builder.fadd(*squares), every(builder, slack, _COSTS))
    for ordered, bound in ((">", _FLOAT(0.0)), ("<", _FLOAT(FARTHEST))):
        bounds = every(builder, bound, _COSTS)
        off = builder.select(builder.fcmp_ordered(ordered, off, bounds), off, bounds)
    return builder.fmul(every(builder, tie, _COSTS), off)


def _parted_sides(builder, place, near, there):
    """On how many of four sides each place would be parted from the pieces that go on there."""
    count = ir.Constant(_PLACES, None)
    for shown, any_there in zip(near, there, strict=True):
        other = builder.and_(builder.xor(place, every(builder, shown, _PLACES)), every(builder, any_there, _PLACES))
        count = builder.add(count, builder.zext(builder.icmp_unsigned("!=", other, _PLACES(None)), _PLACES))
    return count


@intrinsic
def weighed(typing, places, mine, allowed, size, here, flow, terms, near, there, lead, tries, alones, leasts):
    """What seven `places` cost by themselves and at least, into `alones` and `leasts` [LANES] float32, the places into
    `tries`; and which of them, as bits, are `allowed`, within the key's `size` (h, w) and another one than `mine`.

    `here` is the pixel (x, y), `flow` leads from it, `terms` are what it costs to be a squared pixel off where that
    leads, the squared pixels that cost nothing, and a seam; `near` is what would go on there on the sides that are
    `there`. `lead` is what it costs by itself where the motion leads; of others, what is read of the key isn't in it.
    """

    def generate(context, builder, signature, args):
        places, mine, allowed, size, here, flow, terms, near, there, lead = args[:10]
        lanes = [*cgutils.unpack_tuple(builder, places, 7), mine]
        place = vector(builder, lanes, _PLACES)
        may = vector(builder, [*cgutils.unpack_tuple(builder, allowed, 7), _WORD(0)], _PLACES)
        h, w = cgutils.unpack_tuple(builder, size, 2)
        x, y = _places_at(builder, place)
        good = builder.icmp_unsigned("!=", place, every(builder, mine, _PLACES))
        for more in (
            builder.icmp_unsigned("!=", may, _PLACES(None)),
            builder.icmp_unsigned("<", x, every(builder, w, _PLACES)),
            builder.icmp_unsigned("<", y, every(builder, h, _PLACES)),
        ):
            good = builder.and_(good, more)
        tie, slack, seam = cgutils.unpack_tuple(builder, terms, 3)
        own, far = (cgutils.unpack_tuple(builder, pair, 2) for pair in (here, flow))
        alone = _tied(builder, place, own, far, tie, slack)
        alone = builder.insert_element(alone, lead, _WORD(LED))
        near, there = (cgutils.unpack_tuple(builder, four, 4) for four in (near, there))
        count = builder.sitofp(_parted_sides(builder, place, near, there), _COSTS)
        cheapest = builder.fadd(alone, builder.fmul(every(builder, seam, _COSTS), count))
        cheapest = builder.fmul(cheapest, every(builder, _FLOAT(_ALMOST), _COSTS))
        for n, values in enumerate((place, alone, cheapest)):
            _stored(builder, values, data_of(context, builder, signature, args, 10 + n))
        return _bits(builder, good)

    pair, floats = types.UniTuple(types.int32, 2), types.UniTuple(types.float32, 2)
    many, three = types.UniTuple(types.uint32, 7), types.UniTuple(types.float32, 3)
    of = many, types.uint32, many, pair, pair, floats, three, _four, _four, types.float32
    return types.uint32(*of, tries, alones, leasts), generate


@intrinsic
def below(typing, values, bound):
    """Which of some values [LANES] float32, as bits, are below a bound."""

    def generate(context, builder, signature, args):
        data = data_of(context, builder, signature, args, 0)
        values = builder.load(builder.bitcast(data, _COSTS.as_pointer()), align=4)
        return _bits(builder, builder.fcmp_ordered("<", values, every(builder, args[1], _COSTS)))

    return types.uint32(values, types.float32), generate


@intrinsic
def first_of(typing, bits):
    """The lowest bit that is set, of some that are."""

    def generate(context, builder, signature, args):
        return builder.zext(builder.cttz(args[0], ir.IntType(1)(1)), ir.IntType(64))

    return types.int64(types.uint32), generate


@njit(**INLINE)
def every_bit(flag):
    """All bits set, or none."""
    return np.uint32(0xFFFFFFFF) if flag else np.uint32(0)
