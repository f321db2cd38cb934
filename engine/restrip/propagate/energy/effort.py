"""How much is searched on the processor: for what is kept, and for a draft, whose pictures are a third of the size."""

from __future__ import annotations

from dataclasses import dataclass

from restrip.propagate.energy import matching, pieces, refine


@dataclass(frozen=True)
class Effort:
    """`matches` are the sweeps of the patch search, `pieces` those in which whole strokes are sewn, `turns` those that
    sharpen motion at full size. `fine_steps` has the motion between neighbours searched at half size, else a quarter.
    """

    matches: tuple[tuple[int, int], ...] = matching.SWEEPS
    pieces: tuple[tuple[int, int, float, float], ...] = pieces.SWEEPS
    turns: int = refine.TURNS
    fine_steps: bool = True


WHOLE = Effort()
QUICK = Effort(((3, 11), (1, 2)), ((3, 11, 0.0, 0.5), (1, 2, 0.3, 1.0)), turns=1, fine_steps=False)
"""A third of the way in a third of the picture is as far."""


def effort(quick: bool) -> Effort:
    """That of `PropagateSettings.quick`."""
    return QUICK if quick else WHOLE
