"""What differs between the versions of PyAV from 18 on: files opened for reading, and rational numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

# PyAV 19 takes no errors= for metadata any more: bytes that are not UTF-8 become lone surrogates, and are no error.
_LENIENT: dict[str, Any] = {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_media(path: str, **options: Any) -> Any:
    """The av.container.InputContainer of the file at `path`; metadata in any encoding is no error.

    `path` is always taken for a file, never for a protocol of FFmpeg's. `options` are `av.open`'s. Raises FFmpegError.
    """
    return av.open(f"file:{path}", **_LENIENT, **options)


def ffmpeg() -> str:
    """Which decoders are here, in words."""
    version = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return f"libavcodec {version} of PyAV {av.__version__}"


def exact(ratio: Any) -> Fraction | None:
    """A rate, clock or aspect of PyAV's as a fraction; None where the file doesn't say.

    PyAV 18 gives a Fraction or None, PyAV 19 a number of its own, whose arithmetic rounds and which may be x/0.
    """
    return Fraction(ratio.numerator, ratio.denominator) if ratio else None
