"""How near to the keys' style, and how near to the frame's structure."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from between.footage import Picture
from restrip.looks.style_transfer.networks import STYLE_PX, AnyStyle

Floats = npt.NDArray[np.float32]
SCALES = 4
OPPONENT = np.float32([[0.577, 0.707, 0.408], [0.577, 0, -0.816], [0.577, -0.707, 0.408]])


class Styles:
    """Statistics of both keys, to which a picture's are compared in proportion."""

    def __init__(self, left: Picture, right: Picture) -> None:
        self._grams = _gram(left), _gram(right)
        self._vectors = _vectors(left), _vectors(right)

    def gram(self, picture: Picture, share: float) -> float:
        """Relative distance of Gram matrices of oriented responses at four scales; `share` is the right key's.

        After Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", section 2.2, with fixed
        filters instead of a network's.
        """
        apart = []
        for own, left, right in zip(_gram(picture), *self._grams, strict=True):
            meant = (1 - share) * left + share * right
            apart.append(np.linalg.norm(own - meant) / np.linalg.norm(meant))
        return float(np.mean(apart))

    def vector(self, picture: Picture, share: float) -> float:
        """Distance of the numbers by which the any-style network sums up a style."""
        left, right = self._vectors
        return float(np.linalg.norm(_vectors(picture) - ((1 - share) * left + share * right), axis=1).mean())


def structure(frame: Picture, picture: Picture) -> float:
    """Correlation of the sizes of luma gradients, at the scale of strokes."""
    return float(np.corrcoef(_edges(frame).ravel(), _edges(picture).ravel())[0, 1])


def _edges(picture: Picture) -> Floats:
    luma = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.5)
    return np.hypot(cv2.Sobel(luma, -1, 1, 0), cv2.Sobel(luma, -1, 0, 1))


def _gram(picture: Picture) -> list[Floats]:
    return [maps @ maps.T / maps.shape[1] for maps in _responses(picture)]


def _responses(picture: Picture) -> list[Floats]:
    """[responses, pixels] a scale: half-waves of luma's gradient and of each channel's detail, and edges."""
    values = picture.astype(np.float32) @ OPPONENT
    out = []
    for _ in range(SCALES):
        maps = []
        for channel in range(3):
            soft = cv2.GaussianBlur(values[..., channel], (0, 0), 0.8)
            x, y = cv2.Sobel(soft, -1, 1, 0), cv2.Sobel(soft, -1, 0, 1)
            turned = [np.cos(a) * x + np.sin(a) * y for a in np.pi * np.arange(4) / 4] if channel == 0 else []
            for wave in (*turned, soft - cv2.GaussianBlur(soft, (0, 0), 1.6)):
                maps += [np.maximum(wave, 0), np.maximum(-wave, 0)]
            maps.append(np.hypot(x, y))
        out.append(np.stack([one.ravel() for one in maps]).astype(np.float32))
        values = cv2.pyrDown(values)
    return out


@cache
def _network() -> AnyStyle:
    return AnyStyle()


def _vectors(picture: Picture) -> Floats:
    """A vector for each corner's square; a picture that is smaller is mirrored at its borders."""
    height, width = picture.shape[:2]
    pads = [max(0, STYLE_PX - side) for side in (height, width)]
    whole = np.pad(picture, ((0, pads[0]), (0, pads[1]), (0, 0)), mode="reflect").astype(np.float32) / 255
    corners = [(y, x) for y in sorted({0, whole.shape[0] - STYLE_PX}) for x in sorted({0, whole.shape[1] - STYLE_PX})]
    squares = (np.ascontiguousarray(whole[y : y + STYLE_PX, x : x + STYLE_PX]) for y, x in corners)
    return np.stack([_network().style(square).ravel() for square in squares])
