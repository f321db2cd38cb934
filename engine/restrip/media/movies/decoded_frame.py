"""A frame as its decoder gave it: planes of Y'CbCr, of which R'G'B' is made when somebody asks for it.

A GPU that makes R'G'B' itself is sent the planes: with halved chroma that is 1.5 bytes a pixel of 8 bit instead of 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2

from restrip.media import colour
from restrip.media.colour import ColourTags, Plane
from restrip.media.frame import Frame, Picture


@dataclass(frozen=True, eq=False)
class YuvPlanes:
    """Y', Cb, Cr [H, W] with `bits` each: uint8 for 8 bit, else uint16; chroma whole or halved, once or more, rounded
    up. Rows may lie apart. `tags` are resolved.
    """

    luma: Plane
    blue: Plane
    red: Plane
    bits: int
    tags: ColourTags

    @property
    def nbytes(self) -> int:
        """All planes'."""
        return self.luma.nbytes + self.blue.nbytes + self.red.nbytes

    def rgb(self) -> Picture:
        """R'G'B' [H, W, 3]: uint8 for 8 bit, else uint16."""
        return colour.to_rgb((self.luma, self.blue, self.red), self.bits, self.tags)

    def shrunk(self, size: tuple[int, int]) -> YuvPlanes:
        """The same at a smaller size (width, height), averaged over areas; chroma is whole."""
        planes = self.luma, self.blue, self.red
        luma, blue, red = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes)
        return YuvPlanes(luma, blue, red, self.bits, self.tags)


class DecodedFrame(Frame):
    """A frame without alpha that keeps its `planes`; `deep` as the planes are, unless it is told another depth.

    In its other depth it keeps them too.
    """

    planes: YuvPlanes

    def __init__(self, planes: YuvPlanes, deep: bool | None = None) -> None:
        object.__setattr__(self, "planes", planes)
        object.__setattr__(self, "_deep", planes.bits > 8 if deep is None else deep)

    @cached_property
    def rgb(self) -> Picture:
        """The picture, made when it is first asked for."""
        return Frame(self.planes.rgb()).with_depth(self.deep).rgb

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.planes.luma.shape[1], self.planes.luma.shape[0]

    @property
    def deep(self) -> bool:
        """Whether the picture has 16 bit a channel."""
        return bool(self.__dict__["_deep"])

    def with_depth(self, deep: bool) -> Frame:
        """The same picture with 16 bit a channel (deep) or 8."""
        return self if deep == self.deep else DecodedFrame(self.planes, deep)

    def shrunk(self, size: tuple[int, int]) -> Frame:
        """The frame at a smaller size (width, height), averaged before it is R'G'B', which takes a fraction of the
        time; itself at any other size.
        """
        planes = self.planes.luma, self.planes.blue, self.planes.red
        if size == self.size or any(size[0] > plane.shape[1] or size[1] > plane.shape[0] for plane in planes):
            return self
        return Frame(self.planes.shrunk(size).rgb()).with_depth(self.deep)
