"""Looks made by small style networks that need no download: 26 built-in ones, mixes of them, and any painting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

import cv2
import numpy as np

from restrip.errors import BadInput
from restrip.looks.look import READING_STAGE, Beside, Look, LookTraits, Styled, UnknownLook
from restrip.looks.look_file.given_anchor import GivenAnchor
from restrip.looks.look_file.pictures import read_anchor
from restrip.looks.palette import ColourShift, Palette, shift_between
from restrip.looks.settings import ANCHOR_FILE
from restrip.looks.style_transfer.brush_strokes import LUMA, Floats, across, smooth_along, structure_tensor
from restrip.looks.style_transfer.gallery import LOOKS
from restrip.looks.style_transfer.networks import LEAST_PX, STYLE_PX, TILE_PX, AnyStyle, ManyLooks
from restrip.looks.style_transfer.tiles import paint_tiles
from restrip.looks.style_transfer.upsample import upsample
from restrip.media.content import content_of
from restrip.media.frame import Frame, Picture
from restrip.media.geometry import resampled
from restrip.progress import Report
from restrip.timeline import Key

Sized = TypeVar("Sized", bound="NetworkLook")

BAND_ROWS = 256
"""Of a picture, shifted at a time."""

AT_ONCE = 2
"""Pictures of one call: a network runs on all cores, and what lies around it on one."""

CODE_VERSION = 1  # raised when the same settings give another picture


class PictureTooSmall(BadInput):
    """A frame with a side too short for a style network."""

    code = "picture-too-small"

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(
            f"The frames are {size[0]}x{size[1]}; a painted look needs at least {LEAST_PX} pixels on each side.",
            "Use a larger clip, or painted keys.",
            size=list(size),
        )


@dataclass(frozen=True)
class Brush:
    """The settings that the networks' looks share: see looks/settings.py."""

    strength: float = 1.0
    stroke_size: float = 1.0
    keep_color: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Brush:
        """From the completed settings of a look."""
        return cls(settings["style_strength"], settings["stroke_size"], settings["keep_color"])


class NetworkLook(Look):
    """What the networks' looks have in common: the size that the network runs at, and the way back to the frame's.

    `long_side_px` is what a picture's long side is for the network at stroke size 1.
    """

    long_side_px: int

    def __init__(self, name: str, brush: Brush) -> None:
        self.name = name
        self.brush = brush
        self.given: GivenAnchor | None = None
        self._draft = False

    def drafted(self) -> Self:
        """The same strokes, for they lie in the network's pictures. What is left out can't be seen at a third of the
        size: that their grain is smoothed along them, and the way back to frame size.
        """
        look = copy(self)
        look._draft = True
        return look

    @abstractmethod
    def paint(self, rgb: Floats) -> Floats:
        """`rgb` [H, W, 3] in 0..1 in this look, of the same size; sides of at least LEAST_PX."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where the network ran."""

    def stylize(
        self,
        frames: Sequence[Frame],
        keys: Sequence[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None = None,
        beside: Beside | None = None,
    ) -> list[Styled]:
        """One picture a frame, each made alone, AT_ONCE at the same time. Raises PictureTooSmall."""
        styled = []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="paint") as pool:
            # An accelerator's network, and what is found of a look file's anchor, are for one thread.
            several = len(frames) > 1 and self.given is None and self.device == "cpu"
            for made in (pool.map if several else map)(self._one, frames, keys):
                styled.append(made)
                report(len(styled), len(frames))
        return styled

    @property
    def traits(self) -> LookTraits:
        """Those of a network that the processor runs."""
        return LookTraits(beside=True)

    def run_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) that the network works at for frames of `size`: never larger, never under LEAST_PX."""
        if min(size) < LEAST_PX:
            raise PictureTooSmall(size)
        wanted = self.long_side_px / self.brush.stroke_size / max(size)
        scale = min(1.0, max(wanted, LEAST_PX / min(size)))
        return round(size[0] * scale), round(size[1] * scale)

    @cached_property
    def _look(self) -> tuple[Palette, Palette] | None:
        """The palettes of the anchor's frame and picture, where a look file brought one."""
        given = self.given
        return None if given is None else (_palette(given.frame), _palette(given.picture))

    def _one(self, frame: Frame, key: Key) -> Styled:
        there = None if self.given is None else self.given.picture_of(frame, key)
        if self.given is not None and there is not None:
            return Styled(there, {"look_file": self.given.name, "anchor": "itself"})
        size = self.run_size(frame.size)
        white = np.float32(frame.white)
        if self._draft:
            frame = resampled(frame, size)
        small = cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / white
        painted = self.paint(small)
        if not self._draft:
            painted = smooth_along(painted, across(structure_tensor(painted, 2.0)), 1.5, 1.0)
        bands = [(slice(None), painted)] if size == frame.size else upsample(painted, small, frame.rgb)
        result = np.empty_like(frame.rgb)
        for rows, band in bands:
            finished = self._finish(band, frame.rgb[rows].astype(np.float32) / white)
            result[rows] = np.clip(finished * white + np.float32(0.5), 0, white)
        facts: dict[str, Any] = {"device": self.device, "run_size": list(size)}
        if self.given is not None and self._look is not None and not self.brush.keep_color:
            facts["look_file"] = self.given.name
            own = (_palette(frame), _palette(Frame(result)))
            _shift(result, shift_between(self._look, own, followed=(1 - self.brush.strength,) * 3))
        notes: tuple[str, ...] = ()
        if key.prompt:
            notes = (f"This look takes no prompt: the one of {key.said} was not used.",)
        return Styled(Frame(result, frame.alpha), facts, notes)

    def _facts(self) -> dict[str, Any]:
        """What decides the picture beside the network: the brush, and an anchor's hash."""
        return {**_facts(self.brush), **({"anchor": self.given.digest} if self.given is not None else {})}

    def _finish(self, painted: Floats, source: Floats) -> Floats:
        """Colours kept if asked for."""
        if not self.brush.keep_color:
            return painted
        return source + ((painted - source) @ LUMA)[..., None]


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


def _palette(frame: Frame) -> Palette:
    return Palette.of(frame.rgb.astype(np.float32) / np.float32(frame.white))


def _shift(picture: Picture, shift: ColourShift) -> None:
    """Shift the colours of a picture [H, W, 3] of code values, band by band."""
    white = np.float32(np.iinfo(picture.dtype.name).max)
    for first in range(0, len(picture), BAND_ROWS):
        rows = picture[first : first + BAND_ROWS]
        rows[...] = shift.applied(rows.astype(np.float32) / white) * white + np.float32(0.5)


def _square(rgb: Floats) -> Floats:
    """The middle square of a picture at the size that the style network reads."""
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    kind = cv2.INTER_AREA if side >= STYLE_PX else cv2.INTER_CUBIC
    return cv2.resize(rgb[top : top + side, left : left + side], (STYLE_PX, STYLE_PX), interpolation=kind)


def _facts(brush: Brush) -> dict[str, Any]:
    return {
        "style_strength": brush.strength,
        "stroke_size": brush.stroke_size,
        "keep_color": brush.keep_color,
        "code": CODE_VERSION,
    }
