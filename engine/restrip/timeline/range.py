"""Half-open ranges of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from restrip.codec import as_row
from restrip.errors import BadInput


class BadRange(BadInput):
    """A range that holds no frame or lies outside what it cuts from."""

    code = "bad-range"


@as_row
@dataclass(frozen=True, order=True)
class FrameRange:
    """The frames first, first + 1, ... end - 1; empty when first == end."""

    first: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.first:
            raise BadRange(
                f"The range {self.first}:{self.end} ends before it begins.", "Give first:end with first < end."
            )

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read 'A:B' (half-open). Raises BadRange."""
        first, colon, end = text.partition(":")
        try:
            if not colon:
                raise ValueError
            return cls(int(first), int(end))
        except ValueError:
            raise BadRange(f"{text!r} is not a range of frames.", "Give it as FIRST:END, for example 0:75.") from None

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.end))

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.first <= frame < self.end

    def within(self, other: FrameRange) -> FrameRange:
        """The part of this range that lies in `other`; empty (at its edge) when there is none."""
        first = min(max(self.first, other.first), other.end)
        return FrameRange(first, max(first, min(self.end, other.end)))

    def shifted(self, by: int) -> FrameRange:
        """The same length, `by` frames later."""
        return FrameRange(self.first + by, self.end + by)
