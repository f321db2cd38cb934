"""Photoshop documents for tests, by the description of the format: flat ones, with a flattened picture or not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

MODES = {"grey": 1, "rgb": 3, "cmyk": 4, "multichannel": 7, "lab": 9}
DEEP = {8: ">u1", 16: ">u2", 32: ">f4"}


def resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


def write_psd(
    path: Path, values: np.ndarray, mode: str = "rgb", *, profile: bytes = b"", alpha: bool = False, merged: bool = True
) -> None:
    """Values [H, W, channels] of uint8, uint16 or float32 as they are stored; `alpha`: the last one is transparency."""
    height, width, channels = values.shape
    depth = values.dtype.itemsize * 8
    resources = resource(1039, profile) if profile else b""
    resources += resource(1057, struct.pack(">IB", 1, merged) + struct.pack(">II", 0, 0) + struct.pack(">I", 1))
    # A layer count of -1 says that the first plane behind the colours is the picture's transparency.
    layers = b""
    if alpha or not merged:
        rows = np.ascontiguousarray(values.transpose(2, 0, 1)).astype(DEEP[depth])
        ids = [*range(channels - alpha), *([-1] if alpha else [])]
        record = struct.pack(">iiiiH", 0, 0, height, width, channels)
        for n in ids:
            record += struct.pack(">hI", n, 2 + rows[0].nbytes)
        name = b"\x05layer" + bytes(2)
        extra = struct.pack(">II", 0, 0) + name
        record += b"8BIMnorm" + bytes([255, 0, 0, 0]) + struct.pack(">I", len(extra)) + extra
        record += b"".join(b"\0\0" + rows[n].tobytes() for n in range(channels))
        info = struct.pack(">h", -1 if alpha else 1) + record
        info += bytes(len(info) % 2)
        layers = struct.pack(">I", len(info)) + info + struct.pack(">I", 0)
    shown = values if merged else np.full_like(values, 255 if depth == 8 else 1)
    planes = np.ascontiguousarray(shown.transpose(2, 0, 1)).astype(DEEP[depth]).tobytes()
    path.write_bytes(
        b"8BPS"
        + struct.pack(">H6xHIIHH", 1, channels, height, width, depth, MODES[mode])
        + struct.pack(">I", 0)
        + struct.pack(">I", len(resources))
        + resources
        + struct.pack(">I", len(layers))
        + layers
        + struct.pack(">H", 0)
        + planes
    )
