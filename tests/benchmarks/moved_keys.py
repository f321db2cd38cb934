"""Keys moved, bent, recoloured and painted over by a known amount: the truths of registration.

Pictures are [H, W, 3] uint8 RGB; a field [H, W, 2] says where each pixel of the frame lies in the moved key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

Picture = np.ndarray
Field = np.ndarray


TELLING = 1.0
"""Squared code values a pixel of gradient, in the direction that has least of it, where a place can be judged."""

AROUND_PX = 12.0


@dataclass(frozen=True)
class Move:
    """How a key is moved: shift in pixels, zoom, turn in degrees, a smooth wobble of so many pixels, and whether a
    fifth of it is painted over.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    turn: float = 0.0
    wobble: float = 0.0
    painted_over: bool = False


MOVES: Mapping[str, Move] = {
    "none": Move(),
    "shift 1": Move(1),
    "shift 4": Move(-3.4, 1.9),
    "shift 13": Move(12, -5.5),
    "shift 40": Move(-38, 12),
    "zoom .9": Move(zoom=0.9),
    "zoom 1.02": Move(4, 3, 1.02),
    "zoom 1.1": Move(zoom=1.1),
    "turn 3": Move(turn=3),
    "turn -3": Move(turn=-3),
    "wobble 2": Move(wobble=2),
    "painted over": Move(painted_over=True),
    "all": Move(18, -9, 1.07, -2.2, 2, True),
}


def moved(key: Picture, move: Move, seed: int = 0) -> tuple[Picture, Field]:
    """The key moved, its edges repeated where it has none, and where each pixel of the frame lies in it."""
    height, width = key.shape[:2]
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float64)
    centre, shift = np.array([width - 1, height - 1]) / 2, np.array([move.x, move.y])
    c, s = move.zoom * np.cos(np.radians(move.turn)), move.zoom * np.sin(np.radians(move.turn))
    linear = np.array([[c, -s], [s, c]])
    bend = wobble((width, height), move.wobble, seed)
    back = grid
    for _ in range(8):  # the inverse, by iteration
        bent = cv2.remap(bend, back.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        back = (grid - centre - shift - bent) @ np.linalg.inv(linear).T + centre
    picture = cv2.remap(key, back.astype(np.float32), None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    field = (grid - centre) @ linear.T + centre + shift + bend
    return (painted_over(picture, seed) if move.painted_over else picture), field


def wobble(size: tuple[int, int], most_px: float, seed: int) -> Field:
    """A smooth random displacement of at most `most_px`, which changes over about a third of the picture."""
    coarse = np.random.default_rng(seed).normal(size=(4, 5, 2)).astype(np.float32)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return smooth * (most_px / np.abs(smooth).max())


def judged(frame: Picture, field: Field, over: bool) -> np.ndarray:
    """Where the key of a frame can be judged, [H, W]: it shows the frame and isn't painted `over`, and the frame has
    edges near by in more than one direction.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    gx, gy = (cv2.Sobel(grey, cv2.CV_32F, x, 1 - x, ksize=3, scale=1 / 8) for x in (1, 0))
    xx, xy, yy = (cv2.GaussianBlur(a * b, (0, 0), AROUND_PX) for a, b in ((gx, gx), (gx, gy), (gy, gy)))
    told = inside(field) & ((xx + yy - np.hypot(xx - yy, 2 * xy)) / 2 > TELLING)
    if over:
        hidden = fifth(frame.shape[1::-1]).astype(np.uint8)
        told &= cv2.remap(hidden, field.astype(np.float32), None, cv2.INTER_NEAREST) == 0
    return told


def fifth(size: tuple[int, int]) -> np.ndarray:
    """The fifth of a picture that is painted over, [H, W]."""
    width, height = size
    inside = np.zeros((height, width), np.uint8)
    middle, axes = (int(width * 0.62), int(height * 0.45)), (int(width * 0.22), int(height * 0.29))
    cv2.ellipse(inside, middle, axes, 20, 0, 360, 1, -1)
    return inside > 0


def painted_over(picture: Picture, seed: int = 0) -> Picture:
    """The picture with a fifth of it under blotches and lines that have nothing to do with it."""
    height, width = picture.shape[:2]
    random = np.random.default_rng(seed)
    patch = random.integers(0, 255, (max(2, height // 12), max(2, width // 12), 3), dtype=np.uint8)
    patch = cv2.resize(patch, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        x, y = int(random.integers(width)), int(random.integers(height))
        end = x + int(random.integers(-80, 80)), y + int(random.integers(-80, 80))
        colour = tuple(map(int, random.integers(0, 255, 3)))
        cv2.line(patch, (x, y), end, colour, int(random.integers(1, 6)))
    return np.where(fifth((width, height))[..., None], patch, picture)


def inside(field: Field) -> np.ndarray:
    """Which pixels of the frame the moved key shows, [H, W]."""
    height, width = field.shape[:2]
    return ((field >= 0) & (field <= np.array([width - 1, height - 1]))).all(-1)


def cast(picture: Picture, seed: int = 0) -> Picture:
    """The picture warmer and flatter, with the noise of a model that returns all of it anew."""
    mixed = picture.astype(np.float32) @ np.float32([[0.95, 0.03, 0], [0.02, 0.97, 0.02], [0, 0.02, 0.92]])
    noise = np.random.default_rng(seed).normal(0, 1.2, picture.shape)
    return np.clip(mixed + np.float32([9, 1, -2]) + noise, 0, 255).round().astype(np.uint8)
