"""Motion sharpened at full size: dense motion searches work at half size and smooth what they find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.kernels.refine import turn
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.energy.refine import CALM, FARTHEST, TURNS, WINDOW

Gray = npt.NDArray[np.uint8]


def refined(frame: Gray, key: Gray, flow: Flow, turns: int = TURNS) -> Flow:
    """`flow` [H, W, 2] from luma `frame` to luma `key`, both [H, W] uint8, moved to where they agree around each pixel.

    Least squares over a window with the frame's own gradients (Baker and Matthews 2004, section 3.2).
    """
    for _ in range(turns):
        moved = np.empty_like(flow)
        turn(frame, key, flow, WINDOW // 2, np.float32(CALM), np.float32(FARTHEST), moved)
        flow = moved
    return flow
