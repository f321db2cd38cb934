"""A key's paint as its pieces lie in a frame: the picture, what it is worth and how much detail it should have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.descriptors import Described
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.kernels.lay import lay
from restrip.propagate.cpu.kernels.pieces import judge, places
from restrip.propagate.cpu.kernels.vote import EDGE
from restrip.propagate.cpu.motion import light_between
from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.sampling import Flow, added, taken
from restrip.propagate.cpu.shading import SAME
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.paint import ASIDE, BESIDE, EVEN, FAR, FEW, FINE, NEAR, TORN, UNSURE
from restrip.propagate.energy.style import CODE

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Laid:
    """What one key shows of a frame: a picture [H, W, 3] float32 in 16-bit code values, what it is worth [H, W] in
    0..1, the energy of fine detail that the key has there [H, W], and which of its pixels are shown, [H, W, 2] int16.
    """

    picture: npt.NDArray[np.float32]
    worth: Plane
    energy: Plane
    field: Field


@dataclass(frozen=True, eq=False)
class Paint:
    """A key's paint. `detail` is the energy of what is finer than FINE at each pixel, [H, W], in squared code values of
    three channels; `follow` says how far the whole picture's light is followed, 0..1. `effort` says whether it is read
    between pixels.
    """

    key: Exemplar
    detail: Plane
    follow: float
    effort: Effort = WHOLE

    @classmethod
    def of(cls, key: Exemplar, follow: float, effort: Effort = WHOLE) -> Paint:
        """Of a key made ready for reading."""
        picture = key.packed[EDGE:-EDGE, EDGE:-EDGE, :3].astype(np.float32) * np.float32(1 / CODE)
        fine = picture - cv2.GaussianBlur(picture, (0, 0), FINE)
        return cls(key, added(np.square(fine)), follow, effort)

    def laid(
        self,
        frame: npt.NDArray[np.uint8],
        field: Field,
        described: Described | None = None,
        flow: Flow | None = None,
    ) -> Laid:
        """What is shown of a frame [H, W, 3] uint8 by the field that `Pieces` has found for it; `described` is the same
        frame, `flow` [H, W, 2] the motion from it to the key.
        """
        h, w = frame.shape[:2]
        described = described or Described(frame)
        offsets = (field - own_places(h, w)).astype(np.float32)
        if flow is not None and self.effort.between_pixels:
            picture = self._between(field, flow - offsets)
        else:
            picture = np.empty((h, w, 3), np.float32)
            lay(self.key.packed, field, EDGE, np.float32(NEAR), np.float32(FAR), picture)
        light = light_between(frame, self.key.source, offsets, self.effort.light_side)
        followed = light.partly(self.follow)
        if not followed.same:
            picture *= np.float32(followed.gain)
            picture += np.float32(followed.offset * CODE)
        misfit, seams = judged(described.lit(light.relit(frame, SAME)).reshape(-1), self.key, field)
        torn = np.maximum(cv2.GaussianBlur(seams, (0, 0), 4, borderType=cv2.BORDER_REPLICATE) - FEW, 0)
        off = cv2.GaussianBlur(misfit, (0, 0), 3, borderType=cv2.BORDER_REPLICATE) + TORN * np.square(torn)
        energy = taken(self.detail, field)
        return Laid(picture, 1 / np.square(1 + off / np.float32(UNSURE)), energy, field)

    @cached_property
    def _style(self) -> npt.NDArray[np.float32]:
        return self.key.packed[EDGE:-EDGE, EDGE:-EDGE, :3].astype(np.float32)

    def _between(self, field: Field, off: Flow) -> npt.NDArray[np.float32]:
        """The picture [H, W, 3] that a field shows, moved by what the motion is off from it, where that is little."""
        far = np.maximum(np.abs(off[..., 0]), np.abs(off[..., 1])) >= np.float32(BESIDE)
        aside = np.clip(off, -ASIDE, ASIDE)
        aside[far] = 0
        at = cv2.GaussianBlur(aside, (0, 0), EVEN, borderType=cv2.BORDER_REPLICATE) + field
        return cv2.remap(self._style, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(2)
def own_places(h: int, w: int) -> Field:
    """The field [h, w, 2] in which every pixel shows its own place; nobody writes to it."""
    return field_of(np.zeros((h, w, 2), np.float32))


def field_of(flow: Flow) -> Field:
    """The whole pixels that a flow [H, W, 2] leads to."""
    field = np.empty(flow.shape, np.int16)
    places(flow, field)
    return field


def judged(described: npt.NDArray[np.int16], key: Exemplar, field: Field) -> tuple[Plane, Plane]:
    """How badly a key fits by a field, in squared code values, and how many of four neighbours a seam parts, 0..1."""
    misfit, seams = (np.empty(field.shape[:2], np.float32) for _ in range(2))
    judge(described, key.described.reshape(-1), field, misfit, seams)
    return misfit, seams
