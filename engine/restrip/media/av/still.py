"""Pictures that FFmpeg reads by value and others don't: DPX, PPM, PGM, and PNG or JPEG 2000 of more than 8 bit."""

from __future__ import annotations

import numpy as np
from av.error import FFmpegError

from restrip.media.av.pyav import open_media
from restrip.media.av.tags import tags_of, words
from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.pixels import UnknownPixels, frame_of

ENDINGS = (".dpx", ".ppm", ".pgm")


def read_still(path: str) -> Frame:
    """The picture in a file, as it is stored; the largest value that it names is white. Raises MediaUnreadable."""
    try:
        # The name is a name, whatever percent signs it holds.
        with open_media(path, format="image2", options={"pattern_type": "none"}) as container:
            picture = next(container.decode(video=0), None)
    except (FFmpegError, ValueError) as error:
        raise MediaUnreadable(path, words(error)) from error
    if picture is None:
        raise MediaUnreadable(path, "it is no picture, or a damaged one")
    try:
        return frame_of(picture, tags_of(picture).resolved((picture.width, picture.height)))
    except UnknownPixels as error:
        raise MediaUnreadable(path, f"its pixel layout {error} is unknown") from error
    except FFmpegError as error:
        raise MediaUnreadable(path, words(error)) from error


def read_avif(path: str, size: tuple[int, int]) -> Frame | None:
    """The picture of a still AVIF with all its bits, as it is stored; None where it isn't one whole item of `size`.

    The second stream, where there is one, is the picture's transparency. Raises MediaUnreadable.
    """
    try:
        pictures = []
        for number in (0, 1):
            with open_media(path) as container:
                if not 0 < len(container.streams.video) <= 2:
                    return None  # Tiles of one picture.
                if number < len(container.streams.video):
                    pictures.append(next(container.decode(video=number)))
        if any((picture.width, picture.height) != size for picture in pictures):
            return None
        frame, *clear = (frame_of(picture, tags_of(picture).resolved(size)) for picture in pictures)
        alpha = np.ascontiguousarray(clear[0].with_depth(frame.deep).rgb[..., 0]) if clear else None
        return Frame(frame.rgb, alpha)
    except (FFmpegError, ValueError, StopIteration) as error:
        raise MediaUnreadable(path, words(error)) from error
