"""Why a movie can't be opened, as far as its bytes tell."""

from __future__ import annotations

import os
from typing import Any

from av.error import ExperimentalError, FFmpegError, InvalidDataError, PatchWelcomeError
from av.error import NotImplementedError as NotByFFmpeg

from restrip.media.av.pyav import ffmpeg
from restrip.media.av.tags import words
from restrip.media.files import DecoderMissing, MediaUnreadable

BEYOND = (ExperimentalError, PatchWelcomeError, NotByFFmpeg)
"""What decoders answer to a kind of picture that they don't know."""

# Decoders that take all that cameras and editors write: where none of these pictures can be decoded, the file is
# damaged. Others know a part of their codec (VVC, ProRes RAW) or need hardware (FFmpeg's own for AV1).
COMPLETE = {
    *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "h263", "msmpeg4v2", "msmpeg4v3", "wmv3", "vc1", "vp8"),
    *("vp9", "libvpx", "libvpx-vp9", "libdav1d", "theora", "prores", "dnxhd", "cfhd", "dvvideo", "mjpeg", "jpeg2000"),
    *("ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "qtrle", "rawvideo", "v210", "png", "tiff", "gif", "webp"),
}


def unreadable(path: str, error: Exception) -> MediaUnreadable:
    """The error that says what the user can do: a file that ends too soon is the usual reason."""
    if _cut_off(path):
        return MediaUnreadable(path, "it is cut off, and its index with it", "Copy or download it again, whole.")
    if isinstance(error, InvalidDataError):
        return MediaUnreadable(path, "it is no movie, or a damaged one")
    return MediaUnreadable(path, words(error))


def nothing_decoded(path: str, codec: Any, trouble: FFmpegError | None) -> MediaUnreadable:
    """The error of a movie of which no packet gave a picture.

    `codec` is the av codec that tried, `trouble` what it said last; it may say nothing.
    """
    if isinstance(trouble, BEYOND) or codec.name not in COMPLETE:
        return DecoderMissing(path, ffmpeg(), codec.long_name or codec.name)
    return MediaUnreadable(path, "not one of its pictures can be decoded")


def _cut_off(path: str) -> bool:
    """Whether an MP4 or MOV ends inside one of its boxes or has no index (ISO 14496-12, section 4.2)."""
    size = os.path.getsize(path)
    kinds: set[bytes] = set()
    with open(path, "rb") as file:
        place = 0
        while place + 8 <= size and len(kinds) < 64:
            file.seek(place)
            length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
            if not kinds and kind not in (b"ftyp", b"wide", b"mdat", b"moov", b"free", b"skip"):
                return False
            kinds.add(kind)
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                break
            place += length
    return b"mdat" in kinds and (place > size or b"moov" not in kinds)
