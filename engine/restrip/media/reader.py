"""The frames of a clip, by timeline frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Protocol

from restrip.errors import BadInput
from restrip.media.errors import of_file
from restrip.media.frame import Frame
from restrip.media.info import MediaInfo, movie_info, moving_info, sequence_info, shown_s
from restrip.media.light import BEYOND, LightCoding, SceneLight
from restrip.media.movies.mastering_display import MasteringDisplay
from restrip.media.movies.movie import BLOCK_BYTES, MovieFrames, TableRemade
from restrip.media.pictures.animated import MovingFrames, by_pillow, is_still
from restrip.media.pictures.sequence import SequenceFrames
from restrip.timeline import ClipRange, FrameRange


class OutsideMedia(BadInput):
    """A clip that asks for frames which its media doesn't have."""

    code = "outside-media"

    def __init__(self, path: str, asked_s: float, has_s: float) -> None:
        super().__init__(
            f"The clip ends {asked_s:.2f} s into {path}, which has pictures for {has_s:.2f} s.",
            "Trim the clip to the media, or copy the media again if it was cut off.",
            path=path,
            asked_s=asked_s,
            has_s=has_s,
        )


class _PictureSource(Protocol):
    """Pictures of one piece of media by number."""

    size: tuple[int, int]

    @property
    def decoded(self) -> int: ...

    @property
    def kept_bytes(self) -> int: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def damaged(self) -> Collection[int]: ...

    def frame(self, number: int) -> Frame: ...

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame: ...

    def close(self) -> None: ...


