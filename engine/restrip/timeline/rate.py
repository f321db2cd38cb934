"""Frame rates as exact fractions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from restrip.errors import BadInput


class BadRate(BadInput):
    """A text or a pair of numbers that is no frame rate."""

    code = "bad-rate"

    def __init__(self, given: object) -> None:
        super().__init__(f"{given!r} is not a frame rate.", "Give one like 25, 23.976 or 30000/1001.", given=str(given))


@dataclass(frozen=True, order=True)
class Rate:
    """Frames a second, as a fraction: 30000/1001 is not 29.97."""

    fraction: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1000:
            raise BadRate(str(self.fraction))

    @classmethod
    def of(cls, numerator: int, denominator: int = 1) -> Rate:
        """The rate numerator / denominator. Raises BadRate when it isn't one."""
        if denominator == 0:
            raise BadRate(f"{numerator}/{denominator}")
        return cls(Fraction(numerator, denominator))

    @classmethod
    def parse(cls, text: str | int | float) -> Rate:
        """Read '25', '30000/1001' or a decimal; 23.976, 23.98, 29.97 and the like become the NTSC fractions meant."""
        try:
            exact = Fraction(str(text).strip())
        except (ValueError, ZeroDivisionError):
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
