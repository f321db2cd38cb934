"""Movies opened, demuxed and decoded.

Packets are numbered as they are stored, and each is given to the decoder with its number in the place of its time. So
each picture says which packet it came from, whatever the file's times are worth.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.error import FFmpegError
from av.video.frame import PictureType

from restrip.codec import as_row
from restrip.media.av.pyav import open_media
from restrip.media.av.streams import StreamFacts, alpha_decoder, check_colours, chosen, facts_of, movie_streams
from restrip.media.av.tags import words
from restrip.media.av.unreadable import nothing_decoded, unreadable
from restrip.media.files import MediaUnreadable, check_readable

# Formats without an index of their own, where FFmpeg finds a time by trying: it finds a byte at once, and rightly.
SOUGHT_BY_PLACE = {"mpegts", "mpeg"}

# Packets that can't be read, one after the other, before a file is taken to be at its end.
TROUBLES = 32
# Codecs with pictures that are only for reference, which their packets tell: RFC 6386, section 9.1, the fifth bit.
HIDES = ("vp8",)


@as_row
@dataclass(frozen=True)
class PacketFacts:
    """One packet; times are ticks of the stream's clock. `shown` is False for what an edit list or the codec hides.

    `place` and `size` are bytes in the file; several packets may share a place.
    """

    pts: int | None
    dts: int | None
    key: bool
    shown: bool
    duration: int
    place: int | None = None
    size: int = 0


@dataclass(frozen=True)
class Decoded:
    """A picture out of the decoder: its packet's number, the av.VideoFrame, and what the decoder says of it.

    `key` is whether decoding may begin with it, `intra` whether it at least leans on no other, `damaged` what it says.
    """

    packet: int
    picture: Any
    key: bool
    intra: bool
    damaged: bool


class Movie:
    """A movie open for reading; always at one place, so used by one thread.

    `stream` is which of several video streams is read, counted from 1; 0 is the one that players choose.
    `on_damage(why)` hears of packets that can't be decoded. `decoded` counts the packets given to the decoder.
    Raises MediaMissing, MediaUnreadable.
    """

    def __init__(self, path: str, stream: int = 0) -> None:
        check_readable(path)
        self.path = path
        self.decoded = 0
        self.on_damage: Callable[[str], None] = lambda why: None
        self._wanted = stream
        self._threads = "AUTO"
        self._packets: Iterator[Any] = iter(())
        self._stashed: Any = None
        self._number = 0
        self._keys: Mapping[int, PacketFacts] = {}
        self._landings: dict[tuple[int | None, ...], int] = {}
        self._container: Any = None
        self._trouble: FFmpegError | None = None
        try:
            self._open()
            self.clock = Fraction(self._stream.time_base)
            self._start = self._began()
            self.facts = self._facts()
        except (FFmpegError, UnicodeError) as error:
            self.close()
            raise unreadable(path, error) from error
        except BaseException:
            self.close()
            raise

    @property
    def format(self) -> str:
        """The container's name in FFmpeg's words."""
        return str(self._container.format.name)

    def close(self) -> None:
        """Let go of the file; harmless when done twice."""
        if self._container is not None:
            self._packets, self._stashed = iter(()), None
            self._container.close()
            self._container = None

    def packets(self) -> Iterator[PacketFacts]:
        """All packets of the stream from its beginning, in stored order, none decoded."""
        self.rewind()
        hides = self._stream.codec_context.name in HIDES
        for packet in self._demuxed():
            if not _drains(packet):
                hidden = not packet.size or packet.is_discard or (hides and not memoryview(packet)[0] & 0x10)
                yield _facts_of(packet, shown=not hidden)

    def know(self, keys: Mapping[int, PacketFacts]) -> None:
        """Learn the packets where decoding can begin, by their numbers: seeks go to them and are recognized by them."""
        self._keys = keys
        self._landings = {}
        ambiguous = set()
        for number, key in keys.items():
            for mark in _marks(key):
                if self._landings.setdefault(mark, number) != number:
                    ambiguous.add(mark)
        for mark in ambiguous:
            del self._landings[mark]

    def rewind(self) -> None:
        """Go to the beginning, by a seek where that leads there (not every format's does), else by opening again."""
        by_place = self.format in SOUGHT_BY_PLACE
        start = None if self._start is None else 0 if by_place else self._start.pts
        if start is not None and self._sought(start, by_place) and self._began() == self._start:
            return
        self._container.close()
        self._open()
        self._start = self._began()

    def steady(self) -> None:
        """Decode one picture after the other from now on, starting from the beginning.

        Several at once are quicker, but then a packet that can't be decoded takes others' pictures with it.
        """
        if self._threads != "SLICE":
            self._threads = "SLICE"
            self._container.close()
            self._open()
            self._start = self._began()

    def seek(self, number: int) -> int | None:
        """Go to the key packet `number`, or to one before it, as far as the file's own index leads.

        Returns the number of the packet where decoding begins now; None, and at no place, when the way wasn't found.
        """
        key = self._keys[number]
        by_place = self.format in SOUGHT_BY_PLACE and key.place is not None
        for ticks in [key.place] if by_place else [key.pts, key.dts] if key.pts != key.dts else [key.pts]:
            if ticks is not None and self._sought(ticks, by_place, unmarked=not key.key):
                landed = self._recognized(key, by_place)
                if landed is not None and landed <= number:
                    return landed
        return None

    def _recognized(self, key: PacketFacts, by_place: bool) -> int | None:
        """Skip packets up to one that is known; its number."""
        for packet in self._demuxed():
            if not packet.size:
                continue
            facts = _facts_of(packet, shown=True)
            if by_place and facts.place is None and facts.key and facts.size == key.size:
                facts = key  # At its place stands the end of the packet before, and that has taken the place.
            number = next((self._landings[mark] for mark in _marks(facts) if mark in self._landings), None)
            if number is not None:
                self._stashed, self._number = packet, number
                return number
        return None

    def frames(self) -> Iterator[Decoded]:
        """Decode from here on. A packet that can't be decoded is told to `on_damage` and skipped."""
        drained = False
        latest = self._number - 1
        for packet in self._demuxed():
            drained = _drains(packet)
            if not drained:
                self._number += 1
                if not packet.size:
                    continue
                self.decoded += 1
                packet.pts = self._number - 1
            for picture in self._pictures(packet):
                latest = latest + 1 if picture.pts is None else picture.pts
                yield _decoded(latest, picture)
        if not drained:  # The file broke off: what the decoder holds back is still whole.
            for picture in self._pictures(None):
                latest = latest + 1 if picture.pts is None else picture.pts
                yield _decoded(latest, picture)

    def _pictures(self, packet: Any) -> Iterator[Any]:
        try:
            if self._decoder is not None:
                yield from self._decoder.decode(packet if packet is not None and packet.size else None)
            else:
                yield from self._stream.codec_context.decode(packet)
        except FFmpegError as error:
            # Of which packet is unknown: a decoder with several threads tells it when a later one is handed in.
            self._trouble = error
            self.on_damage(words(error))

    def _open(self) -> None:
        self._container = open_media(self.path, buffer_size=1 << 18)
        streams = movie_streams(self._container, self.path)
        self._stream = streams[chosen(streams, self._wanted, self.path)]
        self._stream.thread_type = self._threads
        self._decoder = alpha_decoder(self._stream)

    def _sought(self, ticks: int, by_place: bool = False, unmarked: bool = False) -> bool:
        try:
            self._container.seek(
                ticks, stream=self._stream, backward=True, any_frame=unmarked, unsupported_byte_offset=by_place
            )
        except FFmpegError:
            return False
        if self._decoder is not None:
            self._decoder.flush_buffers()
        self._packets, self._stashed = iter(self._container.demux(self._stream)), None
        return True

    def _began(self) -> PacketFacts | None:
        """The packet at this place, which is taken for the first of all."""
        self._packets, self._stashed = iter(self._container.demux(self._stream)), None
        self._stashed, self._number = next(self._demuxed(), None), 0
        return None if self._stashed is None else _facts_of(self._stashed, shown=True)

    def _demuxed(self) -> Iterator[Any]:
        """Packets from here on; the last one is empty and drains the decoder."""
        troubles = 0
        while troubles < TROUBLES:
            packet, self._stashed = self._stashed, None
            try:
                packet = next(self._packets) if packet is None else packet
            except StopIteration:
                return
            except FFmpegError as error:
                if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EAGAIN):
                    raise MediaUnreadable(self.path, words(error), "Check the disk or the network share.") from error
                if error.errno != errno.EAGAIN:
                    self.on_damage(words(error))
                troubles += 1
                self._packets = iter(self._container.demux(self._stream))  # What can't be read is skipped.
                continue
            troubles = 0
            yield packet

    def _facts(self) -> StreamFacts:
        first = next(self.frames(), None)
        if first is None:
            raise nothing_decoded(self.path, self._stream.codec_context.codec, self._trouble if self.decoded else None)
        check_colours(self.path, self._container, self._stream, first.picture)
        streams = movie_streams(self._container, self.path)
        return facts_of(self._container, streams, chosen(streams, self._wanted, self.path), first.picture)


def _drains(packet: Any) -> bool:
    """Whether this is the end. An empty packet that has a time is a dropped picture (AVI), and drains nothing."""
    return not packet.size and packet.pts is None and packet.dts is None


def _decoded(packet: int, picture: Any) -> Decoded:
    key = bool(picture.key_frame)
    return Decoded(packet, picture, key, key or picture.pict_type == PictureType.I, bool(picture.is_corrupt))


def _facts_of(packet: Any, shown: bool) -> PacketFacts:
    return PacketFacts(
        packet.pts, packet.dts, bool(packet.is_keyframe), shown, packet.duration or 0, packet.pos, packet.size
    )


def _marks(packet: PacketFacts) -> Iterator[tuple[int | None, ...]]:
    """What a packet is recognized by after a seek: its place if no other has it, else its times too.

    Times alone may be others than before: they are guessed from what came before, and joined files have them twice.
    """
    if packet.place is not None and packet.place >= 0:
        yield packet.place, packet.size
    yield packet.place, packet.size, packet.pts, packet.dts