class ClipReader:
    """A clip open for reading: frame n is what an editor shows at timeline frame n of the clip.

        with ClipReader(clip) as reader:
            frame = reader.frame(12)

    Any order is correct; forward is quick, and backward is served from blocks of at most `block_bytes`. `strict`
    refuses damaged pictures instead of concealing them. `stream` is which of a movie's video streams is read, counted
    from 1; 0 is the one that players choose. Media time 0 is the first shown picture. `as_decoded` lets a movie's
    frames keep the decoder's planes (DecodedFrame) and make R'G'B' of them when it is asked for.
    `ours` says that this package wrote the movie: what its packets tell is believed until the decoder contradicts it,
    not decoded first.

    Raises MediaMissing, MediaUnreadable, OutsideMedia; with `strict` also MediaDamaged.
    """

    def __init__(
        self,
        clip: ClipRange,
        *,
        strict: bool = False,
        block_bytes: int = BLOCK_BYTES,
        stream: int = 0,
        as_decoded: bool = False,
        ours: bool = False,
    ) -> None:
        self.clip = clip
        self._last: tuple[int, Frame] | None = None
        self._pictures: _PictureSource
        self._ends: Fraction | None = None
        with of_file(clip.paths[0]):
            has = self._open(strict, block_bytes, stream, as_decoded, ours)
        self.size = self._pictures.size
        try:
            self._check_inside(has)
        except OutsideMedia:
            self.close()
            raise

    @property
    def deep(self) -> bool:
        """Whether frames come with 16 bit a channel."""
        return self._info.deep

    @property
    def info(self) -> MediaInfo:
        """What the media is."""
        return self._info

    @property
    def mastering(self) -> MasteringDisplay | None:
        """The display that the clip was graded on, where its file says it."""
        return self._pictures.facts.mastering if isinstance(self._pictures, MovieFrames) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the media and what reading it met so far."""
        return (*self._info.notes, *self._beyond(), *self._pictures.notes)

    @property
    def damage_notes(self) -> tuple[str, ...]:
        """The sentences of `notes` about what reading met so far."""
        return self._pictures.notes

    def concealed(self, number: int) -> bool:
        """Whether frame `number`, as read so far, shows a picture that is damaged or the stand-in for one."""
        return self.picture_number(number) in self._pictures.damaged

    @property
    def decoded(self) -> int:
        """Packets given to the decoder so far; what random access costs."""
        return self._pictures.decoded

    @property
    def kept_bytes(self) -> int:
        """Memory that decoded pictures take, at most about `block_bytes`."""
        return self._pictures.kept_bytes

    def picture_number(self, number: int) -> int:
        """Which stored picture, in the order of their times, timeline frame `number` shows."""
        return self._at(self.clip.media_time(number))

    def frame(self, number: int) -> Frame:
        """Frame `number` of the clip, [0, length). Raises MediaUnreadable; with strict MediaDamaged."""
        with of_file(self._path_of(number)):
            return self._frame(number)

    @property
    def coding(self) -> LightCoding:
        """How the clip's light is coded."""
        return LightCoding(self._info.colour)

    @property
    def may_exceed_white(self) -> bool:
        """Whether the clip's coding goes beyond white: PQ, HLG, and pictures of light."""
        return self._info.colour.transfer in BEYOND or self._info.codec == "exr"

    def light(self, number: int) -> SceneLight:
        """The light of frame `number`, beyond white too. Raises as `frame` does."""
        if isinstance(self._pictures, SequenceFrames) and self._info.codec == "exr":
            with of_file(self._path_of(number)):
                return self._pictures.light(self.picture_number(number))
        return self.coding.of_frame(self.frame(number))

    def frames(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        """The frames of a range of the clip (default: all), in order, one at a time."""
        for number in self.clip.frames if frames is None else frames:
            yield self.frame(number)

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        """A small version (width, height) of a frame, 8 bit, not turned: for comparing frames with each other."""
        with of_file(self._path_of(number)):
            return self._thumbnail(number, size)

    def close(self) -> None:
        """Let go of the media."""
        self._pictures.close()

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, strict: bool, block_bytes: int, stream: int, as_decoded: bool, ours: bool) -> Fraction | None:
        """Open the clip's files; returns how many seconds of it may be asked for, None for any number."""
        clip = self.clip
        if len(clip.paths) > 1 or is_still(clip.paths[0]):
            rate = clip.source_rate or clip.rate
            sequence = SequenceFrames(clip.paths, strict=strict, block_bytes=block_bytes)
            self._pictures = sequence
            self._info = sequence_info(clip.paths, rate, sequence.listing)
            self._at = sequence.at(rate)
            return None if len(clip.paths) == 1 else rate.seconds(len(clip.paths))
        if by_pillow(clip.paths[0]):
            moving = MovingFrames(clip.paths[0], block_bytes=block_bytes)
            self._pictures = moving
            self._info = moving_info(moving)
            self._at = moving.at
            return moving.duration
        movie = MovieFrames(
            clip.paths[0],
            strict=strict,
            block_bytes=block_bytes,
            untagged=clip.untagged,
            stream=stream,
            as_decoded=as_decoded,
            ours=ours,
        )
        self._pictures = movie
        self._info = movie_info(movie.facts, movie.index)
        self._at = lambda time: movie.index.at(time)
        self._ends = movie.index.duration
        return shown_s(movie.facts, movie.index)

    def _frame(self, number: int) -> Frame:
        picture = self.picture_number(number)
        if self._last is None or self._last[0] != picture:
            try:
                self._last = (picture, self._pictures.frame(picture))
            except TableRemade:  # Once for a movie at most.
                self._last = None
                return self._frame(number)
        return self._last[1]

    def _thumbnail(self, number: int, size: tuple[int, int]) -> Frame:
        try:
            return self._pictures.thumbnail(self.picture_number(number), size)
        except TableRemade:
            return self._thumbnail(number, size)

    def _path_of(self, number: int) -> str:
        """The file that holds frame `number`."""
        paths = self.clip.paths
        return paths[0] if len(paths) == 1 else paths[min(max(0, self.picture_number(number)), len(paths) - 1)]

    def _beyond(self) -> Iterator[str]:
        """That a clip is longer than the movie's pictures, if it is by more than the frame that editors round up."""
        over = Fraction(0) if self._ends is None else self.clip.media_time(self.clip.length) - self._ends
        if over > 2 / self.clip.rate.fraction:
            yield f"The clip is {float(over):.2f} s longer than its pictures: the last one is held."

    def _check_inside(self, has: Fraction | None) -> None:
        """Both ends of the clip lie in the media, but for the frame by which editors round up."""
        if has is None:
            return
        slack = max(1 / self.clip.rate.fraction, 1 / self._info.rate.fraction)
        first, last = self.clip.media_time(0), self.clip.media_time(self.clip.length - 1)
        if last >= has + slack or first < -slack:
            raise OutsideMedia(self.clip.paths[0], float(last), float(has))
