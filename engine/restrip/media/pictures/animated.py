"""Pictures that move: PNG, WebP and AVIF whose names are those of single pictures.

An animated PNG is read as every movie is; FFmpeg doesn't decode animated WebP, nor AVIF with its transparency: Pillow
does. Each picture is as long as the file says; what says 0 is shown for a tenth of a second, as browsers do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from restrip.media.av.times import durations_of
from restrip.media.files import MediaUnreadable, check_readable, open_regular
from restrip.media.frame import Frame
from restrip.media.geometry import resampled
from restrip.media.pictures.photo import DAMAGE, MOST_PIXELS
from restrip.timeline import Rate, is_picture

UNTIMED_S = Fraction(1, 10)
USUAL_RATES = tuple(
    Rate.of(*rate) for rate in ((24,), (25,), (30,), (30000, 1001), (24000, 1001), (50,), (60,), (12,), (15,), (10,))
)
# The container tells times in milliseconds.
TICK_S = Fraction(1, 1000)


def moves(path: str) -> bool:
    """Whether a file holds pictures to be shown one after the other, under the name of a single picture.

    A file that can't be read counts as still; opening it names the error.
    """
    if not is_picture(path) and not path.lower().endswith(".avifs"):
        return False
    try:
        with open_regular(path) as file:
            return _kind(file) != ""
    except (OSError, MediaUnreadable):
        return False


def is_still(path: str) -> bool:
    """Whether a file is a single picture, by its name and by what is in it."""
    return is_picture(path) and not moves(path)


def by_pillow(path: str) -> bool:
    """Whether a file is an animated WebP or AVIF, which MovingFrames reads and movies' readers don't."""
    if not moves(path):
        return False
    with open_regular(path) as file:
        return _kind(file) in ("webp", "avif")


def _kind(file: BinaryIO) -> str:
    """ "png", "webp" or "avif" when the file is such a one and moves, else ""."""
    start = file.read(64)
    if start[:8] == b"\x89PNG\r\n\x1a\n":
        return "png" if _has_acts(file) else ""
    if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X":
        return "webp" if start[20:21] and start[20] & 2 else ""
    if start[4:8] == b"ftyp":
        length = min(int.from_bytes(start[:4], "big"), len(start))
        brands = [start[8:12], *(start[place : place + 4] for place in range(16, length, 4))]
        return "avif" if b"avis" in brands else ""
    return ""


def _has_acts(file: BinaryIO) -> bool:
    """Whether a PNG tells of several pictures before its first one (acTL)."""
    return any(kind == b"acTL" and int.from_bytes(content[:4], "big") > 1 for kind, content in _png_chunks(file))


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """A PNG's chunks before its pixels, the start of their content."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        length = int.from_bytes(head[:4], "big")
        content = file.read(min(length, 64))
        yield head[4:], content
        file.seek(length - len(content) + 4, 1)


@dataclass(frozen=True)
class WebpParts:
    """What an animated WebP says of its pictures: milliseconds each, and whether some part stays transparent."""

    durations_ms: tuple[int, ...]
    alpha: bool


def webp_parts(path: str) -> WebpParts:
    """Read the headers of an animated WebP's pictures (RFC 9649, section 2.7.1.1)."""
    durations, opaque = [], True
    with open_regular(path) as file:
        file.seek(12)
        canvas = b""
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            start = file.read(min(length, 40))
            if head[:4] == b"VP8X":
                canvas = start[4:10]
            if head[:4] == b"ANMF" and len(start) >= 16:
                durations.append(int.from_bytes(start[12:15], "little"))
                opaque = opaque and _keeps_opaque(start, canvas, first=len(durations) == 1)
            file.seek(length + length % 2 - len(start), 1)
    return WebpParts(tuple(durations), not opaque)


def _keeps_opaque(part: bytes, canvas: bytes, *, first: bool) -> bool:
    """Whether after a picture nothing is transparent, when nothing was before it.

    An encoder leaves out what doesn't change by transparent pixels, so that the file itself is marked as transparent.
    """
    replaces, clears = bool(part[15] & 2), bool(part[15] & 1)
    kind, lossless_alpha = part[16:20], len(part) > 28 and bool(part[28] & 0x10)
    has_alpha = kind == b"ALPH" or (kind == b"VP8L" and lossless_alpha)
    covers = part[:6] == bytes(6) and part[6:12] == canvas
    if first and not (covers and not has_alpha):
        return False
    return not clears and not (replaces and has_alpha)


