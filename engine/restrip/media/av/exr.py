"""OpenEXR pictures, in linear light."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from restrip.media.av.tags import words
from restrip.media.files import MediaUnreadable
from restrip.media.pixels import layout_of

Array = npt.NDArray[np.float32]


def read_linear(path: str) -> tuple[Array, Array | None]:
    """An OpenEXR picture as it is stored: linear [H, W, 3] float32 and alpha [H, W] or None. Raises MediaUnreadable."""
    context = av.CodecContext.create("exr", "r")
    with open(path, "rb") as file:
        data = file.read()
    try:
        pictures = [*context.decode(av.Packet(data)), *context.decode(None)]
        if not pictures:
            raise MediaUnreadable(path, "it is no OpenEXR picture, or a damaged one")
        layout = layout_of(pictures[0].format)
        planes = [_floats(plane, layout.bits).astype(np.float32) for plane in pictures[0].planes]
    except (FFmpegError, ValueError) as error:
        raise MediaUnreadable(path, words(error)) from error
    if len(planes) < 3:
        return np.stack([planes[0]] * 3, axis=-1), None
    return np.stack([planes[2], planes[0], planes[1]], axis=-1), planes[3] if len(planes) > 3 else None


def write_linear(path: str, rgb: Array, alpha: Array | None) -> None:
    """Write linear [H, W, 3] float32 (and straight alpha [H, W]) as an OpenEXR picture of half floats."""
    context = av.CodecContext.create("exr", "w")
    context.height, context.width = rgb.shape[:2]
    context.pix_fmt = "gbrpf32le" if alpha is None else "gbrapf32le"
    context.time_base = Fraction(1, 25)
    context.options = {"compression": "zip16", "format": "half"}
    picture = av.VideoFrame(context.width, context.height, context.pix_fmt)
    seen = rgb if alpha is None else rgb * alpha[..., None]
    for plane, values in zip(picture.planes, [seen[..., 1], seen[..., 2], seen[..., 0], alpha], strict=False):
        _floats(plane)[:] = values
    packets = [*context.encode(picture), *context.encode(None)]
    with open(path, "wb") as file:
        for packet in packets:
            file.write(bytes(packet))


def _floats(plane: Any, bits: int = 32) -> npt.NDArray[Any]:
    """A plane without its padding: [height, width] of 16 or 32 bit floats (swscale would mix channels up)."""
    values = np.frombuffer(plane, np.dtype("<f2" if bits == 16 else "<f4"))
    stride = plane.line_size // values.itemsize
    return values[: plane.height * stride].reshape(plane.height, stride)[:, : plane.width]
