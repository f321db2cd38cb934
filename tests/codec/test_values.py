"""Numbers out of JSON, and those of too many digits."""

from __future__ import annotations

from fractions import Fraction

import pytest

from restrip import codec


def test_numbers() -> None:
    assert codec.read(int, 25.0) == 25 and type(codec.read(int, 25.0)) is int
    assert type(codec.read(float, 2)) is int, "written again as it was"
    assert codec.read(Fraction, 0.02) == Fraction(1, 50) and codec.read(Fraction, 3) == 3
    assert codec.read(tuple[int, ...], [10**13]) == (10**13,)
    with pytest.raises(codec.Misfit, match=r"^\[1\] is 10000000000000, which is too large$"):
        codec.read(tuple[int, ...], [1, 10**13], most=10**12)


def test_digits_without_end_are_not_written_out() -> None:
    with pytest.raises(codec.Misfit, match="too large"):
        codec.read(int, 10**5000, most=10)
    with pytest.raises(codec.Misfit, match="a number that is too large"):
        codec.read(str, 10**5000)
    with pytest.raises(codec.Misfit):
        codec.read(Fraction, 10**5000)