class MovingFrames:
    """The pictures of an animated WebP or AVIF by number, decoded by Pillow, the last ones kept.

    Raises MediaMissing, MediaUnreadable.
    """

    decoded = 0
    """Pillow takes whole files; here for the likeness with movies."""

    notes: tuple[str, ...] = ()
    damaged: tuple[int, ...] = ()

    def __init__(self, path: str, *, block_bytes: int = 0) -> None:
        check_readable(path)
        self._path, self._room = path, block_bytes
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        try:
            self._image = Image.open(path, formats=("WEBP", "AVIF"))
            self.size = self._image.size
            if self.size[0] * self.size[1] > MOST_PIXELS:
                raise MediaUnreadable(path, f"its pictures are too large ({self.size[0]}x{self.size[1]})")
            count = int(getattr(self._image, "n_frames", 1))
        except DAMAGE as error:
            raise MediaUnreadable(path, "it is no picture, or a damaged one") from error
        self.codec = str(self._image.format).lower()
        self.alpha = self._image.has_transparency_data
        if self.codec == "webp":
            parts = webp_parts(path)
            self.alpha = parts.alpha
            told = [length * TICK_S for length in parts.durations_ms]
        else:
            told = durations_of(path)
        told = [length or UNTIMED_S for length in told[:count]]
        told += [told[-1] if told else UNTIMED_S] * (count - len(told))
        self.begins = [Fraction(0), *accumulate(told)]
        self.rate, self.constant = _rate(self.begins)

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.begins) - 1

    @property
    def duration(self) -> Fraction:
        """Seconds from the first picture to the end of the last."""
        return self.begins[-1]

    @property
    def kept_bytes(self) -> int:
        """Memory that decoded pictures take."""
        return sum(frame.rgb.nbytes for frame in self._kept.values())

    def at(self, time: Fraction) -> int:
        """The picture shown at `time` seconds: the last one that has begun."""
        if self.constant:
            return min(max(0, int(time * self.rate.fraction)), self.count - 1)
        near = int(time / TICK_S + Fraction(1, 2)) * TICK_S
        return min(max(0, bisect_right(self.begins, near) - 1), self.count - 1)

    def frame(self, number: int) -> Frame:
        """Picture `number`, as it is seen. Raises MediaUnreadable."""
        if number not in self._kept:
            self._kept[number] = self._read(number)
            while len(self._kept) > max(2, self._room // max(1, self._kept[number].rgb.nbytes)):
                self._kept.popitem(last=False)
        return self._kept[number]

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        """A small version of picture `number`."""
        return resampled(self.frame(number), size)

    def close(self) -> None:
        """Let go of the file and the pictures."""
        self._image.close()
        self._kept.clear()

    def _read(self, number: int) -> Frame:
        try:
            self._image.seek(number)
            values: Any = np.asarray(self._image.convert("RGBA" if self.alpha else "RGB"))
        except DAMAGE as error:
            raise MediaUnreadable(self._path, f"its picture {number} is damaged") from error
        alpha = np.ascontiguousarray(values[..., 3]) if self.alpha else None
        return Frame(np.ascontiguousarray(values[..., :3]), alpha)


def _rate(begins: list[Fraction]) -> tuple[Rate, bool]:
    """The rate that all pictures follow, rounded to milliseconds, and True; else the nearest usual one and False."""
    count = len(begins) - 1
    lengths = {after - before for before, after in pairwise(begins)}
    mean = Rate((count / begins[-1]).limit_denominator(1001))

    def fits(rate: Rate) -> bool:
        return all(abs(begin - number / rate.fraction) <= TICK_S for number, begin in enumerate(begins))

    usual = next((rate for rate in USUAL_RATES if fits(rate)), None)
    if usual is not None:
        return usual, True
    if len(lengths) == 1:
        return Rate(1 / lengths.pop()), True
    shortest = Rate(min(max(Fraction(1), 1 / min(lengths)), Fraction(120)).limit_denominator(1001))
    return (mean, True) if fits(mean) else (shortest, False)
