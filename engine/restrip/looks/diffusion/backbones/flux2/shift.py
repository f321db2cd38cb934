"""FLUX.2's shift of its times towards the noise: stronger for larger pictures, weaker for more steps. Without torch."""

from __future__ import annotations

import math

# Straight lines in the number of tokens that a picture has, found by experiment by the model's authors: at 10 steps,
# and at 200; above so many tokens the second holds for any number of steps.
AT_10 = 8.73809524e-05, 1.89833333
AT_200 = 0.00016927, 0.45666666
MOST_TOKENS = 4300


def shift_of(tokens: int, steps: int) -> float:
    """The shift of FlowSchedule, e^mu, for pictures of so many tokens and a schedule of so many steps."""
    at_10, at_200 = (slope * tokens + offset for slope, offset in (AT_10, AT_200))
    if tokens > MOST_TOKENS:
        return math.exp(at_200)
    return math.exp(at_200 + (at_200 - at_10) / 190 * (steps - 200))
