"""How much is searched: for what is kept, and for a draft, whose pictures are a third of the size."""

from __future__ import annotations

from dataclasses import dataclass

from restrip.propagate.energy import matching, motion, pieces, refine


@dataclass(frozen=True)
class Effort:
    """`matches` are the sweeps of the patch search, `pieces` those in which whole strokes are sewn, `turns` those that
    sharpen motion at full size.

    `whole_steps` has the processor search the motion between neighbours at full size instead of half, briefly: then
    nothing is left to sharpen. (A GPU searches at half size, and sharpens.) `pixel` is the length of a pixel of the
    picture that is kept: the hand-over is that picture's. `one_light` has the processor compare a frame's light with
    the key's once a walk, where its motion is checked, and not for each of what is found along it; `light_side` is the
    shorter side, at most twice this, of what is compared.

    `direct_every` is after how many frames the motion is checked against the key itself. `simple_drift` has calm motion
    drawn by what it is off at each place, not by what a wide neighbourhood says. `between_pixels` has the
    processor read whole strokes where the motion leads between pixels, if that is near: a pixel of a draft is three of
    the picture that is kept, where strokes lie to one of these.
    """

    matches: tuple[tuple[int, int], ...] = matching.SWEEPS
    pieces: tuple[tuple[int, int, float, float], ...] = pieces.SWEEPS
    turns: int = refine.TURNS
    whole_steps: bool = False
    pixel: float = 1.0
    one_light: bool = False
    light_side: int = motion.LIGHT_SIDE
    direct_every: int = 1
    simple_drift: bool = False
    between_pixels: bool = False


WHOLE = Effort()
QUICK = Effort(
    ((3, 11), (1, 2)),
    ((1, 2, 0.3, 1.0),),
    turns=1,
    whole_steps=True,
    pixel=1 / 3,
    one_light=True,
    light_side=40,
    direct_every=4,
    simple_drift=True,
    between_pixels=True,
)
"""A third of the way in a third of the picture is as far; but motion has to be followed to a third of a pixel, or the
strokes are others (steps at a quarter of the draft's size: a runner .85 alike in the mean, at full size .92, and .93
read between pixels).
"""


def effort(quick: bool) -> Effort:
    """That of `PropagateSettings.quick`."""
    return QUICK if quick else WHOLE
