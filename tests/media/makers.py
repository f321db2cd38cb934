"""Small movies made for the tests, whose pictures carry their number as light and dark blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from restrip.media.frame import Frame
from restrip.media.pixels import converted

BITS = 16
SIZE = (64, 48)


def numbered(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """An upright picture [H, W, 3] uint8: two rows of eight blocks, a light block for each bit that is set."""
    width, height = size
    columns = np.minimum(np.arange(width) * 8 // width, 7)
    rows = np.minimum(np.arange(height) * 2 // height, 1)
    bit = rows[:, None] * 8 + columns[None, :]
    grey = np.where((number >> bit) & 1, 210, 40).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def number_in(frame: Frame) -> int:
    """The number that a picture carries."""
    grey = frame.rgb8().mean(axis=2)
    height, width = grey.shape
    found = 0
    for bit in range(BITS):
        row, column = divmod(bit, 8)
        y, x = int((row + 0.5) * height / 2), int((column + 0.5) * width / 8)
        found |= (grey[y - 1 : y + 2, x - 1 : x + 2].mean() > 125) << bit
    return found


@dataclass(frozen=True)
class Recipe:
    """How a test movie is made; `ticks` are the pictures' times in units of `clock`."""

    ticks: Sequence[int] = field(default_factory=lambda: range(60))
    clock: Fraction = Fraction(1, 25)
    rate: Fraction = Fraction(25)
    codec: str = "libx264"
    layout: str = "yuv420p"
    size: tuple[int, int] = SIZE
    options: Mapping[str, str] = field(default_factory=lambda: {"preset": "veryfast", "g": "12", "bf": "2"})
    muxing: Mapping[str, str] = field(default_factory=dict)
    container: str | None = None
    aspect: Fraction | None = None
    shift: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    extra_end: int = 0


def make(path: Path, recipe: Recipe, pictures: Sequence[np.ndarray] | None = None) -> Path:
    """Encode pictures (default: numbered ones) at the recipe's times; `shift` ticks are added to written packets."""
    with av.open(str(path), "w", format=recipe.container, container_options=dict(recipe.muxing)) as out:
        out.metadata.update(recipe.metadata)
        stream = out.add_stream(recipe.codec, rate=recipe.rate, options=dict(recipe.options))
        stream.width, stream.height = recipe.size
        stream.pix_fmt = recipe.layout
        stream.codec_context.time_base = recipe.clock
        stream.codec_context.thread_count = 1
        if recipe.aspect:
            stream.codec_context.sample_aspect_ratio = recipe.aspect
        for number, tick in enumerate(recipe.ticks):
            rgb = numbered(number, recipe.size) if pictures is None else pictures[number]
            frame = converted(av.VideoFrame.from_ndarray(rgb, "rgb24"), recipe.layout)
            frame.pts, frame.time_base = tick, recipe.clock
            for packet in stream.encode(frame):
                out.mux(_shifted(packet, recipe))
        for packet in stream.encode(None):
            out.mux(_shifted(packet, recipe))
    return path


def _shifted(packet: av.Packet, recipe: Recipe) -> av.Packet:
    if recipe.shift:
        by = int(recipe.shift * recipe.clock / packet.time_base)
        packet.pts += by
        packet.dts += by
    return packet


def decoded_in_order(path: Path) -> list[tuple[Fraction, int]]:
    """(seconds, number) of every picture, by a plain sequential decode: the reference for random access."""
    found = []
    with av.open(str(path)) as movie:
        stream = movie.streams.video[0]
        for picture in movie.decode(stream):
            rgb = converted(picture, "rgb24").to_ndarray()
            found.append((picture.pts * stream.time_base, number_in(Frame(rgb))))
    return found
