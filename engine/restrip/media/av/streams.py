"""Which of a file's streams is the movie, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from restrip.media.av.pyav import exact, ffmpeg
from restrip.media.av.sidedata import display_instructions, display_matrix, mastering_display, own_colours
from restrip.media.av.tags import first_timecode, tags_of, unknown_coding
from restrip.media.colour import ColourTags
from restrip.media.files import ColoursUnreadable, DecoderMissing, MediaUnreadable
from restrip.media.geometry import Orientation
from restrip.media.movies.dolby_vision import own_by_record
from restrip.media.movies.mastering_display import MasteringDisplay
from restrip.media.movies.picture_boxes import read_dolby_vision
from restrip.media.pixels import layout_of

# Demuxers that turn text, lists of other files or devices into "video".
NOT_MEDIA = {"tty", "hls", "concat", "ffmetadata", "lavfi", "dash", "sdp", "rtsp"}
BESIDE = Disposition.attached_pic | Disposition.timed_thumbnails
"""Covers, chapter pictures and thumbnails: video streams that are no movie."""

AV1 = ("libdav1d", "libaom-av1", "av1")


@dataclass(frozen=True)
class StreamFacts:
    """What a movie's video stream is, and its first picture (stored size, orientation).

    `duration` is the stream's own claim in ticks, `whole` the file's, sound and all, in seconds from its time 0.
    `counted` is how many packets the file's index promises, 0 when there is no index. `stream` of `streams` is read,
    counted from 1. `mastering` is the display that it was graded on, `instructions` names what tells displays how to
    show its pictures.
    """

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
    whole: Fraction | None
    counted: int
    audio: bool
    timecode: str
    interlaced: bool
    stream: int = 1
    streams: int = 1
    mastering: MasteringDisplay | None = None
    instructions: tuple[str, ...] = ()


def movie_streams(container: Any, path: str) -> list[Any]:
    """The video streams that can be a movie; those of one picture are only when there is no other.

    Raises MediaUnreadable when there is none.
    """
    video = [] if container.format.name in NOT_MEDIA else list(container.streams.video)
    if not video:
        raise MediaUnreadable(path, "it holds no pictures")
    moving = [stream for stream in video if not stream.disposition & BESIDE]
    if not moving:
        raise MediaUnreadable(path, "its only pictures are covers or thumbnails", "Choose a movie.")
    decodable = [stream for stream in moving if stream.codec_context is not None]
    if not decodable:
        raise DecoderMissing(path, ffmpeg())
    return [stream for stream in decodable if not _single(stream)] or decodable


def chosen(streams: list[Any], number: int, path: str) -> int:
    """The place in `streams` of the wanted one, counted from 1; for 0 of the one that players choose.

    Players take the first that is marked as default. Raises MediaUnreadable when there is no such stream.
    """
    if number > len(streams):
        have = "one video stream" if len(streams) == 1 else f"{len(streams)} video streams"
        raise MediaUnreadable(path, f"it has {have}, not {number}", "Choose another video stream in the settings.")
    if number > 0:
        return number - 1

    marked = (place for place, stream in enumerate(streams) if stream.disposition & Disposition.default)
    return next(marked, 0)


def _single(stream: Any) -> bool:
    """Whether a stream has one picture, as far as the file tells: a thumbnail or cover that calls itself a movie."""
    if stream.frames:
        return bool(stream.frames == 1)
    clock, rate = exact(stream.time_base), exact(stream.average_rate)
    lasts = stream.duration * clock if stream.duration and clock else _tagged_s(stream.metadata.get("DURATION", ""))
    return bool(lasts and rate and lasts * rate < Fraction(3, 2))


def _tagged_s(text: str) -> Fraction | None:
    """The seconds of a Matroska tag such as 00:00:00.040000000."""
    hours, minutes, seconds = [*text.split(":"), "", ""][:3]
    try:
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except ValueError:
        return None


def alpha_decoder(stream: Any) -> Any:
    """VP8 and VP9 keep alpha beside the picture, where FFmpeg's own decoders don't look; None for all others."""
    marks = {key.lower(): value for key, value in stream.metadata.items()}
    if stream.codec_context.name not in ("vp8", "vp9") or marks.get("alpha_mode") != "1":
        return None
    try:
        return av.CodecContext.create("libvpx" if stream.codec_context.name == "vp8" else "libvpx-vp9", "r")
    except (FFmpegError, ValueError):
        return None  # Built without libvpx: the picture without its alpha.


def check_colours(path: str, container: Any, stream: Any, picture: Any) -> None:
    """Refuse a stream whose pictures can't be turned into R'G'B': its first one would be shown in false colours.

    Raises ColoursUnreadable.
    """
    profile = own_by_record(_record(path, container, stream, picture))
    if not profile and own_colours(picture):
        profile = "10.0" if stream.codec_context.name in AV1 else "5"
    if profile:
        raise ColoursUnreadable(path, f"Dolby Vision's own (profile {profile}, without a picture for other displays)")
    if coding := unknown_coding(picture):
        raise ColoursUnreadable(path, coding)


def _record(path: str, container: Any, stream: Any, picture: Any) -> bytes:
    """Dolby Vision's record of a stream, where there may be one: it has never fewer than 10 bit."""
    if "mp4" not in container.format.name or layout_of(picture.format).bits < 10:
        return b""
    return read_dolby_vision(path, container.streams.video.index(stream))


def facts_of(container: Any, streams: list[Any], place: int, picture: Any) -> StreamFacts:
    """The facts of streams[place], whose first picture is `picture`."""
    stream, context = streams[place], streams[place].codec_context
    layout = layout_of(picture.format)
    metadata = [stream.metadata, container.metadata, *(other.metadata for other in container.streams)]
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
        clock=Fraction(stream.time_base),
        duration=stream.duration,
        whole=_whole(container),
        counted=stream.frames,
        audio=bool(container.streams.audio),
        timecode=first_timecode(metadata),
        interlaced=bool(picture.interlaced_frame),
        stream=place + 1,
        streams=len(streams),
        mastering=mastering_display(picture),
        instructions=display_instructions(picture),
    )


def _whole(container: Any) -> Fraction | None:
    """Seconds from the file's time 0 to the end of all that is in it."""
    if container.duration is None:
        return None
    return Fraction((container.start_time or 0) + container.duration, av.time_base)


def _orientation(picture: Any) -> Orientation:
    matrix = display_matrix(picture)
    return Orientation() if matrix is None else Orientation.of_matrix(matrix)


def _aspect(ratio: Fraction | None) -> Fraction:
    """Pixel aspect; what no camera writes (0, or beyond 1:16) counts as square."""
    if not ratio or not Fraction(1, 16) <= ratio <= 16:
        return Fraction(1)
    return ratio
