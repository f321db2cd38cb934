"""TIFFs as decoders know them: ink told to be light, and one plane at a time where channels lie behind each other.

What is decoded is the same file with other words in its header (TIFF 6.0, section 2):

    RRRR GGGG BBBB  planar 2, offsets r g b  ►  three of one grey channel, offsets r, g, b
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, ORIENTATION, CHANNELS, STRIP_BYTES = 273, 274, 277, 279
PLANAR, PREDICTOR, TILE_WIDTH, TILES, TILE_BYTES, EXTRA, KIND = 284, 317, 322, 324, 325, 338, 339
INK_NAMES = (332, 333, 334, 336)
UNKNOWN = 65000
"""A tag of nobody's, which decoders leave alone."""

GREY, RGB = 1, 2
MOST_CHANNELS = 4096
SIZES = {1: 1, 3: 2, 4: 4, 16: 8}
CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}


class BadLayout(ValueError):
    """A header that doesn't say where its planes lie."""


@dataclass(frozen=True)
class _Entry:
    """A tag in a header: where its entry stands, its kind of number, how many, and where these stand."""

    place: int
    kind: int
    count: int
    values: int


def as_light(raw: bytes) -> bytes:
    """A TIFF of four inks as one of red, green, blue and alpha: the same numbers. Raises BadLayout."""
    header = TiffHeader(raw)
    header.put(PHOTOMETRIC, RGB)
    header.drop(EXTRA, *INK_NAMES)
    return bytes(header.raw)


def bytes_of(raw: bytes, width: int, each: int) -> bytes:
    """A TIFF of `width` pixels of `each` bytes, packed in any way, as one of grey bytes. Raises BadLayout."""
    header = TiffHeader(raw)
    tile = header.number(TILE_WIDTH, 0)
    for tag, number in ((WIDTH, width * each), (BITS, 8), (CHANNELS, 1), (PHOTOMETRIC, GREY)):
        header.say(tag, number)
    if tile:
        header.say(TILE_WIDTH, tile * each)
    header.drop(KIND, EXTRA, ORIENTATION, PREDICTOR, PLANAR, *INK_NAMES)
    return bytes(header.raw)


def planes_of(raw: bytes) -> list[bytes]:
    """A TIFF whose channels lie behind each other as one of grey for each. Raises BadLayout."""
    count = TiffHeader(raw).number(CHANNELS)
    made = []
    for plane in range(count):
        header = TiffHeader(raw)
        header.put(CHANNELS, 1)
        header.put(PHOTOMETRIC, GREY)
        header.put(PLANAR, 1)
        for tag in (BITS, KIND):
            header.cut(tag, 0, 1)
        for tag in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES):
            header.cut(tag, plane, count)
        header.drop(EXTRA, *INK_NAMES)
        made.append(bytes(header.raw))
    return made


class TiffHeader:
    """The first header of a TIFF or a BigTIFF, to be changed in place."""

    def __init__(self, raw: bytes) -> None:
        self.raw = bytearray(raw)
        self.order = "<" if raw[:2] == b"II" else ">"
        self._big = self._read("H", 2) == 43
        self._word = 8 if self._big else 4
        self.tags = self._entries()

    def number(self, tag: int, otherwise: int | None = None) -> int:
        """The first number of a tag; without it `otherwise`. Raises BadLayout."""
        entry = self.tags.get(tag)
        if entry is None and otherwise is not None:
            return otherwise
        if entry is None or entry.kind not in CODES:
            raise BadLayout(tag)
        return self._read(CODES[entry.kind], entry.values)

    def numbers(self, tag: int) -> list[int]:
        """All numbers of a tag, none without it. Raises BadLayout."""
        entry = self.tags.get(tag)
        if entry is None:
            return []
        if entry.kind not in CODES or entry.count > MOST_CHANNELS:
            raise BadLayout(tag)
        return [self._read(CODES[entry.kind], entry.values + n * SIZES[entry.kind]) for n in range(entry.count)]

    def say(self, tag: int, number: int) -> None:
        """Have a tag say one number of 32 bit, whatever it said. Raises BadLayout."""
        entry = self.tags.get(tag)
        if entry is None:
            raise BadLayout(tag)
        word = "Q" if self._big else "I"
        struct.pack_into(f"{self.order}H{word}{word}", self.raw, entry.place + 2, 4, 1, 0)
        struct.pack_into(f"{self.order}I", self.raw, entry.place + 4 + self._word, number)

    def put(self, tag: int, number: int) -> None:
        """Say another number."""
        self.number(tag)
        entry = self.tags[tag]
        struct.pack_into(self.order + CODES[entry.kind], self.raw, entry.values, number)

    def drop(self, *tags: int) -> None:
        """Say nothing of these."""
        for tag in tags:
            if tag in self.tags:
                struct.pack_into(f"{self.order}H", self.raw, self.tags[tag].place, UNKNOWN)

    def cut(self, tag: int, part: int, parts: int) -> None:
        """Of a tag's numbers keep one of so many equal parts; with none or one number there is nothing to keep."""
        entry = self.tags.get(tag)
        if entry is None or entry.count < 2:
            return
        each = 1 if parts == 1 else entry.count // parts
        size = SIZES.get(entry.kind, 0)
        if not size or not each:
            raise BadLayout(tag)
        first = entry.values + part * each * size
        struct.pack_into(self.order + ("Q" if self._big else "I"), self.raw, entry.place + 4, each)
        slot = entry.place + 4 + self._word
        if each * size <= self._word:
            kept = bytes(self.raw[first : first + each * size])
            self.raw[slot : slot + self._word] = kept.ljust(self._word, b"\0")
        else:
            struct.pack_into(self.order + ("Q" if self._big else "I"), self.raw, slot, first)

    def _entries(self) -> Mapping[int, _Entry]:
        start = self._read("Q" if self._big else "I", 8 if self._big else 4)
        count = self._read("Q" if self._big else "H", start)
        first, length = start + (8 if self._big else 2), 20 if self._big else 12
        return dict(self._entry(first + n * length) for n in range(min(count, 4096)))

    def _entry(self, place: int) -> tuple[int, _Entry]:
        tag, kind = self._read("H", place), self._read("H", place + 2)
        count = self._read("Q" if self._big else "I", place + 4)
        slot = place + 4 + self._word
        inside = count * SIZES.get(kind, 1) <= self._word
        values = slot if inside else self._read("Q" if self._big else "I", slot)
        return tag, _Entry(place, kind, count, values)

    def _read(self, code: str, place: int) -> int:
        try:
            return int(struct.unpack_from(self.order + code, self.raw, place)[0])
        except struct.error as error:
            raise BadLayout(place) from error
