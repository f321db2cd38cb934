"""Light that the key didn't have: how the style answers to it.

Three parts, from the whole picture to the pixel: exposure (a fade or a flash changes all of it alike), the style's
local slope against luma, and a gain learned from how the right key predicts the left one, which is near 1 for a look
that follows luma and near 0 for one that doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.energy.shading import BLOCKS, LEAST_GAIN, PLAIN, RIDGE, SLIGHT, STEEPEST, USUAL_GAIN, WINDOW

_BAND = 64  # rows


def slopes(luma: npt.NDArray[np.float32], style: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """How style [H, W, 3] (16 bit) follows luma [H, W] (0..255) around each pixel, [H, W, 3].

    The slope of a guided filter (He et al. 2010, equation 5) over 5x5.
    """
    window = (WINDOW, WINDOW)
    centre = cv2.blur(luma, window)
    spread = cv2.blur(luma * luma, window) - centre * centre + RIDGE
    out = np.empty(style.shape, np.float32)
    for c in range(3):
        channel = style[..., c].astype(np.float32)
        along = cv2.blur(channel * luma, window) - cv2.blur(channel, window) * centre
        out[..., c] = along / spread
    return np.clip(out, -STEEPEST * 257, STEEPEST * 257, out=out)


@dataclass(frozen=True)
class Exposure:
    """frame = gain x key + offset, in 8-bit code values."""

    gain: float = 1.0
    offset: float = 0.0

    @property
    def same(self) -> bool:
        """Whether the frame is exposed as the key."""
        return self.gain == 1.0 and self.offset == 0.0

    def on(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A picture [H, W] or [H, W, 3] uint8 of the key, exposed as the frame."""
        return picture if self.same else cv2.LUT(picture, _curve(self.gain, self.offset))

    def partly(self, strength: float) -> Exposure:
        """So far from the key's exposure towards this one."""
        return Exposure(1 + strength * (self.gain - 1), strength * self.offset)

    def relit(self, frame: npt.NDArray[np.uint8], other: Exposure) -> npt.NDArray[np.uint8]:
        """A frame [H, W, 3] uint8 of this exposure in another one; as it is where too little is left of it."""
        if self == other or self.gain < LEAST_GAIN:
            return frame
        gain = other.gain / self.gain
        return cv2.LUT(frame, _curve(gain, other.offset - gain * self.offset))


def _curve(gain: float, offset: float) -> npt.NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float32) * gain + offset
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


SAME = Exposure()


def exposure(frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8]) -> Exposure:
    """How a whole frame [H, W, 3] is exposed against a key that shows the same, from block means.

    Only what one gain and one offset explain counts: content that changes, or a light that moves, is not exposure.
    """
    blocks = (min(BLOCKS[0], frame.shape[1]), min(BLOCKS[1], frame.shape[0]))
    a, b = (
        cv2.resize(p, blocks, interpolation=cv2.INTER_AREA).astype(np.float64).mean(2).ravel() for p in (key, frame)
    )
    change = float(np.sqrt(np.mean((b - a) ** 2)))
    if change <= SLIGHT:
        return SAME
    spread = float(np.var(a)) + 1.0
    gain = min(max(float(np.mean((a - a.mean()) * (b - b.mean()))) / spread, 0.0), 4.0)
    offset = float(b.mean() - gain * a.mean())
    left = float(np.mean((b - gain * a - offset) ** 2))
    explained = 1 - left / change**2
    sure = min(max((explained - 0.7) / 0.2, 0.0), 1.0) * min((change - SLIGHT) / (PLAIN - SLIGHT), 1.0)
    return Exposure(gain, offset).partly(sure)


def learned_gain(
    plain: npt.NDArray[np.float32],
    moved: npt.NDArray[np.float32],
    truth: npt.NDArray[np.float32],
    worth: npt.NDArray[np.float32],
) -> float:
    """How far the slopes' correction is right, 0..1.2: a regression over one key that the other predicts.

    All [H, W, 3] in code values: predicted without and with the whole correction, and the key as it is; `worth`
    [H, W] is how far a place is known. Colours that differ everywhere between the keys don't count.
    """
    share = worth / max(float(worth.sum()), 1e-6)
    bands = [slice(y, y + _BAND) for y in range(0, len(worth), _BAND)]  # whole pictures of differences would be large

    def weighted(picture: npt.NDArray[np.float32], band: slice) -> npt.NDArray[np.float32]:
        return np.einsum("yx,yxc->c", share[band], picture[band] - plain[band])

    usual, tint = (np.sum([weighted(picture, band) for band in bands], 0) for picture in (moved, truth))
    doubt = 0.02  # squared code values: what it takes to overrule the usual gain
    along, spread = doubt * USUAL_GAIN, doubt
    for band in bands:
        correction = moved[band] - plain[band] - usual
        wanted = np.clip(truth[band] - plain[band] - tint, -60, 60)
        along += float(np.einsum("yx,yxc,yxc", share[band], correction, wanted))
        spread += float(np.einsum("yx,yxc,yxc", share[band], correction, correction))
    return min(max(along / spread, 0.0), 1.2)
