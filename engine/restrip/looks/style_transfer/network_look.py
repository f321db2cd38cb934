"""What the looks by style networks share: the size that the network runs at, the way back, colours and strength."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import cv2
import numpy as np

from restrip.errors import BadInput
from restrip.looks.look import Beside, Look, LookTraits, Styled
from restrip.looks.look_file.given_anchor import GivenAnchor
from restrip.looks.palette import ColourShift, Palette, shift_between
from restrip.looks.style_transfer.brush_strokes import LUMA, Floats, across, smooth_along, structure_tensor
from restrip.looks.style_transfer.networks import LEAST_PX
from restrip.looks.style_transfer.upsample import upsample
from restrip.media.frame import Frame, Picture
from restrip.media.geometry import resampled
from restrip.progress import Report
from restrip.timeline import Key

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


def _palette(frame: Frame) -> Palette:
    return Palette.of(frame.rgb.astype(np.float32) / np.float32(frame.white))


def _shift(picture: Picture, shift: ColourShift) -> None:
    """Shift the colours of a picture [H, W, 3] of code values, band by band."""
    white = np.float32(np.iinfo(picture.dtype.name).max)
    for first in range(0, len(picture), BAND_ROWS):
        rows = picture[first : first + BAND_ROWS]
        rows[...] = shift.applied(rows.astype(np.float32) / white) * white + np.float32(0.5)


def _facts(brush: Brush) -> dict[str, Any]:
    return {
        "style_strength": brush.strength,
        "stroke_size": brush.stroke_size,
        "keep_color": brush.keep_color,
        "code": CODE_VERSION,
    }
