"""Frame rates as exact fractions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from restrip.codec import as_text
from restrip.errors import BadInput


class BadRate(BadInput):
    """A text or a pair of numbers that is no frame rate."""

    code = "bad-rate"

    def __init__(self, given: object) -> None:
        said = given[:80] if isinstance(given, str) else type(given).__name__
        super().__init__(f"{said!r} is not a frame rate.", "Give one like 25, 23.976 or 30000/1001.", given=said)


LEAST, MOST = Fraction(1, 100_000), Fraction(1000)
"""Frames a second: from one a day or so."""

# Powers of ten aren't read: 1e999999999 is nine letters, and a number of a billion digits.
_NUMBER = re.compile(r"[0-9]{1,18}(?:/[0-9]{1,18}|\.[0-9]{0,18})?")


@as_text
@dataclass(frozen=True, order=True)
class Rate:
    """Frames a second, as a fraction: 30000/1001 is not 29.97."""

    fraction: Fraction

    def __post_init__(self) -> None:
        if not LEAST <= self.fraction <= MOST or self.fraction.denominator > 10**18:
            raise BadRate(f"{float(self.fraction):g}")

    @classmethod
    def of(cls, numerator: int, denominator: int = 1) -> Rate:
        """The rate numerator / denominator. Raises BadRate when it isn't one."""
        if denominator == 0:
            raise BadRate(f"{numerator}/{denominator}")
        return cls(Fraction(numerator, denominator))

    @classmethod
    def parse(cls, text: str | int | float) -> Rate:
        """Read '25', '30000/1001' or a decimal; 23.976, 23.98, 29.97 and the like become the NTSC fractions meant.

        Raises BadRate.
        """
        given = (
            text.strip() if isinstance(text, str) else f"{text}" if isinstance(text, float) or -1 < text < 10**6 else ""
        )
        if not _NUMBER.fullmatch(given):
            raise BadRate(text)
        try:
            exact = Fraction(given)
        except ZeroDivisionError:
            raise BadRate(text) from None
        whole = round(exact * 1001 / 1000)
        if (
            exact.denominator != 1
            and "/" not in str(text)
            and abs(exact - Fraction(whole * 1000, 1001)) < Fraction(5, 1000)
        ):
            exact = Fraction(whole * 1000, 1001)
        return cls(exact)

    def seconds(self, frames: int | Fraction) -> Fraction:
        """The time at which frame number `frames` begins, in seconds."""
        return frames / self.fraction

    def __str__(self) -> str:
        f = self.fraction
        return str(f.numerator) if f.denominator == 1 else f"{f.numerator}/{f.denominator}"

    def __float__(self) -> float:
        return float(self.fraction)
