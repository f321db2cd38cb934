"""How bright a PQ movie is: MaxCLL and MaxFALL (CTA-861.3, annex P), from which a display decides how it maps tones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from restrip.media.curves import WHITE_NITS, pq_decoded
from restrip.media.frame import Frame


@dataclass(frozen=True)
class LightLevels:
    """In whole nits, 0 to 10000: the brightest channel of any pixel, and the brightest mean of a frame's pixels, of
    each its brightest channel. 0 says that it isn't known.
    """

    max_cll: int = 0
    max_fall: int = 0

    def __or__(self, other: LightLevels) -> LightLevels:
        """Those of two movies behind one another."""
        return LightLevels(max(self.max_cll, other.max_cll), max(self.max_fall, other.max_fall))


def levels_of(frame: Frame) -> LightLevels:
    """Those of one frame of PQ's code values."""
    channels = frame.rgb
    brightest = np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])
    counts = np.bincount(brightest.ravel(), minlength=frame.white + 1)
    nits = _nits(frame.white)
    mean = float(counts @ nits) / brightest.size
    return LightLevels(round(float(nits[brightest.max()])), round(mean))


@lru_cache(2)
def _nits(white: int) -> npt.NDArray[np.float64]:
    """The light of each code value, [white + 1]."""
    return np.asarray(pq_decoded(np.linspace(0, 1, white + 1)) * WHITE_NITS, np.float64)
