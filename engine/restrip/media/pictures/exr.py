"""Reading OpenEXR, by the OpenEXR package: layers, parts, tiles, luminance and chroma, windows.

Of many layers the picture is, in this order: the channels R G B without a layer's name, luminance (Y, with RY and BY
where there is colour), the layer "Combined" that Blender writes, then the first layer with R G B.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.files import MediaUnreadable
from restrip.media.primaries import REC709, between, make_sense, to_xyz

Array = npt.NDArray[np.float32]

LINEAR_NOTE = (
    "OpenEXR holds linear light: it is read through the sRGB curve, and what is brighter than white is clipped."
)
# What the package raises over a damaged file.
DAMAGE = (RuntimeError, ValueError, TypeError, LookupError, OSError, OverflowError, MemoryError)
MOST_PIXELS = 1 << 28


@dataclass(frozen=True)
class ExrHeader:
    """What a file says: the display window's size (width, height), alpha, and what is unusual."""

    size: tuple[int, int]
    alpha: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Chosen:
    """Where the picture is: a part, and its channels by their meaning (R, G, B, A, Y, RY, BY)."""

    part: int
    layer: str
    channels: Mapping[str, str]


def read_linear(path: str) -> tuple[Array, Array | None]:
    """An OpenEXR picture: linear, Rec. 709's primaries, [H, W, 3] float32, and alpha [H, W] or None.

    [H, W] is the display window: what the file has no pixels for is 0, what lies outside is cut off.

    Raises MediaUnreadable.
    """
    chosen, _ = _header(path)
    try:
        with _opened(path, header_only=False) as file:
            part = file.parts[chosen.part]
            planes = {meaning: _plane(part, name) for meaning, name in chosen.channels.items()}
            rgb = _as_rec709(_rgb(planes, _luma(part.header)), part.header)
            alpha = planes.get("A")
            return _in_window(rgb, part.header), None if alpha is None else _in_window(alpha, part.header)
    except DAMAGE as error:
        raise MediaUnreadable(path, "it is no OpenEXR picture, or a damaged one") from error


def exr_header(path: str) -> ExrHeader:
    """The facts of a file; no pixel is read. Raises MediaUnreadable."""
    chosen, header = _header(path)
    notes = [LINEAR_NOTE]
    grey = chosen.channels.get("Y", "Y")
    if grey.rpartition(".")[2].upper() != "Y":
        notes.append(f"Its only channel, {grey}, is read as grey.")
    if chosen.layer:
        notes.append(f"Of the layers of the OpenEXR file {chosen.layer} is used.")
    if "Y" in chosen.channels and "RY" in chosen.channels:
        notes.append("It is stored as luminance and chroma: colours were subsampled.")
    if _corners(header) is not None:
        notes.append("Its colours have other primaries than Rec. 709's: they are converted.")
    display, data = _window(header, "displayWindow"), _window(header, "dataWindow")
    if display != data:
        notes.append("It has pixels for another window than the one that is shown: the rest is empty or cut off.")
    return ExrHeader((display[2], display[3]), "A" in chosen.channels, tuple(notes))


def _header(path: str) -> tuple[_Chosen, Mapping[str, Any]]:
    try:
        with _opened(path, header_only=True) as file:
            headers = [dict(part.header) for part in file.parts]
            names = [[channel.name for channel in header["channels"]] for header in headers]
        chosen = _choose(names)
        if chosen is None:
            found = ", ".join(sorted({name for part in names for name in part})[:12])
            raise MediaUnreadable(path, f"none of its layers is a picture ({found})", "Save it with R, G and B.")
        header = headers[chosen.part]
        if "deep" in str(header.get("type", "")).lower():
            raise MediaUnreadable(path, "it holds deep pixels", "Flatten it: many samples a pixel aren't read.")
        width, height = _window(header, "displayWindow")[2:]
        if not (width > 0 and height > 0 and width * height <= MOST_PIXELS):
            raise MediaUnreadable(path, f"its window is {width}x{height}")
        return chosen, header
    except DAMAGE as error:
        raise MediaUnreadable(path, "it is no OpenEXR picture, or a damaged one") from error


def _opened(path: str, header_only: bool) -> Any:
    try:
        import OpenEXR
    except ImportError:
        raise MediaUnreadable(
            path, "OpenEXR pictures need the package OpenEXR", "Install it: pip install OpenEXR."
        ) from None
    return OpenEXR.File(path, separate_channels=True, header_only=header_only)


