"""Small scenes with exact motion, shared by the tests of propagation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from restrip.media.frame import Frame
from restrip.propagate import StyledKey
from restrip.timeline import FrameRange


class Pictures:
    """Pictures [H, W, 3] of one size as a FrameWindow; frame n is the n-th picture."""

    def __init__(self, pictures: Sequence[np.ndarray], frames: FrameRange | None = None) -> None:
        self._pictures = [Frame(np.ascontiguousarray(p)) for p in pictures]
        self.frames = frames or FrameRange(0, len(pictures))
        self.size = self._pictures[0].size
        self.reads = 0

    def frame(self, n: int) -> Frame:
        assert n in self.frames, f"frame {n} lies outside {self.frames}"
        self.reads += 1
        return self._pictures[n]


def texture(size: tuple[int, int], seed: int = 0, grain: float = 2.0) -> np.ndarray:
    """A smooth random picture of (width, height) with full contrast, RGB uint8."""
    noise = np.random.default_rng(seed).standard_normal((size[1], size[0], 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), grain)
    return cv2.normalize(noise, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


def shifted(picture: np.ndarray, size: tuple[int, int], x: float, y: float) -> np.ndarray:
    """The part of `picture` of (width, height) that begins at x, y (cubic)."""
    to = np.float32([[1, 0, -x], [0, 1, -y]])
    return cv2.warpAffine(picture, to, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def sliding(count: int, size: tuple[int, int], step: tuple[float, float], seed: int = 0) -> list[np.ndarray]:
    """A texture that moves by `step` a frame to the left and up."""
    wide = texture((size[0] + round(abs(step[0]) * count) + 8, size[1] + round(abs(step[1]) * count) + 8), seed)
    return [shifted(wide, size, 4 + step[0] * t, 4 + step[1] * t) for t in range(count)]


def negative(picture: np.ndarray) -> np.ndarray:
    """A look that is a fixed function of every pixel: a negative with its channels swapped."""
    return np.ascontiguousarray(np.iinfo(picture.dtype).max - picture[..., ::-1])


def styled(window: Pictures | Sequence[np.ndarray], n: int, picture: np.ndarray) -> StyledKey:
    """A key at frame n of a list of pictures."""
    pictures = window._pictures if isinstance(window, Pictures) else [Frame(p) for p in window]
    return StyledKey(n, pictures[n], Frame(picture))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Decibels between two pictures of 8 bit."""
    return float(10 * np.log10(255**2 / max(1e-6, np.mean((a.astype(np.float32) - b) ** 2))))


def occluder(count: int, size: tuple[int, int], step: tuple[float, float]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A textured square in front of a still texture; it moves by `step` a frame to the right and down.

    Returns the pictures, and for each a mask [H, W] bool of the square.
    """
    (w, h), side = size, min(size) // 2
    back, front = texture(size, 11), texture((side + 8, side + 8), 12)
    pictures, masks = [], []
    for t in range(count):
        to = np.float32([[1, 0, side // 2 - 4 + step[0] * t], [0, 1, side // 2 - 4 + step[1] * t]])
        moved = cv2.warpAffine(front, to, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        x, y = np.meshgrid(np.arange(w) - to[0, 2] - 4, np.arange(h) - to[1, 2] - 4)
        mask = (x >= 0) & (x < side) & (y >= 0) & (y < side)
        pictures.append(np.where(mask[..., None], moved, back))
        masks.append(mask)
    return pictures, masks


def disc(count: int, size: tuple[int, int], degrees: float) -> tuple[list[np.ndarray], np.ndarray]:
    """A textured disc in the middle of a still texture; it turns by `degrees` a frame, counter-clockwise.

    Returns the pictures, and the distance of each pixel from its middle in radii, [H, W].
    """
    (w, h), middle = size, ((size[0] - 1) / 2, (size[1] - 1) / 2)
    back, front = texture(size, 21), texture(size, 22)
    x, y = np.meshgrid(np.arange(w) - middle[0], np.arange(h) - middle[1])
    distance = np.hypot(x, y) / (0.45 * min(size))
    pictures = []
    for t in range(count):
        turn = cv2.getRotationMatrix2D(middle, degrees * t, 1)
        turned = cv2.warpAffine(front, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        pictures.append(np.where((distance < 1)[..., None], turned, back))
    return pictures, distance


def brighter(picture: np.ndarray, times: float, plus: float = 0.0) -> np.ndarray:
    """`picture` [H, W, 3] uint8 in another light: times its values, plus a constant, clipped."""
    return np.clip(np.rint(picture.astype(np.float32) * times + plus), 0, 255).astype(np.uint8)


def swapped(picture: np.ndarray) -> np.ndarray:
    """A look that keeps light and dark: the picture with red and blue exchanged."""
    return np.ascontiguousarray(picture[..., ::-1])


def constant_flow(size: tuple[int, int], x: float, y: float) -> np.ndarray:
    """The same motion everywhere in a picture of (width, height), [H, W, 2] float32."""
    return np.broadcast_to(np.float32([x, y]), (size[1], size[0], 2)).copy()


def inside(picture: np.ndarray, border: int) -> np.ndarray:
    """`picture` [H, W, ...] without a border of so many pixels."""
    return picture[border:-border, border:-border]


def strangers(count: int = 3) -> tuple[list[np.ndarray], tuple[StyledKey, StyledKey]]:
    """A static shot whose two keys are painted with different strokes."""
    frames = [texture((96, 72))] * count
    return frames, (styled(frames, 0, texture((96, 72), 1, 1.0)), styled(frames, count - 1, texture((96, 72), 2, 1.0)))
