"""Pixels as vectors in LLVM's terms: numba would leave them scalar, which takes kernels three times as long."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils


def data_of(context, builder, signature, args, which):
    """Where the numbers of an intrinsic's array argument begin."""
    return context.make_array(signature.args[which])(context, builder, args[which]).data


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
