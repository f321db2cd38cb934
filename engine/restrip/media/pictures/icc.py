"""Colour profiles (ICC.1:2022): those of curves and primaries, or of grey, are read here and applied to all bits;
those of tables (printers', some scanners') by LittleCMS, which comes with Pillow.

Pillow hands LittleCMS 8 bit a channel. A deep picture is looked up, with interpolation, in a lattice of colours that
LittleCMS converts; each node is the mean of roundings that are shifted against each other, so that it isn't rounded.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from restrip.media.curves import Curve, linear, power, srgb_decoded
from restrip.media.pictures.colour_space import ColourSpace
from restrip.media.primaries import D50_XYZ, from_d50

Floats = npt.NDArray[np.float32]

NODES = {1: 256, 3: 52, 4: 16}
"""Nodes a side of the lattice, by channels; they lie on whole values of 8 bit."""
SHIFTS = 16
MODES = {b"RGB ": "RGB", b"CMYK": "CMYK", b"GRAY": "L", b"Lab ": "LAB"}
RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC
# Without the tables that LittleCMS reckons before: they are off by up to 14 of 255 where ink is dark.
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE
DAMAGE = (struct.error, ValueError, IndexError, OSError, ImageCms.PyCMSError, TypeError)


class BadProfile(Exception):
    """A profile that is damaged, or none."""


@dataclass(frozen=True, eq=False)
class TableProfile:
    """A profile of tables. `mode` is Pillow's for the picture that it goes with: RGB, CMYK, L or LAB."""

    name: str
    mode: str
    raw: bytes

    def shown(self, image: Image.Image) -> Image.Image:
        """A picture of `mode`, 8 bit, in sRGB. Raises BadProfile."""
        try:
            return ImageCms.profileToProfile(  # type: ignore[return-value]
                image, self._opened(), ImageCms.createProfile("sRGB"), RELATIVE, "RGB", flags=FLAGS
            )
        except DAMAGE as error:
            raise BadProfile(str(error)) from error

    def deep(self, values: Floats) -> npt.NDArray[np.uint16]:
        """[H, W, 3 or 4] in 0..1 as 16-bit sRGB [H, W, 3]; ink is 1. Raises BadProfile."""
        lattice = self._lattice(values.shape[2])
        out = np.empty((*values.shape[:2], 3), np.uint16)
        for top in range(0, len(values), 64):
            out[top : top + 64] = np.rint(_looked_up(lattice, values[top : top + 64]) * 65535)
        return out

    def _opened(self) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(io.BytesIO(self.raw))

    def _lattice(self, channels: int) -> Floats:
        """[n, ..., n, 3]: what an evenly spaced lattice of the space is in sRGB, 0..1, finer than 8 bit."""
        side = NODES[channels]
        steps = np.rint(np.linspace(0, 255, side)).astype(np.uint8)
        nodes = np.stack(np.meshgrid(*[steps] * channels, indexing="ij"), axis=-1).reshape(side, -1, channels)
        image = Image.frombytes(self.mode, (nodes.shape[1], side), nodes.tobytes())
        total = np.zeros((*nodes.shape[:2], 3))
        try:
            for n in range(SHIFTS):
                shift = (n + 0.5) / SHIFTS - 0.5
                target = ImageCms.ImageCmsProfile(io.BytesIO(_shifted_srgb(shift)))
                turned = ImageCms.profileToProfile(image, self._opened(), target, RELATIVE, "RGB", flags=FLAGS)
                total += np.asarray(turned, np.float64)
        except DAMAGE as error:
            raise BadProfile(str(error)) from error
        mean = np.clip((total / SHIFTS / 255 - MARGIN) / (1 - 2 * MARGIN), 0, 1)
        return mean.reshape(*[side] * channels, 3).astype(np.float32)


MARGIN = 0.02
"""What a shifted code keeps free at both ends."""


def _shifted_srgb(shift: float) -> bytes:
    """sRGB whose codes lie between margins and `shift` steps of 255 higher: what LittleCMS rounds, it rounds there."""
    codes = np.linspace(0, 1, 4096)
    light = srgb_decoded(np.clip((codes - shift / 255 - MARGIN) / (1 - 2 * MARGIN), 0, 1))
    return rgb_profile("shifted", light)


