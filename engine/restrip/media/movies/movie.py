"""The pictures of a movie by number, in any order, with bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from restrip.errors import BadInput
from restrip.media.av.demux import Movie
from restrip.media.colour import ColourTags
from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.geometry import resampled, shown, shown_size
from restrip.media.movies.index_tables import first_from, index_of, remade
from restrip.media.movies.picture_index import FrameIndex
from restrip.media.pixels import UnknownPixels, converted, frame_of

BLOCK_BYTES = 256 << 20
TRIES = 5
"""Places to begin that are tried before decoding from the very beginning."""


class MediaDamaged(BadInput):
    """A picture that can't be decoded, where damage was to be refused."""

    code = "media-damaged"

    def __init__(self, path: str, picture: int | None, why: str) -> None:
        place = "" if picture is None else f" at picture {picture}"
        super().__init__(
            f"{path} is damaged{place}: {why}.",
            "Copy it again, or allow damaged pictures to be concealed.",
            path=path,
            picture=picture,
        )


class TableRemade(Exception):
    """The table of pictures was wrong and is another now: picture numbers that were taken from it are void."""


class MovieFrames:
    """Pictures of a movie by number (0 is the first shown one), decoded as few times as the memory allows.

        stored   K . . . . . K . . . . . K        asked for: 9
                             ^ > > >              begin at the key before, keep what comes by

    Decoded pictures are kept, oldest first out: up to a quarter of `block_bytes` on the way forward, all of it after a
    step back, so that going backwards decodes a group once as long as it fits. Pictures that can't be decoded are
    concealed by the nearest one before and named in `notes`; `strict` refuses them (MediaDamaged). `as_decoded` lets
    frames that are shown as they are stored be DecodedFrames.

    What the decoder gives is compared with the table of pictures at each place. Where it contradicts a table made of
    packets, `index` is made again and the call raises TableRemade: ask again, with the number that is right now.
    """

    def __init__(
        self,
        path: str,
        *,
        strict: bool = False,
        block_bytes: int = BLOCK_BYTES,
        untagged: str = "",
        stream: int = 0,
        as_decoded: bool = False,
        ours: bool = False,
    ) -> None:
        self._movie = Movie(path, stream)
        self._as_decoded = as_decoded
        self._strict = strict
        self._most = block_bytes
        self._room = block_bytes // 4
        self._asked = -1
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._used = 0
        self._frames: Any = None
        self._next = -1
        self._expected = 0
        self._door = 0
        self._hurt = False
        self._unsound: set[int] = set()
        self._missing: set[int] = set()
        self._stand_ins: dict[int, int] = {}
        self._damage: OrderedDict[int | None, str] = OrderedDict()
        early: list[str] = []
        self._movie.on_damage = early.append
        try:
            self.facts = self._movie.facts
            self.index: FrameIndex = index_of(self._movie, believed=ours)
            for why in early:
                self._heard(None, why)
            self._movie.on_damage = self._heard_of_packet
        except BaseException:
            self.close()
            raise
        self.size = shown_size(self.facts.size, self.facts.pixel_aspect, self.facts.orientation)
        self.tags: ColourTags = self.facts.tags.resolved(self.facts.size, untagged)

    @property
    def decoded(self) -> int:
        """Packets given to the decoder so far."""
        return self._movie.decoded

    @property
    def kept_bytes(self) -> int:
        """Memory that decoded pictures take."""
        return self._used

    @property
    def damaged(self) -> set[int]:
        """The numbers of the pictures that were damaged or missing so far."""
        return {number for number in self._damage if number is not None} | set(self._stand_ins)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each kind of damage met so far."""
        numbers = sorted(number for number in self._damage if number is not None)
        if not self._damage:
            return ()
        if not numbers:
            return (f"The file is damaged: {next(iter(self._damage.values()))}.",)
        listed = ", ".join(map(str, numbers[:12])) + (f" and {len(numbers) - 12} more" if len(numbers) > 12 else "")
        last = self.index.group_end(numbers[-1])
        return (
            f"Damaged in the source and concealed: picture {listed} (counted from its beginning); "
            f"traces may be seen up to picture {last - 1}.",
        )

    def frame(self, number: int) -> Frame:
        """Picture `number`, upright and with square pixels. Raises MediaUnreadable, MediaDamaged."""
        picture = self._picture(number)
        try:
            stored = frame_of(picture, self.tags, self._as_decoded)
        except UnknownPixels as error:
            raise MediaUnreadable(self._movie.path, f"its pixel layout {error} is unknown") from error
        if stored.size != self.facts.size:
            stored = resampled(stored, self.facts.size)
        return shown(stored, self.facts.pixel_aspect, self.facts.orientation)

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        """A small picture (not turned, 8 bit), quickly: for comparing pictures of one movie with each other."""
        return frame_of(converted(self._picture(number), "rgb24", size), self.tags)

    def close(self) -> None:
        """Let go of the file and the pictures."""
        self._movie.close()
        self._kept.clear()

    def _picture(self, number: int) -> Any:
        number = self._stand_ins.get(number, number)
        found = self._fetched(number)
        self._asked = number
        if found:
            return self._kept[number]
        stand_in = next((other for other in self._others(number) if self._fetched(other)), None)
        if stand_in is None:
            raise MediaUnreadable(self._movie.path, "its pictures can't be decoded")
        self._stand_ins[number] = stand_in
        return self._kept[stand_in]

    def _fetched(self, number: int) -> bool:
        """Decode picture `number` into the kept ones; False when it doesn't come out."""
        if number in self._kept:
            return True
        if self._on_the_way(number):
            self._decode_to(number)
        if number not in self._kept:
            self._go_to(number)
        if number not in self._kept:
            self._missing.add(number)
            self._heard(number, "a picture is missing")
        return number in self._kept

    def _others(self, number: int) -> Iterator[int]:
        """Pictures to show in the place of a missing one: the nearest before it, then the nearest after it."""
        for other in (*range(number - 1, -1, -1), *range(number + 1, len(self.index.times))):
            if other not in self._missing:
                yield other

    def _entry(self, number: int) -> int:
        """The packet from which picture `number` is decoded, as far as is known."""
        entry = self.index.entries[number]
        while entry in self._unsound:
            entry = max((key for key in self.index.keys if key < entry), default=0)
        return entry

    def _on_the_way(self, number: int) -> bool:
        """Whether decoding on from here gets there without passing a better place to begin."""
        if self._frames is None or number < self._next:
            return False
        return self._entry(max(0, self._next - 1)) >= self._entry(number) or number - self._next < 2

    def _go_to(self, number: int) -> None:
        """Decode from the nearest place from which picture `number` comes out whole.

        Key flags lie now and then. A place that brings no picture of its own, or not the wanted one though nothing is
        damaged, is left out from then on.
        """
        self._room = self._most if number < self._asked else self._most // 4
        for _ in range(TRIES):
            entry = self._entry(number)
            if not entry:
                break
            landed = self._movie.seek(entry)
            if landed is not None:
                self._begin(landed)
                self._decode_to(number)
                if number in self._kept or self._hurt:
                    return
            self._unsound.add(entry)
        self._movie.rewind()
        self._begin(0)
        self._decode_to(number)

    def _begin(self, door: int) -> None:
        """Decode from the packet `door`, where the file is now."""
        self._frames = self._movie.frames()
        self._door, self._next, self._hurt = door, 0, False
        self._expected = first_from(self.index, door)

    def _decode_to(self, number: int) -> None:
        """Decode, keeping what comes, until picture `number` or a later one has come."""
        for decoded in self._frames or ():
            here = self.index.numbers.get(decoded.packet)
            if here is not None and self.index.entries[here] < self._door:
                continue  # It leans on the group before.
            if decoded.packet == self._door and self._door and not decoded.intra:
                break  # No key picture, whatever the file says.
            if decoded.damaged:
                self._hurt = True
                self._heard(here, "the decoder met errors")
            if here != self._expected:
                self._contradicted(here)
            if here is None:
                continue
            self._passed(here)
            self._next = here + 1
            self._keep(here, decoded.picture)
            if here >= number:
                return
        self._frames = None

    def _contradicted(self, here: int | None) -> None:
        """Another picture came than the one expected: the table is wrong, unless a damaged one is left out."""
        left_out = here is not None and here > self._expected and self._hurt
        if self.index.decoded or left_out:
            return
        self.index = remade(self._movie)
        self._frames = None
        self._kept.clear()
        self._used = 0
        self._unsound.clear()
        self._missing.clear()
        self._stand_ins.clear()
        raise TableRemade

    def _passed(self, here: int) -> None:
        """Pictures that should have come before this one are missing."""
        if self._hurt or not self._door:
            self._missing.update(range(self._expected, here))
        self._expected = max(self._expected, here + 1)
        self._missing.discard(here)

    def _keep(self, number: int, picture: Any) -> None:
        if number in self._kept:
            return
        size = sum(plane.buffer_size for plane in picture.planes)
        self._kept[number] = picture
        self._used += size
        while self._used > self._room and len(self._kept) > 2:
            _, old = self._kept.popitem(last=False)
            self._used -= sum(plane.buffer_size for plane in old.planes)

    def _heard_of_packet(self, why: str) -> None:
        """A packet can't be decoded: which picture that was shows when it is missing; most likely the next."""
        self._hurt = True
        self._damage.setdefault(None, why)
        if self._strict:
            raise MediaDamaged(self._movie.path, min(self._expected, len(self.index.times) - 1), why)

    def _heard(self, number: int | None, why: str) -> None:
        self._damage.setdefault(number, why)
        if self._strict:
            raise MediaDamaged(self._movie.path, number, why)
