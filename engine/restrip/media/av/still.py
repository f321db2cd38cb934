"""Pictures that FFmpeg reads by value and others don't: DPX, PPM, PGM, and PNG or JPEG 2000 of more than 8 bit."""

from __future__ import annotations

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
