"""Pixels as vectors in LLVM's terms: numba would leave them scalar, which takes kernels three times as long."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def data_of(context, builder, signature, args, which):
    """Where the numbers of an intrinsic's array argument begin."""
    return context.make_array(signature.args[which])(context, builder, args[which]).data


_WORD, _BYTE = ir.IntType(32), ir.IntType(8).as_pointer()


def vector(builder, values, kind):
    """A vector of such a kind of these numbers, the first ones if there are fewer than lanes."""
    whole = ir.Constant(kind, ir.Undefined)
    for n, value in enumerate(values):
        whole = builder.insert_element(whole, value, _WORD(n))
    return whole


def every(builder, value, kind):
    """A vector of such a kind, the same number in each lane."""
    lanes = ir.Constant(ir.VectorType(_WORD, kind.count), None)
    return builder.shuffle_vector(vector(builder, [value], kind), ir.Constant(kind, ir.Undefined), lanes)


class Pixels:
    """Pixels of `numbers` unsigned numbers of so many bits, one after the other from `data` on, read as float32."""

    def __init__(self, builder, data, numbers, bits):
        self._builder, self._numbers, self._bytes = builder, numbers, bits // 8
        self._pixels = builder.bitcast(data, ir.VectorType(ir.IntType(bits), numbers).as_pointer())
        self._kind = ir.VectorType(ir.FloatType(), numbers)

    def zero(self):
        """A vector of zeros."""
        return ir.Constant(self._kind, None)

    def at(self, place):
        """The pixel at a place, counted in pixels."""
        pixel = self._builder.load(self._builder.gep(self._pixels, [place]), align=self._bytes)
        return self._builder.uitofp(pixel, self._kind)

    def spread(self, value):
        """A number as often as a pixel has numbers."""
        none = ir.Constant(self._kind, ir.Undefined)
        one = self._builder.insert_element(none, value, ir.IntType(32)(0))
        return self._builder.shuffle_vector(one, none, ir.Constant(ir.VectorType(ir.IntType(32), self._numbers), None))

    def added(self, total, a, b):
        """total + a x b, fused where the processor can."""
        return self._builder.fadd(total, self._builder.fmul(a, b, flags=["contract"]), flags=["contract"])

    def number(self, vector, n):
        """The n-th number of a vector."""
        return self._builder.extract_element(vector, ir.IntType(32)(n))

    def numbers(self, *vectors):
        """All numbers of some vectors as a tuple."""
        values = [self.number(vector, n) for vector in vectors for n in range(self._numbers)]
        return cgutils.pack_array(self._builder, values)


@intrinsic
def fetch_ahead(typing, array, at):
    """Have the processor fetch what lies at a place of a flat array, or [H, W], while it goes on."""

    def generate(context, builder, signature, args):
        data = builder.bitcast(builder.gep(data_of(context, builder, signature, args, 0), [args[1]]), _BYTE)
        kinds = [_BYTE, _WORD, _WORD, _WORD]
        function = ir.FunctionType(ir.VoidType(), kinds)
        fetch = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0i8")
        builder.call(fetch, [data, _WORD(0), _WORD(3), _WORD(1)])
        return context.get_dummy_value()

    return types.void(array, types.uintp), generate
