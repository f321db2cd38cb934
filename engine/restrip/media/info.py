"""What a piece of media is, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from restrip import codec
from restrip.media.av.demux import Movie
from restrip.media.av.streams import StreamFacts
from restrip.media.colour import ColourTags
from restrip.media.errors import of_file
from restrip.media.files import MediaUnreadable
from restrip.media.geometry import shown_size
from restrip.media.light import BEYOND
from restrip.media.movies.frame_grid import STANDARD_RATES
from restrip.media.movies.index_tables import index_of
from restrip.media.movies.picture_index import FrameIndex
from restrip.media.pictures.animated import MovingFrames, by_pillow, is_still
from restrip.media.pictures.listing import Listing, list_pictures
from restrip.timeline import Rate

SEQUENCE_RATE = Rate.of(25)
VARIES = "The frame rate varies: each timeline frame takes the picture that is shown at its time."


@dataclass(frozen=True)
class MediaInfo:
    """Facts about a movie or an image sequence.

    `frames` and `duration_s` count from the first shown picture at `rate`; `size` is (width, height), upright, with
    square pixels; `rotation` is the clockwise turn that was undone, in degrees. `colour` is what the file says
    ("unknown" where it says nothing). `pictures` is the number of stored pictures, which differs from `frames` when
    the frame rate varies (`vfr`). `notes` are sentences about what is unusual.
    """

    frames: int
    duration_s: float
    rate: Rate
    size: tuple[int, int]
    rotation: int
    vfr: bool
    colour: ColourTags
    bit_depth: int
    alpha: bool
    audio: bool
    codec: str
    timecode: str
    pixel_aspect: Fraction
    pictures: int
    notes: tuple[str, ...] = ()

    @property
    def deep(self) -> bool:
        """Whether frames come with 16 bit a channel."""
        return self.bit_depth > 8

    def to_json(self) -> dict[str, Any]:
        """The reply to `probe`."""
        return codec.write(self)


def probe(paths: Sequence[str], rate: Rate | None = None, stream: int = 0) -> MediaInfo:
    """What the media is: one movie file, or the pictures of a sequence in order (`rate` is theirs, else 25).

    `stream` is which of a movie's video streams, counted from 1; 0 is the one that players choose.

    Raises MediaMissing, MediaUnreadable.
    """
    if not paths:
        raise MediaUnreadable("", "no file is named")
    with of_file(paths[0]):
        if len(paths) > 1 or is_still(paths[0]):
            return sequence_info(paths, rate or SEQUENCE_RATE, list_pictures(paths))
        if by_pillow(paths[0]):
            moving = MovingFrames(paths[0])
            moving.close()
            return moving_info(moving)
        movie = Movie(paths[0], stream)
        try:
            return movie_info(movie.facts, index_of(movie))
        finally:
            movie.close()


def movie_info(facts: StreamFacts, index: FrameIndex) -> MediaInfo:
    """The facts of an open movie."""
    rate = _timeline_rate(facts, index)
    return MediaInfo(
        frames=max(1, ceil(index.duration * rate.fraction - Fraction(1, 100))),
        duration_s=float(index.duration),
        rate=rate,
        size=shown_size(facts.size, facts.pixel_aspect, facts.orientation),
        rotation=facts.orientation.degrees,
        vfr=not index.constant,
        colour=facts.tags,
        bit_depth=facts.bits,
        alpha=facts.alpha,
        audio=facts.audio,
        codec=facts.codec,
        timecode=facts.timecode,
        pixel_aspect=facts.pixel_aspect,
        pictures=len(index.times),
        notes=_notes(facts, index),
    )


def shown_s(facts: StreamFacts, index: FrameIndex) -> Fraction:
    """Seconds that a clip of the movie may last: to the end of its sound, as editors show it, the last picture held.

    A file that is cut off has no more than its table says.
    """
    if index.cut_off or facts.whole is None:
        return index.duration
    return max(index.duration, facts.whole - index.times[0] * index.clock)


def moving_info(moving: MovingFrames) -> MediaInfo:
    """The facts of an animated WebP or AVIF."""
    return MediaInfo(
        frames=max(1, ceil(moving.duration * moving.rate.fraction - Fraction(1, 100))),
        duration_s=float(moving.duration),
        rate=moving.rate,
        size=moving.size,
        rotation=0,
        vfr=not moving.constant,
        colour=ColourTags("rgb", range="full"),
        bit_depth=8,
        alpha=moving.alpha,
        audio=False,
        codec=moving.codec,
        timecode="",
        pixel_aspect=Fraction(1),
        pictures=moving.count,
        notes=() if moving.constant else (VARIES,),
    )


def sequence_info(paths: Sequence[str], rate: Rate, listing: Listing) -> MediaInfo:
    """The facts of pictures in order."""
    return MediaInfo(
        frames=len(paths),
        duration_s=float(rate.seconds(len(paths))),
        rate=rate,
        size=listing.size,
        rotation=0,
        vfr=False,
        colour=ColourTags("rgb", range="full"),
        bit_depth=listing.bits,
        alpha=listing.alpha,
        audio=False,
        codec=listing.codec,
        timecode="",
        pixel_aspect=Fraction(1),
        pictures=len(paths),
        notes=listing.notes,
    )


def _timeline_rate(facts: StreamFacts, index: FrameIndex) -> Rate:
    """The rate that a timeline of this clip alone would have: its own; for a varying one the nearest usual rate."""
    if index.rate is not None:
        return Rate(min(max(index.rate, Fraction(1, 1000)), Fraction(1000)).limit_denominator(100000))
    average = facts.average_rate or Fraction(25)
    usual = min(STANDARD_RATES, key=lambda rate: abs(rate - average))
    if abs(usual / average - 1) < Fraction(1, 25):
        return Rate(usual)
    return Rate(Fraction(min(max(1, round(average)), 120)))


def _notes(facts: StreamFacts, index: FrameIndex) -> tuple[str, ...]:
    notes = []
    if facts.streams > 1:
        notes.append(
            f"It has {facts.streams} video streams, of which number {facts.stream} is read: "
            "the setting Video stream chooses another."
        )
    notes.extend(index.notes)
    if not index.constant:
        notes.append(VARIES)
    if index.held > 2 * index.clock:
        notes.append(f"The last {float(index.held):.2f} s hold no pictures of their own: the last picture is held.")
    if facts.pixel_aspect != 1:
        notes.append(f"The pixels are not square ({facts.pixel_aspect}): pictures are resampled to square ones.")
    if facts.interlaced:
        notes.append("The pictures are interlaced: both fields stay in one picture.")
    if facts.instructions:
        named = " and ".join(facts.instructions)
        notes.append(f"What {named} tells displays about these very pictures isn't carried to results.")
    if facts.tags.transfer in BEYOND:
        notes.append(
            f"The transfer curve is {facts.tags.transfer}: light beyond white is kept, unless the setting Highlights "
            "is off; then looks see its code values as if for a display."
        )
    elif not facts.tags.display_referred:
        notes.append(f"The transfer curve is {facts.tags.transfer}: looks see its code values as if for a display.")
    return tuple(notes)
