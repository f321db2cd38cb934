"""Movies encoded and written, one picture after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.codec import codecs_available
from av.codec.hwaccel import HWAccel
from av.error import FFmpegError

from restrip.errors import RestripError
from restrip.media.av.tags import words, write_tags
from restrip.media.colour import ColourTags
from restrip.media.files import OutputUnwritable
from restrip.media.frame import Frame
from restrip.media.movies.encoding import Encoding
from restrip.media.pixels import PLANAR, converted, fill

TIMECODED = ("mp4", "mov", "matroska")
"""Containers that keep a timecode."""


@dataclass(frozen=True)
class Marks:
    """What a movie is told beside its pictures: its first timecode, and which of the encoding's options it takes beside
    the usual ones.
    """

    timecode: str = ""
    fine: bool = False
    quick: bool = False


class HardwareEncoderFailed(RestripError):
    """A device that was to encode and didn't."""

    code = "hardware-encoder"

    def __init__(self, codec: str, reason: str) -> None:
        super().__init__(
            f"The encoder {codec} of this machine's hardware gave up: {reason}.",
            "Encode by the processor: set Encode movies on (encode_on) to CPU.",
            codec=codec,
            reason=reason,
        )


class Sink:
    """An encoder and its file. Frames come in order, one a tick of `rate`, all of one size, depth and alpha.

    Errors of the disk come out as OSError, others as OutputUnwritable, those of a device that encodes as
    HardwareEncoderFailed.
    """

    def __init__(self, path: str, encoding: Encoding, rate: Fraction, tags: ColourTags, marks: Marks = Marks()) -> None:
        self._path = path
        self._encoding = encoding
        self._fine, self._quick = marks.fine, marks.quick
        self._rate = rate
        self._tags = tags
        self._written = 0
        self._stream: Any = None
        with muxing(path):
            self._container = av.open(
                f"file:{path}",
                "w",
                format=encoding.container,
                container_options=container_options(encoding.container, rate),
            )
        if marks.timecode and encoding.container in TIMECODED:
            self._container.metadata["timecode"] = marks.timecode

    def write(self, frame: Frame) -> None:
        """Encode one frame."""
        with muxing(self._path):
            if self._stream is None:
                self._begin(frame)
            picture = self._drawn(frame)
            write_tags(picture, self._tags)
            picture.pts = self._written
            picture.time_base = 1 / self._rate
            self._written += 1
            self._container.mux(self._encoded(picture))

    def _drawn(self, frame: Frame) -> Any:
        """A frame in the encoder's layout; what is interleaved there is written in planes first."""
        layout = self._stream.pix_fmt
        picture = av.VideoFrame(self._stream.width, self._stream.height, PLANAR.get(layout, layout))
        fill(picture, frame, self._tags)
        return converted(picture, layout) if layout in PLANAR else picture

    def _encoded(self, picture: Any) -> list[Any]:
        """Packets of a picture, or with None of what is held back."""
        try:
            return list(self._stream.encode(picture))
        except (FFmpegError, ValueError) as error:
            if not self._encoding.hardware:
                raise
            raise HardwareEncoderFailed(self._encoding.codec, _why(error)) from error

    def close(self, finish: bool = True) -> None:
        """Write what the encoder holds back and the file's end, or (finish=False) just let go of the file."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            with muxing(self._path):
                if finish and self._stream is not None:
                    container.mux(self._encoded(None))
                container.close()
        except (OSError, OutputUnwritable, HardwareEncoderFailed):
            if finish:
                raise

    def _begin(self, frame: Frame) -> None:
        encoding = self._encoding
        stream = self._added()
        stream.width, stream.height = frame.size
        stream.pix_fmt = encoding.layout_for(frame.deep, frame.alpha is not None)
        context = stream.codec_context
        context.time_base = 1 / self._rate
        context.thread_count = 4
        write_tags(context, self._tags)
        if encoding.tag:
            context.codec_tag = encoding.tag
        self._stream = stream

    def _added(self) -> Any:
        encoding = self._encoding
        options = encoding.options_for(self._fine, self._quick)
        if not encoding.hardware:
            return self._container.add_stream(encoding.codec, rate=self._rate, options=options)
        try:
            device = {"hwaccel": HWAccel(encoding.device)} if encoding.device else {}
            return self._container.add_stream(encoding.codec, rate=self._rate, options=options, **device)
        except (FFmpegError, ValueError, RuntimeError) as error:
            raise HardwareEncoderFailed(encoding.codec, _why(error)) from error


def _why(error: Exception) -> str:
    return words(error) if isinstance(error, FFmpegError) else str(error)


def encoders_known() -> frozenset[str]:
    """The codecs that this build of FFmpeg has, whether or not there is a device for them."""
    return frozenset(codecs_available)


def container_options(container: str, rate: Fraction) -> dict[str, str]:
    """Options that make the same pictures the same bytes and keep times exact."""
    options = {"fflags": "+bitexact"}
    if container in ("mp4", "mov"):
        options["movflags"] = "+write_colr"
        options["video_track_timescale"] = str(_timescale(rate))
    return options


def _timescale(rate: Fraction) -> int:
    """Ticks a second in which every frame begins on a whole tick; at least 10000, as players expect."""
    return rate.numerator * -(-10000 // rate.numerator)


@contextmanager
def muxing(path: str) -> Iterator[None]:
    """Errors of FFmpeg while writing: those of the disk as OSError, others as OutputUnwritable."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        if error.errno and error.errno < 1000:
            raise OSError(error.errno, words(error)) from error
        raise OutputUnwritable(path, words(error)) from error