def rgb_profile(name: str, light: npt.NDArray[Any], columns: npt.NDArray[Any] | None = None) -> bytes:
    """A profile of version 2: one curve for all channels, its light at evenly spaced codes; `columns` are the XYZ of
    R, G and B under D50, sRGB's where there are none.
    """
    if columns is None:
        columns = np.linalg.solve(from_d50(np.eye(3)), np.eye(3))

    def xyz(values: npt.NDArray[Any]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(v) * 65536)) for v in values)

    table = np.rint(np.clip(light, 0, 1) * 65535).astype(">u2")
    curve = b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()
    label = name.encode("ascii", "replace") + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(label)) + label + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(D50_XYZ),
        b"rXYZ": xyz(columns[:, 0]),
        b"gXYZ": xyz(columns[:, 1]),
        b"bXYZ": xyz(columns[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    return _profile(b"RGB ", tags)


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    places, content, start = [], b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        places.append(struct.pack(">4sII", name, start + len(content), len(body)))
        content += body + bytes(-len(body) % 4)
    size = start + len(content)
    illuminant = b"".join(struct.pack(">i", round(float(v) * 65536)) for v in D50_XYZ)
    head = struct.pack(">I4s4s4s4s4s", size, bytes(4), b"\x02\x40\0\0", b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + illuminant
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + b"".join(places) + content


def read_profile(raw: bytes) -> ColourSpace | TableProfile:
    """What a profile says. Raises BadProfile."""
    try:
        if raw[36:40] != b"acsp" or raw[16:20] not in MODES:
            raise BadProfile(f"it is of kind {raw[16:20]!r}")
        tags = _tags(raw)
        name = _name(raw)
        if b"cicp" in tags and len(tags[b"cicp"]) >= 11:
            return _of_cicp(name, tags[b"cicp"])
        if raw[16:20] == b"GRAY" and b"kTRC" in tags:
            grey = _curve(tags[b"kTRC"])
            return ColourSpace(name, np.eye(3), (grey, grey, grey))
        own = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
        if raw[16:20] == b"RGB " and b"A2B0" not in tags and all(tag in tags for tag in own):
            columns = np.column_stack([_xyz(tags[tag]) for tag in own[:3]])
            red, green, blue = (_curve(tags[tag]) for tag in own[3:])
            return ColourSpace(name, from_d50(columns), (red, green, blue))
        return TableProfile(name, MODES[raw[16:20]], raw)
    except DAMAGE as error:
        raise BadProfile(str(error)) from error


def _tags(raw: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", raw, 128)
    if count > 200:
        raise BadProfile("it has too many tags")
    found = {}
    for n in range(count):
        name, offset, size = struct.unpack_from(">4sII", raw, 132 + 12 * n)
        found[name] = raw[offset : offset + size]
    return found


def _name(raw: bytes) -> str:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(raw))
        return str(ImageCms.getProfileDescription(profile)).strip().replace("\0", "") or "unnamed"
    except DAMAGE:
        return "unnamed"


def _of_cicp(name: str, tag: bytes) -> ColourSpace:
    from restrip.media.av.tags import PRIMARIES, TRANSFERS

    return ColourSpace.of_tags(PRIMARIES.get(tag[8], ""), TRANSFERS.get(tag[9], ""), name)


def _xyz(tag: bytes) -> npt.NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    """curveType and parametricCurveType (ICC.1, 10.6 and 10.18)."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return linear
        table = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        return power(table[0] / 256) if count == 1 else _of_table(table / 65535)
    if tag[:4] != b"para":
        raise BadProfile(f"its curve is of kind {tag[:4]!r}")
    (kind,) = struct.unpack_from(">H", tag, 8)
    counts = (1, 3, 4, 5, 7)
    g, *more = (value / 65536 for value in struct.unpack_from(f">{counts[kind]}i", tag, 12))
    return _parametric(g, *(more + [0.0] * 6)[:6], kind=kind)


def _of_table(table: npt.NDArray[np.float64]) -> Curve:
    steps = np.linspace(0, 1, len(table))
    return lambda code: np.interp(code, steps, table)


def _parametric(g: float, a: float, b: float, c: float, d: float, e: float, f: float, *, kind: int) -> Curve:
    def above(code: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.maximum(a * code + b, 0) ** g

    kinds: tuple[Callable[[npt.NDArray[Any]], npt.NDArray[Any]], ...] = (
        lambda x: np.maximum(x, 0) ** g,
        lambda x: np.where(x >= -b / a, above(x), 0),
        lambda x: np.where(x >= -b / a, above(x) + c, c),
        lambda x: np.where(x >= d, above(x), c * x),
        lambda x: np.where(x >= d, above(x) + e, c * x + f),
    )
    return kinds[kind]


def _looked_up(lattice: Floats, values: Floats) -> Floats:
    """Interpolated in a lattice [n, ..., n, 3], along each channel of values [..., channels] in 0..1."""
    channels, side = values.shape[-1], lattice.shape[0]
    place = np.clip(values, 0, 1) * np.float32(side - 1)
    low = np.minimum(place.astype(np.int64), side - 2)
    part = place - low
    total: Floats = np.zeros((*values.shape[:-1], 3), np.float32)
    for corner in range(1 << channels):
        share = np.ones(values.shape[:-1], np.float32)
        index = np.zeros(values.shape[:-1], np.int64)
        for channel in range(channels):
            up = corner >> channel & 1
            share = share * (part[..., channel] if up else 1 - part[..., channel])
            index = index * side + low[..., channel] + up
        total += share[..., None] * lattice.reshape(-1, 3)[index]
    return total
