"""What seams between pieces cost, on the CPU: the paint that two places of a key would show side by side.

All four sides of a pixel at once, as vectors and without branches: which of them are seams can't be foreseen, and numba
would leave it scalar. Sides are below, right, above, left. A place of the key is one number (`place_of`), and a tuple
of four is one vector to the compiler.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import INLINE
from restrip.propagate.cpu.kernels.vectors import data_of

_u = np.uintp
_ONE, _NONE = np.float32(1), np.uint32(0)
_ALL = np.uint32(0xFFFFFFFF)

_WORD = ir.IntType(32)
_FOUR, _FLOATS = ir.VectorType(_WORD, 4), ir.VectorType(ir.FloatType(), 4)
_PAIRS, _BYTES = ir.VectorType(ir.IntType(16), 8), ir.VectorType(ir.IntType(8), 16)
_SHORTS, _SUMS = ir.VectorType(ir.IntType(16), 16), ir.VectorType(_WORD, 8)
_NOTHING = ir.Constant(_FOUR, None)
_places = types.UniTuple(types.uint32, 4)
_at = types.UniTuple(types.uintp, 4)


def _vector(builder, values, kind=_FOUR):
    whole = ir.Constant(kind, ir.Undefined)
    for n, value in enumerate(values):
        whole = builder.insert_element(whole, value, _WORD(n))
    return whole


def _every(builder, value, kind=_FOUR):
    return builder.shuffle_vector(_vector(builder, [value], kind), ir.Constant(kind, ir.Undefined), _NOTHING)


def _unpacked(builder, tuple_of_four):
    return _vector(builder, cgutils.unpack_tuple(builder, tuple_of_four, 4))


def _packed(builder, *vectors):
    values = [builder.extract_element(vector, _WORD(n)) for vector in vectors for n in range(4)]
    return cgutils.pack_array(builder, values)


def _loaded(builder, data, at):
    """The words at four places."""
    ends = [builder.gep(data, [n]) for n in cgutils.unpack_tuple(builder, at, 4)]
    return _vector(builder, [builder.load(end, align=2) for end in ends])


def _parted(builder, near, there, place):
    """On which sides another place is shown than that of the same piece."""
    other = builder.and_(builder.xor(near, _every(builder, place)), there)
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
def _shown(typing, field, at):
    """The places that a field [H, W, 2] shows at four pixels."""

    def generate(context, builder, signature, args):
        data = builder.bitcast(data_of(context, builder, signature, args, 0), _WORD.as_pointer())
        return _packed(builder, _loaded(builder, data, args[1]))

    return _places(field, _at), generate


@intrinsic
def _moved_along(typing, places, far):
    """Four places, `far` below, right of, above and left of a pixel, moved along to it."""

    def generate(context, builder, signature, args):
        by = builder.trunc(args[1], _PAIRS.element)
        zero, back = by.type(0), builder.neg(by)
        off = _vector(builder, (zero, by, by, zero, zero, back, back, zero), _PAIRS)
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
def _prices(typing, style, here, around, place, beside, prices):
    """What the seams on four sides cost, and what it costs that the same pixel lies there again, where it does."""

    def generate(context, builder, signature, args):
        data = data_of(context, builder, signature, args, 0)
        near, there, shown, expected, theirs = (
            _unpacked(builder, n) for n in cgutils.unpack_tuple(builder, args[4], 5)
        )
        seam, seen, again = (_every(builder, n, _FLOATS) for n in cgutils.unpack_tuple(builder, args[5], 3))
        own = _every(builder, builder.load(builder.gep(data, [args[1]])))
        sums = builder.add(_unlike(builder, own, expected), _unlike(builder, _loaded(builder, data, args[2]), theirs))
        unlike = builder.sitofp(_summed(builder, sums), _FLOATS)
        parted, none = _parted(builder, near, there, args[3]), ir.Constant(_FLOATS, None)
        same = builder.and_(parted, builder.icmp_unsigned("==", shown, _every(builder, args[3])))
        cost = builder.select(parted, builder.fadd(seam, builder.fmul(seen, unlike)), none)
        return _packed(builder, cost, builder.select(same, again, none))

    of = types.UniTuple(_places, 5), types.UniTuple(types.float32, 3)
    return types.UniTuple(types.float32, 8)(style, types.uintp, _at, types.uint32, *of), generate


@njit(**INLINE)
def place_of(y, x):
    """A pixel of a key as one number."""
    return np.uint32(y) << np.uint32(16) | np.uint32(x) & np.uint32(0xFFFF)


@njit(**INLINE)
def beside(field, y, x, far):
    """What four pixels show, `far` to each side: the places moved along to here, which of them there are (all bits set,
    else none), and the places themselves.
    """
    h, w = field.shape[:2]
    here = y * w + x
    down, right, up, left = y + far < h, x + far < w, y >= far, x >= far
    at = (
        here + far * w if down else here,
        here + far if right else here,
        here - far * w if up else here,
        here - far if left else here,
    )
    shown = _shown(field, (_u(at[0]), _u(at[1]), _u(at[2]), _u(at[3])))
    there = _ALL if down else _NONE, _ALL if right else _NONE, _ALL if up else _NONE, _ALL if left else _NONE
    return _moved_along(shown, far), there, shown


@njit(**INLINE)
def prices(trust, costs, seen):
    """Of a seam by itself, of a squared difference that it shows, and of the same pixel side by side."""
    return costs[5] * (costs[6] - (costs[6] - _ONE) * trust), seen + (_ONE - seen) * trust, (_ONE - trust) * costs[7]


@njit(**INLINE)
def least(cost, near, there, seam, place):
    """What a place costs at least that costs so much by itself: seams, however little is seen of them."""
    return (cost + seam * _seams(near, there, place)) * np.float32(0.99999)  # whatever is rounded where it is summed


@njit(**INLINE)
def _colour(style, place):
    h, w = style.shape
    y, x = np.int64(np.int32(place) >> np.int32(16)), np.int64(np.int32(place << np.uint32(16)) >> np.int32(16))
    return style[_u(min(max(y, 0), h - 1)), _u(min(max(x, 0), w - 1))]


@njit(**INLINE)
def _colours(style, places):
    return _colour(style, places[0]), _colour(style, places[1]), _colour(style, places[2]), _colour(style, places[3])


@njit(**INLINE)
def seams_of(style, near, there, shown):
    """What `sewn_in` needs of a pixel's neighbours, whatever is shown at it."""
    return near, there, shown, _colours(style, near), _colours(style, shown)


@njit(**INLINE)
def sewn_in(cost, style, seams, price, cy, cx):
    """What the key's pixel cx, cy costs that costs so much by itself, beside what its neighbours show."""
    h, w = style.shape
    here = cy * w + cx
    down, right = here + (w if cy + 1 < h else 0), here + (1 if cx + 1 < w else 0)
    up, left = here - (w if cy else 0), here - (1 if cx else 0)
    around = _u(down), _u(right), _u(up), _u(left)
    a, b, c, d, again_a, again_b, again_c, again_d = _prices(style, _u(here), around, place_of(cy, cx), seams, price)
    return cost + a + again_a + b + again_b + c + again_c + d + again_d
