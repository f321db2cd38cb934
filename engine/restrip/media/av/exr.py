"""Writing OpenEXR pictures, in linear light."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


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


def _floats(plane: Any) -> npt.NDArray[Any]:
    """A plane without its padding: [height, width] of floats (swscale would mix channels up)."""
    values = np.frombuffer(plane, np.dtype("<f4"))
    stride = plane.line_size // values.itemsize
    return values[: plane.height * stride].reshape(plane.height, stride)[:, : plane.width]
