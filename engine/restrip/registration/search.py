"""A first guess at how a key lies, by trying every zoom and turn, and all shifts at once.

What each zoom and turn comes to at every shift is one correlation of the pictures' structure, in the frequencies
(Reddy and Chatterji 1996 take logarithmic polar ones, which lose a picture that was painted over in part).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from restrip.registration.structure import Floats
from restrip.registration.warp import Warp

SEARCH_PX = 160
"""The long side at which a first guess is made."""

ZOOMS = tuple(round(0.84 + 0.02 * n, 2) for n in range(17))
TURNS = (-4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5)
STILL_PX = 2.0
FARTHEST = 0.3
"""Of a side: a key that was moved by more shares too little with its frame."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A map, and how well the structure agrees under it: 1 is the same."""

    warp: Warp
    score: float

    @property
    def is_still(self) -> bool:
        """Whether it moves nothing, as far as a first guess tells."""
        corners = np.array(self.warp.size) * np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
        return float(np.abs(self.warp.at(corners) - corners).max()) <= STILL_PX


def guesses(frame: Floats, key: Floats, most: int = 3) -> list[Guess]:
    """The best shifts, zooms and turns of a key for its frame, best first; structure [H, W, C] of small pictures."""
    height, width = frame.shape[:2]
    window = cv2.merge([np.outer(_taper(height), _taper(width)).astype(np.float32)] * frame.shape[2])
    spectra = _spectra(frame * window)
    energy = float(((frame * window) ** 2).sum())
    found = []
    for zoom in ZOOMS:
        for turn in TURNS:
            warp = _similar((width, height), zoom, turn)
            moved = cv2.multiply(warp.pull(key), window)
            cross = [cv2.mulSpectrums(a, b, 0, conjB=True) for a, b in zip(_spectra(moved), spectra, strict=True)]
            scores = cv2.idft(sum(cross[1:], cross[0]), flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
            scores = scores / np.sqrt(energy * float(cv2.norm(moved, cv2.NORM_L2SQR)) + 1e-9)
            found.append(_peak(warp, scores, (width, height)))
    found.sort(key=lambda guess: -guess.score)
    return found[:most]


def _spectra(picture: Floats) -> list[Floats]:
    """Each channel's frequencies, of twice its size so that what leaves at one side doesn't come in at the other."""
    height, width = picture.shape[:2]
    down, right = (cv2.getOptimalDFTSize(2 * side) - side for side in (height, width))
    padded = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return [cv2.dft(channel, nonzeroRows=height) for channel in cv2.split(padded)]


def _similar(size: tuple[int, int], zoom: float, turn: float) -> Warp:
    c, s = zoom * np.cos(np.radians(turn)), zoom * np.sin(np.radians(turn))
    return Warp(size, np.array([[c, -s, 0], [s, c, 0]]))


def _taper(length: int) -> Floats:
    edge = max(1, length // 16)
    ramp = np.clip((np.arange(length) + 0.5) / edge, 0, 1)
    return np.minimum(ramp, ramp[::-1]).astype(np.float32)


def _peak(warp: Warp, scores: Floats, size: tuple[int, int]) -> Guess:
    """The best shift: what was pulled by `warp` shows at x what the frame shows at x - shift."""
    far_x, far_y = (int(side * FARTHEST) for side in size)
    near = np.roll(scores, (far_y, far_x), (0, 1))[: 2 * far_y + 1, : 2 * far_x + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    shift = np.array([column - far_x, row - far_y], np.float64)
    affine = warp.affine.copy()
    affine[:, 2] = affine[:, :2] @ shift
    return Guess(Warp(size, affine), float(near[row, column]))
