"""When motion is calm: what stands still, and how far strokes follow what moves."""

from __future__ import annotations

NOISE = 9.0  # squared code values by which standing still may be worse
MARGIN = 1.15  # and times which
PULL = 0.3  # of the way to the checked motion a frame
FARTHEST = 3.0  # pixels; differences beyond are other content
TEXTURE = 4.0  # squared gradient; plainer places say little of motion
WIDE = 30  # a neighbourhood is the picture's short side by this
SMALL = 4  # pixels a side of what neighbourhoods are measured on
STEEP = 0.3  # pixels a pixel: where motion stretches so much it is torn, not followed
WRONG = 400.0  # squared code values, three channels: where the key's source is so far off it is another thing
