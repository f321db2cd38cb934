"""How strange two keys are in detail, place by place: whether what lies between them is averaged or shown whole.

Keys of a look that is a filter of the frame agree wherever both are known: one carried to the other differs little
from it. Strokes that live on their own differ as much as strangers do. What stands still says nothing of that, as the
same source is painted the same, so it hardly counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import StyledKey

ALIKE, STRANGE = 0.225, 0.275  # overall; filters of the frame come to .03 to .175, painted looks to .35 and more
AGREED = 0.03, 0.05  # at a place: below the first it is averaged, over the second whole where keys are strange overall
APART = 0.75, 0.95  # and so strange that it is whole though they are alike otherwise
SCALES = 5.0, 2.0  # pixels; detail finer than each, so coarser colour doesn't count
KNOWN = 0.1  # places that are worth less don't either
PLAIN = 3.0  # squared code values, three channels: less detail is none
MOVING = 0.5, 1.5  # pixels: what moves less than the first counts STILL, more than the second counts whole
STILL = 0.05
WIDE = 20  # a place is the picture's short side by this, as the sigma of a window
SMALL = 8  # pixels a side of what places are measured on
FEW = 0.03  # of the picture: less of it that is whole, or averaged, isn't worth doing both
LIKELY = 0.02  # of the mean energy: how much the whole picture says of a place beside what is seen there

Pixels = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Strangeness:
    """Of two keys, 0 (the same) to 1 and above: overall, and at each of the left one's `places` [H, W]."""

    overall: float
    places: Plane

    @property
    def parts(self) -> Plane:
        """How far strokes are kept whole there, [H, W] in 0..1."""
        strange = _step(self.overall, ALIKE, STRANGE)
        parts = np.maximum(strange * _step(self.places, *AGREED), _step(self.places, *APART))
        if np.mean(parts > 0) < FEW:
            return np.zeros_like(parts)
        return np.ones_like(parts) if np.mean(parts < 1) < FEW else parts


def strangeness_of(left: StyledKey, style: Pixels, errors: Plane, flow: npt.NDArray[np.float32]) -> Strangeness:
    """The energy of the difference of both keys' details over the sum of their energies, the root of two scales'.

    `style` [H, W, 3] float32, in 16-bit code values, is the right key carried to the left one's frame along `flow`
    [H, W, 2], `errors` [H, W] float32 how badly that rebuilds the frame, squared.
    """
    worth = weight_of(errors)
    worth[worth <= KNOWN] = 0
    moving = _moving(flow)
    a, b = (picture.astype(np.float32) * np.float32(1 / CODE) for picture in (left.picture.rgb16(), style))
    overall = 1.0
    places: Plane = np.ones((1, 1), np.float32)
    for scale in SCALES:
        ours, theirs = (picture - cv2.GaussianBlur(picture, (0, 0), scale) for picture in (a, b))
        differing = worth * np.square(ours - theirs).sum(2)
        energy = worth * (np.square(ours).sum(2) + np.square(theirs).sum(2) + np.float32(PLAIN))
        ratio = _total(moving * differing) / (_total(moving * energy) + 1e-6)
        likely = LIKELY * _total(energy) / (_total(worth) + 1e-6) + 1e-6
        overall *= ratio
        places = places * ((_around(differing) + likely * ratio) / (_around(energy) + likely))
    h, w = errors.shape
    return Strangeness(overall**0.5, cv2.resize(np.sqrt(places), (w, h), interpolation=cv2.INTER_LINEAR))


def crispness(strange: Strangeness | None, asked: str, size: tuple[int, int], alone: float = 0.0) -> Plane:
    """How far strokes are kept whole at each place of the left key, [H, W] in 0..1, of (width, height).

    `asked` is "auto", "crisp" or "smooth"; where two keys aren't compared, auto keeps them whole by `alone`.
    """
    if asked == "auto" and strange is not None:
        return strange.parts
    return np.full((size[1], size[0]), {"auto": alone, "crisp": 1, "smooth": 0}[asked], np.float32)


def _moving(flow: npt.NDArray[np.float32]) -> Plane:
    """How much each place counts overall: what moves says more."""
    moves = cv2.GaussianBlur(np.hypot(flow[..., 0], flow[..., 1]), (0, 0), 2)
    return np.clip((moves - MOVING[0]) / (MOVING[1] - MOVING[0]), STILL, 1).astype(np.float32)


def _total(values: Plane) -> float:
    return float(values.sum(dtype=np.float64))


def _around(values: Plane) -> Plane:
    """The mean around each of so many small places."""
    h, w = values.shape
    small = cv2.resize(values, (max(1, w // SMALL), max(1, h // SMALL)), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), min(h, w) / WIDE / SMALL, borderType=cv2.BORDER_REPLICATE).reshape(
        small.shape
    )


def _step(value: float | Plane, low: float, high: float) -> Plane:
    over = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(over * over * (3 - 2 * over), np.float32)
