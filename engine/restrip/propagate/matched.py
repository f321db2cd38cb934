"""The patch predictor: every pixel's place in the key, searched around the motion.

Guided patch matching after PatchMatch (Barnes et al. 2009) with EbSynth's guides (Jamriska et al. 2019, section 4.1):
edges, colours, position and the style itself; at full size only, since the motion is already close.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.matched_cpu import CHANNELS, patch_errors, sweep, vote
from restrip.propagate.motion import gray_of
from restrip.propagate.sampling import Flow, pull

EDGE, COLOUR, PLACE, STYLE = 1.0, 2.0, 1.0, 1.0 / 3  # weight of one channel
HEAVIEST = max(EDGE, COLOUR, PLACE, STYLE)
VOTES, SWEEPS, RADIUS = 2, 2, 8

Bytes = npt.NDArray[np.uint8]


def _scaled(channel: npt.NDArray, weight: float) -> Bytes:
    """A channel so that its squared differences count `weight` against the heaviest one."""
    return cv2.convertScaleAbs(channel, alpha=float(np.sqrt(weight / HEAVIEST)))


def edges_of(rgb: Bytes) -> Bytes:
    """Luma against its neighbourhood, [H, W] uint8 around 128."""
    gray = gray_of(rgb)
    return cv2.addWeighted(gray, 1.0, cv2.GaussianBlur(gray, (5, 5), 6.0), -1.0, 128.0)


def places(size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """[H, W, 2] float32: where each pixel lies, 0..255 over the picture's width and height."""
    x = np.linspace(0, 255, size[0], dtype=np.float32)
    y = np.linspace(0, 255, size[1], dtype=np.float32)
    return np.dstack(np.meshgrid(x, y))


def pack(rgb: Bytes, place: npt.NDArray[np.float32]) -> Bytes:
    """The guides of a picture in the first channels of [H + 4, W + 4, 16] uint8; the style goes into the last three."""
    h, w = rgb.shape[:2]
    packed = np.zeros((h, w, CHANNELS), np.uint8)
    packed[..., 0] = _scaled(edges_of(rgb), EDGE)
    packed[..., 1:4] = _scaled(rgb, COLOUR)
    packed[..., 4:6] = _scaled((place + 0.5).astype(np.uint8), PLACE)
    return cv2.copyMakeBorder(packed.reshape(h, w * CHANNELS), 2, 2, 0, 0, cv2.BORDER_REPLICATE).reshape(
        h + 4, w, CHANNELS
    )[:, np.clip(np.arange(-2, w + 2), 0, w - 1)]


def put_style(packed: Bytes, style: Bytes) -> None:
    """Write the style [H, W, 3] uint8 into the last channels of a packed picture."""
    scaled = _scaled(style, STYLE)
    packed[..., 13:16] = cv2.copyMakeBorder(scaled, 2, 2, 2, 2, cv2.BORDER_REPLICATE)


class KeyPatches:
    """A key packed for matching: source [H, W, 3] uint8 and style [H, W, 3] uint8."""

    def __init__(self, source: Bytes, style: Bytes) -> None:
        self.place = places((source.shape[1], source.shape[0]))
        self._both = np.concatenate([style, source], 2)
        self._style = style
        self._packed = pack(source, self.place)
        put_style(self._packed, style)

    def match(self, frame: Bytes, flow: Flow) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The field [H, W, 2] int32 of places in the key, and [H, W, 6] float32: style and source as it votes them."""
        h, w = flow.shape[:2]
        packed = pack(frame, pull(self.place, flow))
        put_style(packed, pull(self._style, flow))
        grid = np.dstack(np.meshgrid(np.arange(w), np.arange(h)))
        field = np.clip(np.rint(grid + flow), 0, (w - 1, h - 1)).astype(np.int32)
        errors = np.empty((h, w), np.int32)
        voted = np.empty((h, w, 6), np.float32)
        for turn in range(VOTES):
            if turn:
                put_style(packed, (voted[..., :3] + 0.5).astype(np.uint8))
            patch_errors(packed.reshape(-1), self._packed.reshape(-1), field, errors)
            for n in range(2 * SWEEPS):
                sweep(packed.reshape(-1), self._packed.reshape(-1), field, errors, n & 1, RADIUS, 16 * turn + n)
            vote(self._both, field, voted)
        return field, voted
