"""The pictures of an image sequence by number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from restrip.media.colour import ColourTags
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.geometry import resampled
from restrip.media.light import LightCoding, SceneLight, clean
from restrip.media.movies.movie import MediaDamaged
from restrip.media.pictures.exr import read_linear
from restrip.media.pictures.listing import list_pictures, listed
from restrip.media.pictures.picture import kind_of, read_picture, straight
from restrip.timeline import Rate


class SequenceFrames:
    """Pictures in order; all get the first one's size and the deepest one's depth, and alpha where any has it.

    A picture that is missing or can't be read is concealed by the one before and named in `notes`; `strict` refuses
    it. The first one must be readable.
    """

    def __init__(self, paths: Sequence[str], *, strict: bool = False, block_bytes: int = 0) -> None:
        self._paths = tuple(paths)
        self._strict = strict
        self._room = block_bytes
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._damage: dict[int, str] = {}
        self.listing = list_pictures(self._paths)
        self.size = self.listing.size

    decoded = 0
    """Pictures have no packets; here for the likeness with movies."""

    @property
    def kept_bytes(self) -> int:
        """Memory that decoded pictures take."""
        return sum(frame.rgb.nbytes for frame in self._kept.values())

    def at(self, rate: Rate) -> Callable[[Fraction], int]:
        """The function from media time to picture: one picture a frame of `rate`; the last is held."""

        def number(time: Fraction) -> int:
            return min(max(0, int(time * rate.fraction)), len(self._paths) - 1)

        return number

    @property
    def damaged(self) -> set[int]:
        """The numbers of the pictures that couldn't be read so far."""
        return set(self._damage)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence about pictures that reading found damaged and concealed."""
        found = self._damage.keys() - self.listing.unreadable
        return (f"Pictures of the sequence can't be read and were concealed: {listed(found)}.",) if found else ()

    def frame(self, number: int) -> Frame:
        """Picture `number`. Raises MediaDamaged with strict, else what the first picture raises."""
        if number not in self._kept:
            self._kept[number] = self._read(number)
            each = max(1, self._kept[number].rgb.nbytes)
            while len(self._kept) > max(2, self._room // each):
                self._kept.popitem(last=False)
        return self._kept[number]

    def light(self, number: int) -> SceneLight:
        """The light of picture `number` of light (OpenEXR), beyond white too, at the sequence's size.

        Of one that can't be read, and of another kind, it is its frame's: there is no more than white.
        """
        frame = self.frame(number)
        path = self._paths[number]
        if number in self._damage or kind_of(path) != "exr":
            light = LightCoding(ColourTags("rgb", range="full")).of_frame(frame)
        else:
            rgb, alpha = read_linear(path)
            light = clean(straight(rgb, alpha), alpha).fitted(self.size)
        if self.listing.alpha and light.alpha is None:
            return SceneLight(light.rgb, np.ones(light.rgb.shape[:2], np.float32))
        return light

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        """A small version of picture `number`, 8 bit."""
        return resampled(self.frame(number).with_depth(False), size)

    def close(self) -> None:
        """Let go of the pictures."""
        self._kept.clear()

    def _read(self, number: int) -> Frame:
        try:
            frame = read_picture(self._paths[number])
        except (MediaMissing, MediaUnreadable) as error:
            self._damage[number] = error.message
            if self._strict:
                raise MediaDamaged(self._paths[number], number, error.message.rstrip(".")) from error
            if number == 0:
                raise
            return self.frame(number - 1)
        frame = resampled(frame, self.size).with_depth(self.listing.bits > 8)
        if self.listing.alpha and frame.alpha is None:
            return Frame(frame.rgb, np.full_like(frame.rgb[..., 0], np.iinfo(frame.rgb.dtype).max))
        return frame
