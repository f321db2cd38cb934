"""Where two frames show the same thing: a mask without holes, specks or frayed edges.

How badly each frame is rebuilt from the other along the motion, both ways, and how far the way there and back misses,
make a soft doubt; a filter that is guided by the frame (He et al. 2013, *Guided Image Filtering*) lays its borders on
the frame's edges; and what is too small to be a thing of its own goes with its surroundings.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.consistency.key_motion import Floats, Motion

Bytes = npt.NDArray[np.uint8]

# Pixels around a place that the guide looks at, and squared luma (0..1) below which it has no edge.
AROUND_PX, EDGE = 10, 0.001

# From here on a place is shown; spots and holes of fewer pixels than a square of this side are none.
SHOWN, ISLAND_PX = 0.45, 14


def clean_mask(frame: Bytes, motion: Motion) -> Bytes:
    """[h, w] uint8, 1 where the other frame shows what `frame` [h, w, 3] uint8 shows; `motion` leads there."""
    guide = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return without_islands((guided(motion.sure, guide) > SHOWN).astype(np.uint8), ISLAND_PX**2)


def guided(values: Floats, guide: Floats) -> Floats:
    """`values` [h, w] smoothed, with edges where `guide` [h, w] in 0..1 has them."""
    side = (2 * AROUND_PX + 1, 2 * AROUND_PX + 1)

    def mean(plane: Floats) -> Floats:
        return cv2.blur(plane, side, borderType=cv2.BORDER_REFLECT)

    guide_mean, values_mean = mean(guide), mean(values)
    slope = (mean(guide * values) - guide_mean * values_mean) / (mean(guide * guide) - guide_mean**2 + EDGE)
    return mean(slope) * guide + mean(values_mean - slope * guide_mean)


def without_islands(mask: Bytes, area: int) -> Bytes:
    """A mask [h, w] of 0 and 1 whose holes and then whose spots of fewer than `area` pixels are gone."""
    for value in (0, 1):
        count, labels, facts, _ = cv2.connectedComponentsWithStats((mask == value).astype(np.uint8), connectivity=4)
        small = facts[:, cv2.CC_STAT_AREA] < area
        small[0] = False
        if count > 1:
            mask = np.where(small[labels], np.uint8(1 - value), mask)
    return mask
