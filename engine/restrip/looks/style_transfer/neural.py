"""Looks made by small style networks that need no download: 26 built-in ones, mixes of them, and any painting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import cv2
import numpy as np

from restrip.looks.look import READING_STAGE, UnknownLook
from restrip.looks.look_file.pictures import read_anchor
from restrip.looks.settings import ANCHOR_FILE
from restrip.looks.style_transfer.brush_strokes import Floats
from restrip.looks.style_transfer.gallery import LOOKS
from restrip.looks.style_transfer.network_look import Brush, NetworkLook, PictureTooSmall
from restrip.looks.style_transfer.networks import LEAST_PX, STYLE_PX, TILE_PX, AnyStyle, ManyLooks
from restrip.looks.style_transfer.tiles import paint_tiles
from restrip.media.content import content_of
from restrip.media.frame import Frame

Sized = TypeVar("Sized", bound="NetworkLook")


class BuiltInLook(NetworkLook):
    """One of the 26 looks, or a mix; `weights` [26] sum to 1. Its strength fades it towards the source."""

    long_side_px = 1024

    def __init__(self, name: str, weights: Floats, brush: Brush) -> None:
        super().__init__(name, brush)
        self.weights = weights
        self.looks = ManyLooks()

    def paint(self, rgb: Floats) -> Floats:
        """The network's picture as it is."""
        return self.looks.paint(rgb, self.weights)

    def identity(self) -> dict[str, Any]:
        """Network, mix and brush."""
        mix = {str(n): round(float(w), 6) for n, w in enumerate(self.weights) if w > 0}
        return {"look": "neural", "mix": mix, **self.looks.network.identity(), **self._facts()}

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self.looks.network.device

    def _finish(self, painted: Floats, source: Floats) -> Floats:
        kept = super()._finish(painted, source)
        return kept if self.brush.strength >= 1 else source + np.float32(self.brush.strength) * (kept - source)


class PaintingLook(NetworkLook):
    """The style of a picture. Its strength moves the style from the source's own towards the picture's."""

    long_side_px = 768

    def __init__(self, name: str, painting: Frame, sha256: str, brush: Brush) -> None:
        super().__init__(name, brush)
        self.sha256 = sha256
        self.networks = AnyStyle()
        self.style = self.networks.style(_square(painting.rgb8().astype(np.float32) / 255))

    def paint(self, rgb: Floats) -> Floats:
        """A picture, [H, W, 3] float32 in 0..1, in tiles of the network's size, with the colours of the whole."""
        style = self.style
        if self.brush.strength < 1:
            own = self.networks.style(_square(rgb))
            style = own + np.float32(self.brush.strength) * (style - own)
        return paint_tiles(rgb, TILE_PX, lambda tile: self.networks.paint(tile, style))

    def identity(self) -> dict[str, Any]:
        """Networks, painting and brush."""
        networks = [self.networks.predict.identity(), self.networks.network.identity()]
        facts = {"painting": self.sha256, "reading": READING_STAGE, "networks": networks}
        return {"look": "painting", **facts, **self._facts()}

    @property
    def device(self) -> str:
        """Where the network ran."""
        return self.networks.network.device


def parse_mix(text: str) -> Floats:
    """The weights [26], sum 1, of "19", "3+12" or "3:0.7+12:0.3". Raises UnknownLook."""
    weights = np.zeros(LOOKS, np.float32)
    for part in text.split("+"):
        number, colon, weight = part.partition(":")
        try:
            look, mix_weight = int(number), float(weight) if colon else 1.0
        except ValueError:
            look, mix_weight = -1, 0.0
        if not 0 <= look < LOOKS or not 1e-6 <= mix_weight <= 1e6:
            raise UnknownLook(
                f"There is no built-in look {part.strip() or 'without a number'}.",
                f"The looks are numbered 0 to {LOOKS - 1}; a mix is 3+12 or 3:0.7+12:0.3.",
                look=f"neural:{text}",
            )
        weights[look] += mix_weight
    return weights / weights.sum()


def open_neural(argument: str, settings: Mapping[str, Any], *, size: tuple[int, int] | None = None) -> BuiltInLook:
    """The look neural:ARGUMENT. Raises UnknownLook, PictureTooSmall."""
    look = BuiltInLook(f"neural:{argument}", parse_mix(argument), Brush.of(settings))
    return _sized(_anchored(look, settings), size)


def open_painting(argument: str, settings: Mapping[str, Any], *, size: tuple[int, int] | None = None) -> PaintingLook:
    """The look painting:FILE. Raises what `read_painting` raises, and PictureTooSmall."""
    from restrip.media.pictures.painting import read_painting

    painting = read_painting(argument).frame
    if min(painting.size) < LEAST_PX:
        raise PictureTooSmall(painting.size)
    digest = content_of([argument], whole=True).sha256
    look = PaintingLook(f"painting:{argument}", painting, digest, Brush.of(settings))
    return _sized(_anchored(look, settings), size)


def _anchored(look: Sized, settings: Mapping[str, Any]) -> Sized:
    """The look with the anchor of the look file that its settings name."""
    named = settings[ANCHOR_FILE.key]
    look.given = read_anchor(named) if named else None
    return look


def _sized(look: Sized, size: tuple[int, int] | None) -> Sized:
    if size is not None:
        look.run_size(size)
    return look


def _square(rgb: Floats) -> Floats:
    """The middle square of a picture at the size that the style network reads."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    kind = cv2.INTER_AREA if side >= STYLE_PX else cv2.INTER_CUBIC
    return cv2.resize(rgb[top : top + side, left : left + side], (STYLE_PX, STYLE_PX), interpolation=kind)
