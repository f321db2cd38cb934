"""Between FFmpeg's pictures (planes with padding, dozens of layouts) and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media import colour
from restrip.media.colour import ColourTags, Plane
from restrip.media.frame import Frame
from restrip.media.movies.decoded_frame import DecodedFrame, YuvPlanes

# Layouts with interleaved chroma, and the planar ones that hold the same values.
PLANAR = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "nv42": "yuv444p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "uyyvyy411": "yuv411p",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "p212le": "yuv422p12le",
    "p216le": "yuv422p16le",
    "p410le": "yuv444p10le",
    "p412le": "yuv444p12le",
    "p416le": "yuv444p16le",
    "y210le": "yuv422p10le",
    "y212le": "yuv422p12le",
    "xv30le": "yuv444p10le",
    "xv36le": "yuv444p12le",
    "v30xle": "yuv444p10le",
    "ayuv": "yuva444p",
    "vuya": "yuva444p",
    "vuyx": "yuv444p",
    "ayuv64le": "yuva444p16le",
}


class UnknownPixels(ValueError):
    """A pixel layout that isn't read."""


@dataclass(frozen=True)
class Layout:
    """What a pixel format keeps: bits a channel, alpha, and whether it holds R'G'B'."""

    name: str
    bits: int
    alpha: bool
    rgb: bool


def layout_of(video_format: Any) -> Layout:
    """The facts of an av.VideoFormat."""
    parts = video_format.components
    return Layout(
        name=video_format.name,
        bits=8 if video_format.has_palette else max(part.bits for part in parts),
        alpha=video_format.has_palette or any(part.is_alpha for part in parts),
        rgb=bool(video_format.is_rgb or video_format.has_palette),
    )


def frame_of(picture: Any, tags: ColourTags, as_decoded: bool = False) -> Frame:
    """An av.VideoFrame as a Frame, still as it is stored (not turned, its own pixel aspect). `tags` are resolved.

    `as_decoded` lets three planes of Y'CbCr be a DecodedFrame. Raises UnknownPixels.
    """
    picture = _planar(picture)
    layout = layout_of(picture.format)
    planes = [_plane(picture, index, layout.bits) for index in range(len(picture.planes))]
    if layout.rgb and picture.format.is_planar:
        rgb: Plane = np.ascontiguousarray(np.stack([planes[2], planes[0], planes[1]], axis=-1))
        return Frame(colour.widen(rgb, layout.bits), _alpha(planes[3:], layout.bits))
    if layout.rgb:
        packed = planes[0].reshape(picture.height, picture.width, -1)
        alpha = packed[..., 3] if layout.alpha else None
        return Frame(np.ascontiguousarray(packed[..., :3]), None if alpha is None else np.ascontiguousarray(alpha))
    if len(planes) == 1 and layout.alpha:  # Grey and alpha side by side.
        pairs = planes[0].reshape(picture.height, picture.width, 2)
        planes = [np.ascontiguousarray(pairs[..., 0]), np.ascontiguousarray(pairs[..., 1])]
    if as_decoded and len(planes) == 3:
        return DecodedFrame(YuvPlanes(planes[0], planes[1], planes[2], layout.bits, tags))
    if len(planes) < 3:
        middle = np.full_like(planes[0], 1 << (layout.bits - 1))
        planes[1:1] = [middle, middle]
    rgb = colour.to_rgb((planes[0], planes[1], planes[2]), layout.bits, tags)
    return Frame(rgb, _alpha(planes[3:], layout.bits))


def fill(picture: Any, frame: Frame, tags: ColourTags) -> None:
    """Write a Frame of the picture's size into an av.VideoFrame: planar Y'CbCr or G'B'R', bgr0 or bgra.

    A missing alpha is written as opaque; an alpha that the layout can't keep is dropped.
    """
    layout = layout_of(picture.format)
    if layout.rgb and not picture.format.is_planar:
        _fill_packed(picture, frame.with_depth(False))
        return
    if layout.rgb:
        rgb = colour.narrow_full(frame.rgb, layout.bits)
        channels: list[Plane] = [rgb[..., 1], rgb[..., 2], rgb[..., 0]]
    else:
        chroma = picture.format.components[1]
        blocks = (_power(picture.width, chroma.width), _power(picture.height, chroma.height))
        channels = list(colour.to_yuv(frame.rgb, layout.bits, blocks, tags))
    if layout.alpha:
        channels.append(_alpha_values(frame, layout.bits))
    for index, values in enumerate(channels):
        rows = _rows(picture, index, layout.bits)
        rows[:, : values.shape[1]] = values


def converted(picture: Any, layout: str, size: tuple[int, int] | None = None) -> Any:
    """An av.VideoFrame in another pixel layout, and at another `size` (width, height), by FFmpeg's swscale.

    On one thread: swscale writes whole blocks of pixels, beyond the end of a row where its width is no multiple of
    them. Row by row the next one covers that; with the picture divided among threads it may come too late, and the
    first pixels of a slice are lost now and then.
    """
    width, height = size or (picture.width, picture.height)
    method = "AREA" if size else None
    return picture.reformat(width=width, height=height, format=layout, interpolation=method, threads=1)


def _planar(picture: Any) -> Any:
    """The same values in a layout that `frame_of` reads; FFmpeg only moves them, no matrix is applied."""
    name = picture.format.name
    if name.endswith("be") and not picture.format.is_rgb:
        return converted(picture, name[:-2] + "le")
    if name in PLANAR:
        return converted(picture, PLANAR[name])
    layout = layout_of(picture.format)
    if layout.rgb and (not picture.format.is_planar or name.endswith("be")) and not name.startswith("gbr"):
        if layout.bits > 8:
            return converted(picture, "rgba64le" if layout.alpha else "rgb48le")
        return converted(picture, "rgba" if layout.alpha else "rgb24")
    if name in ("monob", "monow"):
        return converted(picture, "gray")
    if layout.bits > 16 or not name.startswith(("yuv", "gbr", "gray", "ya")):
        raise UnknownPixels(name)
    return picture


def _plane(picture: Any, index: int, bits: int) -> Plane:
    """One plane without its padding: [height, width], or [height, width * channels] when packed."""
    plane = picture.planes[index]
    channels = 1 if picture.format.is_planar else len(picture.format.components)
    return _rows(picture, index, bits)[:, : plane.width * channels]


def _rows(picture: Any, index: int, bits: int) -> Plane:
    plane = picture.planes[index]
    kind = np.uint8 if bits == 8 else np.dtype("<u2")
    values: Plane = np.frombuffer(plane, kind)
    stride = plane.line_size // values.itemsize
    return values[: plane.height * stride].reshape(plane.height, stride)


def _alpha(planes: list[Plane], bits: int) -> Plane | None:
    return np.ascontiguousarray(colour.widen(planes[0], bits)) if planes else None


def _alpha_values(frame: Frame, bits: int) -> npt.NDArray[Any]:
    if frame.alpha is not None:
        return colour.narrow_full(frame.alpha, bits)
    return np.full(frame.rgb.shape[:2], (1 << bits) - 1, np.uint8 if bits == 8 else np.uint16)


def _fill_packed(picture: Any, frame: Frame) -> None:
    """bgr0 and bgra, 8 bit."""
    rows = _rows(picture, 0, 8)
    height, width = frame.rgb.shape[:2]
    target = rows[:, : width * 4].reshape(height, width, 4)
    target[..., :3] = frame.rgb[..., ::-1]
    target[..., 3] = 255 if frame.alpha is None else frame.alpha


def _power(whole: int, part: int) -> int:
    return 1 << max(0, (whole // max(1, part)).bit_length() - 1)
