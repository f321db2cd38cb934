"""Movies opened, demuxed and decoded."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError, InvalidDataError

from restrip.media.av.pyav import exact, open_media
from restrip.media.av.tags import first_timecode, tags_of, words
from restrip.media.colour import ColourTags
from restrip.media.files import MediaUnreadable, check_readable
from restrip.media.geometry import Orientation
from restrip.media.pixels import layout_of

# Demuxers that turn text, lists of other files or devices into "video".
NOT_MEDIA = {"tty", "hls", "concat", "ffmetadata", "lavfi", "dash", "sdp", "rtsp"}


@dataclass(frozen=True)
class PacketFacts:
    """One stored picture, in ticks of the stream's clock. `shown` is False for what an edit list hides."""

    pts: int | None
    dts: int | None
    key: bool
    shown: bool
    duration: int


@dataclass(frozen=True)
class StreamFacts:
    """What a movie's first video stream is, and its first picture (stored size, orientation)."""

    codec: str
    size: tuple[int, int]
    pixel_aspect: Fraction
    orientation: Orientation
    tags: ColourTags
    bits: int
    alpha: bool
    rate: Fraction | None
    average_rate: Fraction | None
    clock: Fraction
    duration: int | None
    counted: int
    audio: bool
    timecode: str
    interlaced: bool


@dataclass(frozen=True)
class Decoded:
    """A picture out of the decoder: its time in ticks, the av.VideoFrame, and whether the decoder calls it damaged."""

    pts: int | None
    picture: Any
    damaged: bool


