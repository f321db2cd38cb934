"""The times of an animated AVIF's pictures, by demuxing."""

from __future__ import annotations

from fractions import Fraction

from av.error import FFmpegError

from restrip.media.av.pyav import exact, open_media
from restrip.media.av.tags import words
from restrip.media.files import MediaUnreadable


def durations_of(path: str) -> list[Fraction]:
    """Seconds that each picture is shown, in order: of the video stream with the most pictures. Raises MediaUnreadable.

    An AVIF holds a still picture as a stream too, and transparency as another.
    """
    try:
        with open_media(path) as container:
            stream = max(container.streams.video, key=lambda one: one.frames)
            clock = exact(stream.time_base) or Fraction(1)
            packets = [packet for packet in container.demux(stream) if packet.size]
            return [Fraction(packet.duration or 0) * clock for packet in packets]
    except (FFmpegError, ValueError) as error:
        raise MediaUnreadable(path, words(error)) from error
