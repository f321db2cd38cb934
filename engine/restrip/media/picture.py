"""Single pictures: PNG, TIFF, JPEG, OpenEXR and others, read and written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.av import still
from restrip.media.av.exr import read_linear, write_linear
from restrip.media.files import MediaUnreadable, OutputUnwritable, check_readable, written
from restrip.media.frame import Frame
from restrip.media.geometry import resampled

LINEAR_NOTE = (
    "OpenEXR holds linear light: it is read through the sRGB curve, and what is brighter than white is clipped."
)


@dataclass(frozen=True)
class PictureFacts:
    """What a picture's file holds."""

    size: tuple[int, int]
    bits: int
    alpha: bool
    codec: str
    notes: tuple[str, ...] = ()


def read_picture(path: str | os.PathLike[str]) -> Frame:
    """A picture from a file: R'G'B', alpha kept, 8 bit or (deeper files) 16 bit; photographs upright by their EXIF.

    Raises MediaMissing, MediaUnreadable.
    """
    name = os.fspath(path)
    check_readable(name)
    if name.lower().endswith(".exr"):
        return _coded(read_linear(name))
    if name.lower().endswith(still.ENDINGS):
        return still.read_still(name)
    return _frame_of(_decoded(name), name)


def write_picture(path: str | os.PathLike[str], frame: Frame) -> None:
    """Write a PNG, TIFF or OpenEXR file by the name's ending, 8 or 16 bit as the frame (OpenEXR: half floats, linear).

    The file appears whole or not at all, and is on the disk when this returns. Raises OutputUnwritable, DiskFull.
    """
    target = Path(path)
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise OutputUnwritable(str(target), f"pictures end in {', '.join(sorted(WRITERS))}")
    with written(target) as aside:
        write(aside, frame)


def picture_facts(path: str) -> PictureFacts:
    """The facts of a picture's file. Raises MediaMissing, MediaUnreadable."""
    frame = read_picture(path)
    kind = Path(path).suffix.lower().lstrip(".")
    notes = (LINEAR_NOTE,) if kind == "exr" else ()
    return PictureFacts(frame.size, 16 if frame.deep else 8, frame.alpha is not None, kind, notes)


def fit_picture(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at another size (width, height), stretched to fill it; the frame itself when it has that size."""
    return resampled(frame, size)


def _decoded(name: str) -> npt.NDArray[Any]:
    raw = np.fromfile(name, np.uint8)  # imread can't open every name on Windows.
    photograph = raw[:2].tobytes() == b"\xff\xd8"
    try:
        picture: npt.NDArray[Any] | None = cv2.imdecode(raw, cv2.IMREAD_COLOR if photograph else cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MediaUnreadable(name, "the picture is too large or damaged") from error
    if picture is None:
        raise MediaUnreadable(name, "it is no picture, or a damaged one")
    return picture


def _frame_of(picture: npt.NDArray[Any], name: str) -> Frame:
    if picture.dtype in (np.float32, np.float64):
        picture = np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 65535).astype(np.uint16)
    if picture.dtype not in (np.uint8, np.uint16):
        raise MediaUnreadable(name, f"its values are {picture.dtype}", "Save it with 8 or 16 bit a channel.")
    if picture.ndim == 2:
        picture = picture[..., None]
    channels = picture.shape[2]
    if channels not in (1, 2, 3, 4):
        raise MediaUnreadable(name, f"it has {channels} channels", "Save it as RGB or RGBA.")
    grey = channels < 3
    rgb = np.repeat(picture[..., :1], 3, axis=2) if grey else picture[..., 2::-1]
    alpha = picture[..., -1] if channels in (2, 4) else None
    return Frame(np.ascontiguousarray(rgb), None if alpha is None else np.ascontiguousarray(alpha))


def _channels(frame: Frame) -> npt.NDArray[Any]:
    """[H, W, 3 or 4] in OpenCV's order."""
    bgr = frame.rgb[..., ::-1]
    return np.ascontiguousarray(bgr if frame.alpha is None else np.dstack([bgr, frame.alpha]))


def _write_png(path: Path, frame: Frame) -> None:
    _write_encoded(path, ".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 4])


def _write_tiff(path: Path, frame: Frame) -> None:
    _write_encoded(path, ".tiff", frame, [])


def _write_encoded(path: Path, kind: str, frame: Frame, options: list[int]) -> None:
    done, raw = cv2.imencode(kind, _channels(frame), options)
    if not done:
        raise OutputUnwritable(str(path), f"the picture can't be encoded as {kind}")
    path.write_bytes(raw.tobytes())


def _write_exr(path: Path, frame: Frame) -> None:
    top = 65535.0 if frame.deep else 255.0
    coded = frame.rgb.astype(np.float32) / np.float32(top)
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    alpha = None if frame.alpha is None else frame.alpha.astype(np.float32) / np.float32(top)
    write_linear(str(path), linear.astype(np.float32), alpha)


def _coded(linear: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]) -> Frame:
    """Linear light as R'G'B' through the sRGB curve (IEC 61966-2-1), 16 bit; premultiplied colour is divided."""
    rgb, alpha = linear
    if alpha is not None:
        rgb = np.where(alpha[..., None] > 0, rgb / np.maximum(alpha, 1e-6)[..., None], rgb)
    rgb = np.clip(np.nan_to_num(rgb, posinf=1.0), 0, 1)
    coded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * np.maximum(rgb, 1e-9) ** (1 / 2.4) - 0.055)
    deep = np.rint(coded * 65535).astype(np.uint16)
    opacity = None if alpha is None else np.rint(np.clip(np.nan_to_num(alpha), 0, 1) * 65535).astype(np.uint16)
    return Frame(np.ascontiguousarray(deep), opacity)


WRITERS: dict[str, Callable[[Path, Frame], None]] = {
    ".png": _write_png,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
    ".exr": _write_exr,
}