def _choose(parts: Iterable[list[str]]) -> _Chosen | None:
    """The picture among the channels of all parts."""
    found: list[tuple[int, int, int, _Chosen]] = []
    for number, names in enumerate(parts):
        layers: dict[str, dict[str, str]] = {}
        for name in names:
            layer, _, last = name.rpartition(".")
            layers.setdefault(layer, {})[last.upper()] = name
        for layer, channels in layers.items():
            rank = _rank(layer, channels)
            if rank is not None:
                kept = ("R", "G", "B", "A") if "R" in channels else ("Y", "RY", "BY", "A")
                wanted = {meaning: channels[meaning] for meaning in kept if meaning in channels}
                found.append((rank, number, len(found), _Chosen(number, layer, wanted)))
    if found:
        return min(found, key=lambda one: one[:3])[-1]
    # One lone channel is a grey picture.
    lone = [(number, names[0]) for number, names in enumerate(parts) if len(names) == 1]
    return _Chosen(lone[0][0], "", {"Y": lone[0][1]}) if lone else None


def _rank(layer: str, channels: Mapping[str, str]) -> int | None:
    """How likely a layer is the picture, 0 the most; None when it is none."""
    # Beside X, Y is a part of a direction or a place (normals, motion), and no luminance.
    colour, grey = all(name in channels for name in "RGB"), "Y" in channels and "X" not in channels
    if not colour and not grey:
        return None
    if not layer:
        return 0 if colour else 1
    words = re.split(r"[.]", layer.lower())
    if "combined" in words:
        return 2
    return 3 if colour else 4


def _plane(part: Any, name: str) -> Array:
    """One channel [H, W] float32 over the data window; a subsampled one is brought to full size.

    Its samples lie on every n-th pixel, from the first: between them it is interpolated.
    """
    channel = part.channels[name]
    values = np.asarray(channel.pixels)
    if values.ndim != 2 or values.dtype.kind not in "fu":
        raise ValueError("no plane of numbers")
    plane = np.ascontiguousarray(values, np.float32)
    steps = (int(channel.xSampling), int(channel.ySampling))
    if steps == (1, 1):
        return plane
    _, _, width, height = _window(part.header, "dataWindow")
    scale = np.array([[steps[0], 0, 0], [0, steps[1], 0]], np.float64)
    full: Array = cv2.warpAffine(plane, scale, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return full


def _rgb(planes: Mapping[str, Array], luma: tuple[float, float, float]) -> Array:
    """[H, W, 3] out of R G B, of Y alone, or of Y with RY = (R-Y)/Y and BY = (B-Y)/Y."""
    if "R" in planes:
        return np.stack([planes["R"], planes["G"], planes["B"]], axis=-1)
    grey = planes["Y"]
    if "RY" not in planes or "BY" not in planes:
        return np.repeat(grey[..., None], 3, axis=2)
    red, blue = (planes["RY"] + 1) * grey, (planes["BY"] + 1) * grey
    green = (grey - luma[0] * red - luma[2] * blue) / luma[1]
    return np.stack([red, green, blue], axis=-1)


def _corners(header: Mapping[str, Any]) -> npt.NDArray[np.float64] | None:
    """The file's primaries and white [4, 2] where they make sense and aren't Rec. 709's; else None."""
    given = np.array(header.get("chromaticities", REC709), np.float64).reshape(-1)
    if given.size != 8 or not np.isfinite(given).all():
        return None
    corners = given.reshape(4, 2)
    return corners if make_sense(corners) and np.abs(corners - REC709).max() >= 2e-3 else None


def _luma(header: Mapping[str, Any]) -> tuple[float, float, float]:
    """The weights of R, G and B in luminance."""
    corners = _corners(header)
    red, green, blue = (float(share) for share in to_xyz(REC709 if corners is None else corners)[1])
    return red, green, blue


def _as_rec709(rgb: Array, header: Mapping[str, Any]) -> Array:
    """Colours of other primaries as those of Rec. 709, white as white (Bradford), as in Blender."""
    corners = _corners(header)
    if corners is None:
        return rgb
    changed: Array = cv2.transform(rgb, between(corners))
    return changed


def _window(header: Mapping[str, Any], name: str) -> tuple[int, int, int, int]:
    """(left, top, width, height) of a window, whose corners both lie inside."""
    low, high = header[name]
    return int(low[0]), int(low[1]), int(high[0]) - int(low[0]) + 1, int(high[1]) - int(low[1]) + 1


def _in_window(values: Array, header: Mapping[str, Any]) -> Array:
    """Pixels of the data window placed in the display window."""
    data, display = _window(header, "dataWindow"), _window(header, "displayWindow")
    if data == display:
        return values
    shown = np.zeros((display[3], display[2], *values.shape[2:]), np.float32)
    x, y = data[0] - display[0], data[1] - display[1]
    left, top = max(0, x), max(0, y)
    right, bottom = min(display[2], x + data[2]), min(display[3], y + data[3])
    if left < right and top < bottom:
        shown[top:bottom, left:right] = values[top - y : bottom - y, left - x : right - x]
    return shown
