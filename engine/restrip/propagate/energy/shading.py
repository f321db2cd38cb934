"""How the style follows light that the key didn't have."""

from __future__ import annotations

REACH = 25.0  # code values; larger differences are other content, not light
STEEPEST = 2.0  # code values of style a code value of luma
RIDGE = 5.0  # squared code values; luma that varies less says nothing about a slope
WINDOW = 5
LEAST_GAIN = 0.1  # of a frame's exposure; below it there is nothing to be seen
USUAL_GAIN = 0.9  # where there is no second key to learn from
BLOCKS = (32, 18)
SLIGHT, PLAIN = (4.0, 12.0)  # code values: a change of exposure below the first is none, above the second is one