class Movie:
    """A movie open for reading; always at one place, so used by one thread.

    `on_damage(why)` hears of packets that can't be decoded. `decoded` counts the packets given to the decoder.
    Raises MediaMissing, MediaUnreadable.
    """

    def __init__(self, path: str) -> None:
        check_readable(path)
        self.path = path
        self.decoded = 0
        self.on_damage: Callable[[str], None] = lambda why: None
        self._packets: Iterator[Any] = iter(())
        self._stashed: Any = None
        self._container: Any = None
        try:
            self._open()
            self.clock = Fraction(self._stream.time_base)
            self._start: int | None = self._landed()
            self.facts = self._facts()
        except (FFmpegError, UnicodeError) as error:
            self.close()
            raise _unreadable(path, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; harmless when done twice."""
        if self._container is not None:
            self._packets, self._stashed = iter(()), None
            self._container.close()
            self._container = None

    def packets(self) -> Iterator[PacketFacts]:
        """All packets of the stream from its beginning, in stored order, none decoded."""
        self.rewind()
        for packet in self._demuxed():
            if packet.size:
                yield PacketFacts(
                    packet.pts,
                    packet.dts,
                    bool(packet.is_keyframe),
                    not packet.is_discard,
                    packet.duration or 0,
                )

    def rewind(self) -> None:
        """Go to the beginning, by a seek where that leads there (not every format's does), else by opening again."""
        if self._start is not None and self.seek(self._start) == self._start:
            return
        self._container.close()
        self._open()
        self._start = self._landed()

    def seek(self, ticks: int) -> int | None:
        """Go to the last place at or before `ticks` where decoding can begin, as far as the file's index tells.

        Returns the time of the packet there, which may lie elsewhere; None at the end or when there is no index.
        """
        try:
            self._container.seek(ticks, stream=self._stream, backward=True, any_frame=False)
        except FFmpegError:
            return None
        return self._landed()

    def frames(self) -> Iterator[Decoded]:
        """Decode from here on. A packet that can't be decoded is told to `on_damage` and skipped."""
        drained = False
        for packet in self._demuxed():
            self.decoded += bool(packet.size)
            drained = not packet.size
            yield from self._pictures(packet)
        if not drained:  # The file broke off: what the decoder holds back is still whole.
            yield from self._pictures(None)

    def _pictures(self, packet: Any) -> Iterator[Decoded]:
        try:
            if self._decoder is not None:
                pictures = self._decoder.decode(packet if packet is not None and packet.size else None)
            else:
                pictures = self._stream.codec_context.decode(packet)
        except FFmpegError as error:
            # Of which packet is unknown: a decoder with several threads tells it when a later one is handed in.
            self.on_damage(words(error))
            return
        for picture in pictures:
            yield Decoded(picture.pts, picture, bool(picture.is_corrupt))

    def _open(self) -> None:
        self._container = open_media(self.path, buffer_size=1 << 18)
        if not self._container.streams.video or self._container.format.name in NOT_MEDIA:
            raise MediaUnreadable(self.path, "it holds no pictures")
        self._stream = self._container.streams.video[0]
        if self._stream.codec_context is None:
            raise MediaUnreadable(self.path, "there is no decoder for its pictures")
        self._stream.thread_type = "AUTO"
        self._decoder = _alpha_decoder(self._stream)

    def _landed(self) -> int | None:
        if self._decoder is not None:
            self._decoder.flush_buffers()
        self._packets = iter(self._container.demux(self._stream))
        self._stashed = None
        self._stashed = next(self._demuxed(), None)
        return None if self._stashed is None else self._stashed.pts

    def _demuxed(self) -> Iterator[Any]:
        """Packets from here on; the last one is empty and drains the decoder."""
        while True:
            packet, self._stashed = self._stashed, None
            try:
                packet = packet or next(self._packets)
            except StopIteration:
                return
            except FFmpegError as error:
                if isinstance(error, OSError) and error.errno != errno.EINVAL:
                    raise MediaUnreadable(self.path, words(error), "Check the disk or the network share.") from error
                self.on_damage(words(error))
                return
            yield packet

    def _facts(self) -> StreamFacts:
        stream, context = self._stream, self._stream.codec_context
        first = next(self.frames(), None)
        if first is None:
            raise MediaUnreadable(self.path, "not one of its pictures can be decoded")
        picture = first.picture
        layout = layout_of(picture.format)
        return StreamFacts(
            codec=context.name,
            size=(picture.width, picture.height),
            pixel_aspect=_aspect(exact(stream.sample_aspect_ratio) or exact(context.sample_aspect_ratio)),
            orientation=_orientation(picture),
            tags=tags_of(picture),
            bits=layout.bits,
            alpha=layout.alpha,
            rate=exact(stream.guessed_rate),
            average_rate=exact(stream.average_rate),
            clock=self.clock,
            duration=stream.duration,
            counted=stream.frames,
            audio=bool(self._container.streams.audio),
            timecode=self._timecode(),
            interlaced=bool(picture.interlaced_frame),
        )

    def _timecode(self) -> str:
        streams = (stream.metadata for stream in self._container.streams)
        return first_timecode([self._stream.metadata, self._container.metadata, *streams])


def _alpha_decoder(stream: Any) -> Any:
    """VP8 and VP9 keep alpha beside the picture, where FFmpeg's own decoders don't look; None for all others."""
    marks = {key.lower(): value for key, value in stream.metadata.items()}
    if stream.codec_context.name not in ("vp8", "vp9") or marks.get("alpha_mode") != "1":
        return None
    try:
        return av.CodecContext.create("libvpx" if stream.codec_context.name == "vp8" else "libvpx-vp9", "r")
    except (FFmpegError, ValueError):
        return None  # Built without libvpx: the picture without its alpha.


def _unreadable(path: str, error: Exception) -> MediaUnreadable:
    """The error that says what the user can do: a file that ends too soon is the usual reason."""
    if _cut_off(path):
        return MediaUnreadable(path, "it is cut off, and its index with it", "Copy or download it again, whole.")
    if isinstance(error, InvalidDataError):
        return MediaUnreadable(path, "it is no movie, or a damaged one")
    return MediaUnreadable(path, words(error))


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


def _orientation(picture: Any) -> Orientation:
    matrix = picture.side_data.get("DISPLAYMATRIX")
    return Orientation() if matrix is None else Orientation.of_matrix(bytes(matrix))


def _aspect(ratio: Fraction | None) -> Fraction:
    """Pixel aspect; what no camera writes (0, or beyond 1:16) counts as square."""
    if not ratio or not Fraction(1, 16) <= ratio <= 16:
        return Fraction(1)
    return ratio
