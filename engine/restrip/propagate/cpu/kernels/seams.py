"""What seams between pieces cost, on the CPU: the paint that two places of a key would show side by side.

All four sides of a pixel at once, as vectors and without branches: which of them are seams can't be foreseen, and numba
would leave it scalar. Sides are below, right, above, left. A place of the key is one number (`place_of`), and a tuple
of four is one vector to the compiler.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import INLINE, njit
from restrip.propagate.cpu.kernels.vectors import data_of, every, vector

_u = np.uintp
_ONE, _NONE = np.float32(1), np.uint32(0)
_ALL = np.uint32(0xFFFFFFFF)

_WORD = ir.IntType(32)
_FOUR, _FLOATS = ir.VectorType(_WORD, 4), ir.VectorType(ir.FloatType(), 4)
_PAIRS, _BYTES = ir.VectorType(ir.IntType(16), 8), ir.VectorType(ir.IntType(8), 16)
_SHORTS, _SUMS = ir.VectorType(ir.IntType(16), 16), ir.VectorType(_WORD, 8)
_NOTHING, _FREE = ir.Constant(_FOUR, None), ir.Constant(_FLOATS, None)
_places = types.UniTuple(types.uint32, 4)
_at = types.UniTuple(types.uintp, 4)


def _unpacked(builder, tuple_of_four):
    return vector(builder, cgutils.unpack_tuple(builder, tuple_of_four, 4), _FOUR)


def _packed(builder, *vectors):
    values = [builder.extract_element(vector, _WORD(n)) for vector in vectors for n in range(4)]
    return cgutils.pack_array(builder, values)


def _loaded(builder, data, at):
    """The words at four places."""
    ends = [builder.gep(data, [n]) for n in cgutils.unpack_tuple(builder, at, 4)]
    return vector(builder, [builder.load(end) for end in ends], _FOUR)


def _parted(builder, near, there, place):
    """On which sides another place is shown than that of the same piece."""
    other = builder.and_(builder.xor(near, every(builder, place, _FOUR)), there)
    return builder.icmp_unsigned("!=", other, _NOTHING)


def _summed(builder, numbers, widened=None):
    """Sums of neighbours: every second number and the ones between, each squared first where they are to be widened."""
    halves = []
    for first in (0, 1):
        which = list(range(first, numbers.type.count, 2))
        lanes = ir.Constant(ir.VectorType(_WORD, len(which)), which)
        half = builder.shuffle_vector(numbers, ir.Constant(numbers.type, ir.Undefined), lanes)
        if widened is not None:
            half = builder.sext(half, widened)
            half = builder.mul(half, half)
        halves.append(half)
    return builder.add(*halves)


def _unlike(builder, ours, theirs):
    """Squared differences of four colours, still in two sums each."""
    ours, theirs = (builder.zext(builder.bitcast(one, _BYTES), _SHORTS) for one in (ours, theirs))
    return _summed(builder, builder.sub(ours, theirs), _SUMS)


@intrinsic
def _taken(typing, plane, at):
    """The numbers of a plane [H, W] uint32 at four pixels."""

    def generate(context, builder, signature, args):
        return _packed(builder, _loaded(builder, data_of(context, builder, signature, args, 0), args[1]))

    return _places(plane, _at), generate


@intrinsic
def _moved_along(typing, places, far):
    """Four places, `far` below, right of, above and left of a pixel, moved along to it."""

    def generate(context, builder, signature, args):
        by = builder.trunc(args[1], _PAIRS.element)
        zero, back = by.type(0), builder.neg(by)
        off = vector(builder, (zero, by, by, zero, zero, back, back, zero), _PAIRS)
        moved = builder.sub(builder.bitcast(_unpacked(builder, args[0]), _PAIRS), off)
        return _packed(builder, builder.bitcast(moved, _FOUR))

    return _places(_places, types.int64), generate


@intrinsic
def _seams(typing, near, there, place):
    """On how many sides the place would be parted from a neighbour."""

    def generate(context, builder, signature, args):
        near, there = (_unpacked(builder, args[n]) for n in (0, 1))
        bits = builder.zext(builder.bitcast(_parted(builder, near, there, args[2]), ir.IntType(4)), _WORD)
        return builder.sitofp(builder.ctpop(bits), ir.FloatType())

    return types.float32(_places, _places, types.uint32), generate


@intrinsic
def _colours(typing, style, places):
    """The colours of four places at most a pixel outside a key; `style` has one more pixel on each side."""

    def generate(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        wide = builder.trunc(builder.extract_value(array.shape, 1), _WORD)
        place, half = _unpacked(builder, args[1]), every(builder, _WORD(16), _FOUR)
        down, across = builder.ashr(place, half), builder.ashr(builder.shl(place, half), half)
        first = builder.add(wide, _WORD(1))
        at = builder.add(
            builder.add(builder.mul(down, every(builder, wide, _FOUR)), across), every(builder, first, _FOUR)
        )
        at = builder.sext(at, ir.VectorType(ir.IntType(64), 4))
        ends = [builder.gep(array.data, [builder.extract_element(at, _WORD(n))]) for n in range(4)]
        return _packed(builder, vector(builder, [builder.load(end) for end in ends], _FOUR))

    return _places(style, _places), generate


@intrinsic
def _unlike_here(typing, colour, expected):
    """Squared differences of a colour from four."""

    def generate(context, builder, signature, args):
        off = _unlike(builder, every(builder, args[0], _FOUR), _unpacked(builder, args[1]))
        return _packed(builder, _summed(builder, off))

    return _places(types.uint32, _places), generate


@intrinsic
def _begun(typing, unlike, near, there, place, price):
    """What the seams on four sides cost by differences that they show."""

    def generate(context, builder, signature, args):
        unlike, near, there = (_unpacked(builder, n) for n in args[:3])
        seam, seen, _ = (every(builder, n, _FLOATS) for n in cgutils.unpack_tuple(builder, args[4], 3))
        parted = _parted(builder, near, there, args[3])
        shown = builder.fmul(seen, builder.sitofp(unlike, _FLOATS))
        return _packed(builder, builder.select(parted, builder.fadd(seam, shown), _FREE))

    of = _places, _places, _places, types.uint32, types.UniTuple(types.float32, 3)
    return types.UniTuple(types.float32, 4)(*of), generate


@intrinsic
def _prices(typing, style, here, place, unlike, beside, prices):
    """What the seams on four sides cost, and what it costs that the same pixel lies there again, where it does."""

    def generate(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        data, wide = array.data, builder.extract_value(array.shape, 1)
        near, there, shown, _, theirs = (_unpacked(builder, n) for n in cgutils.unpack_tuple(builder, args[4], 5))
        seam, seen, again = (every(builder, n, _FLOATS) for n in cgutils.unpack_tuple(builder, args[5], 3))
        one = wide.type(1)
        at = (
            builder.add(args[1], wide),
            builder.add(args[1], one),
            builder.sub(args[1], wide),
            builder.sub(args[1], one),
        )
        around = vector(builder, [builder.load(builder.gep(data, [end])) for end in at], _FOUR)
        sums = builder.add(_unpacked(builder, args[3]), _summed(builder, _unlike(builder, around, theirs)))
        unlike = builder.sitofp(sums, _FLOATS)
        parted = _parted(builder, near, there, args[2])
        same = builder.and_(parted, builder.icmp_unsigned("==", shown, every(builder, args[2], _FOUR)))
        cost = builder.select(parted, builder.fadd(seam, builder.fmul(seen, unlike)), _FREE)
        return _packed(builder, cost, builder.select(same, again, _FREE))

    of = _places, types.UniTuple(_places, 5), types.UniTuple(types.float32, 3)
    return types.UniTuple(types.float32, 8)(style, types.uintp, types.uint32, *of), generate


@njit(**INLINE)
def place_of(y, x):
    """A pixel of a key as one number."""
    return np.uint32(y) << np.uint32(16) | np.uint32(x) & np.uint32(0xFFFF)


@njit(**INLINE)
def beside(h, w, y, x, far):
    """Four pixels `far` to each side: where they lie in a plane (outside it: here), and which there are (all bits set,
    else none).
    """
    here = y * w + x
    down, right, up, left = y + far < h, x + far < w, y >= far, x >= far
    at = (
        here + far * w if down else here,
        here + far if right else here,
        here - far * w if up else here,
        here - far if left else here,
    )
    there = _ALL if down else _NONE, _ALL if right else _NONE, _ALL if up else _NONE, _ALL if left else _NONE
    return (_u(at[0]), _u(at[1]), _u(at[2]), _u(at[3])), there


@njit(**INLINE)
def going_on(field, at, far):
    """The places that four pixels show (`beside`), moved along to here: where their pieces would go on."""
    return _moved_along(_taken(field, at), far)


@njit(**INLINE)
def prices(trust, costs, seen):
    """Of a seam by itself, of a squared difference that it shows, and of the same pixel side by side."""
    return costs[5] * (costs[6] - (costs[6] - _ONE) * trust), seen + (_ONE - seen) * trust, (_ONE - trust) * costs[7]


@njit(**INLINE)
def parted(near, there, place):
    """On how many sides a place would be parted from the pieces that go on there."""
    return _seams(near, there, place)


@njit(**INLINE)
def seams_of(style, field, paint, near, there, at):
    """What `sewn_in` needs of a pixel's neighbours, whatever is shown at it: their pieces going on, which there are,
    what they show, and the colours of the first and of the last.
    """
    return near, there, _taken(field, at), _colours(style, near), _taken(paint, at)


@njit(**INLINE)
def unlike_here(colour, seams):
    """What a colour differs by from those that the neighbours' pieces would go on with, squared, on each side."""
    return _unlike_here(colour, seams[3])


@njit(**INLINE)
def at_least(cost, unlike, seams, price, place):
    """What a place costs at least that costs so much by itself and differs so much (`unlike_here`); rounded as
    `added_up` rounds, so never more than that.
    """
    a, b, c, d = _begun(unlike, seams[0], seams[1], place, price)
    return cost + a + b + c + d


@njit(**INLINE)
def each_of(style, here, place, unlike, seams, price):
    """What a place costs by each of its seams, and by the same pixel side by side, beside what its neighbours show.
    `style` is the key's colours, with one more pixel on each side, and `here` the place in it.
    """
    return _prices(style, here, place, unlike, seams, price)


@njit(**INLINE)
def added_up(cost, sides):
    """What a place costs that costs so much by itself, and so much on each side (`each_of`)."""
    a, b, c, d, again_a, again_b, again_c, again_d = sides
    return cost + a + again_a + b + again_b + c + again_c + d + again_d


@njit(**INLINE)
def sewn_in(cost, style, here, place, unlike, seams, price):
    """What a place costs that costs so much by itself, beside what its neighbours show: all of the above."""
    return added_up(cost, each_of(style, here, place, unlike, seams, price))
