"""Single pictures: PNG, TIFF, JPEG, HEIC, AVIF, OpenEXR and others, read and written."""

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
from restrip.media.av.exr import write_linear
from restrip.media.files import OutputUnwritable, check_readable, open_regular, written
from restrip.media.frame import Frame
from restrip.media.geometry import resampled
from restrip.media.pictures import photoshop
from restrip.media.pictures.exr import exr_header, read_linear
from restrip.media.pictures.layered import ENDINGS, layered_header, read_layered
from restrip.media.pictures.photo import PhotoHeader, photo_header, read_photo
from restrip.media.pictures.photoshop import PhotoshopHeader, photoshop_header, read_photoshop

EXR_MAGIC = b"\x76\x2f\x31\x01"


@dataclass(frozen=True)
class PictureFacts:
    """What a picture's file holds."""

    size: tuple[int, int]
    bits: int
    alpha: bool
    codec: str
    notes: tuple[str, ...] = ()


def read_picture(path: str | os.PathLike[str]) -> Frame:
    """A picture from a file: R'G'B', alpha kept, 8 bit or (deeper files) 16 bit; upright by its EXIF.

    Of a file that moves, or holds several pictures, it is the first.

    Raises MediaMissing, MediaUnreadable.
    """
    name = os.fspath(path)
    check_readable(name)
    kind = kind_of(name)
    if kind == "exr":
        return _coded(read_linear(name))
    if kind == "psd":
        return read_photoshop(name)
    if kind == "layered":
        return read_layered(name)
    if kind == "still":
        return still.read_still(name)
    return read_photo(name)


def kind_of(path: str) -> str:
    """By whom a picture is read: "exr", "psd", "layered", "still" (FFmpeg) or "photo" (Pillow).

    What is in a file counts, not its name, where the two differ. Raises OSError, MediaUnreadable.
    """
    with open_regular(path) as file:
        start = file.read(8)
    low = path.lower()
    if start[:4] == EXR_MAGIC:
        return "exr"
    if start[:4] == photoshop.MAGIC:
        return "psd"
    if low.endswith(ENDINGS):
        return "layered" if start[:2] == b"PK" else "photo"
    if low.endswith(still.ENDINGS):
        return "still" if start[:4] in (b"SDPX", b"XPDS") or start[:1] == b"P" else "photo"
    if low.endswith(".exr") and not _is_other(start):
        return "exr"
    return "psd" if low.endswith(photoshop.ENDINGS) and not _is_other(start) else "photo"


def _is_other(start: bytes) -> bool:
    """Whether a file is surely of another kind than its name says."""
    return start.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"RIFF", b"BM", b"GIF8"))


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


def as_png(frame: Frame) -> bytes:
    """A frame as a PNG file, 8 or 16 bit as it is, with its alpha: equal frames give equal bytes."""
    return _encoded(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 4])


def picture_facts(path: str) -> PictureFacts:
    """The facts of a picture's file, mostly without decoding it. Raises MediaMissing, MediaUnreadable."""
    check_readable(path)
    name, kind = Path(path).suffix.lower().lstrip("."), kind_of(path)
    if kind == "exr":
        exr = exr_header(path)
        return PictureFacts(exr.size, 16, exr.alpha, name, exr.notes)
    if kind == "still":
        frame = still.read_still(path)
        return PictureFacts(frame.size, 16 if frame.deep else 8, frame.alpha is not None, name)
    read: Callable[[str], PhotoHeader | PhotoshopHeader] = photo_header
    if kind in ("psd", "layered"):
        read = photoshop_header if kind == "psd" else layered_header
    header = read(path)
    return PictureFacts(header.size, header.bits, header.alpha, name, header.notes)


def fit_picture(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at another size (width, height), stretched to fill it; the frame itself when it has that size."""
    return resampled(frame, size)


def _channels(frame: Frame) -> npt.NDArray[Any]:
    """[H, W, 3 or 4] in OpenCV's order."""
    bgr = frame.rgb[..., ::-1]
    return np.ascontiguousarray(bgr if frame.alpha is None else np.dstack([bgr, frame.alpha]))


def _write_png(path: Path, frame: Frame) -> None:
    path.write_bytes(as_png(frame))


def _write_tiff(path: Path, frame: Frame) -> None:
    path.write_bytes(_encoded(".tiff", frame, []))


def _encoded(kind: str, frame: Frame, options: list[int]) -> bytes:
    done, raw = cv2.imencode(kind, _channels(frame), options)
    assert done, f"a frame {frame.rgb.shape} can't be encoded as {kind}"
    return raw.tobytes()


def _write_exr(path: Path, frame: Frame) -> None:
    white = np.float32(frame.white)
    coded = frame.rgb.astype(np.float32) / white
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    alpha = None if frame.alpha is None else frame.alpha.astype(np.float32) / white
    write_linear(str(path), linear.astype(np.float32), alpha)


def straight(light: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
    """Colours [H, W, 3] that were multiplied with alpha, alpha [H, W] divided out."""
    if alpha is None:
        return light
    return np.where(alpha[..., None] > 0, light / np.maximum(alpha, 1e-6)[..., None], light)


def _coded(linear: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]) -> Frame:
    """Linear light as R'G'B' through the sRGB curve (IEC 61966-2-1), 16 bit; premultiplied colour is divided."""
    rgb, alpha = straight(*linear), linear[1]
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
