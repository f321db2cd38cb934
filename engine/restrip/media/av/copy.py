"""Packets copied from file to file, without decoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from restrip.media.av.mux import TIMECODED, container_options, muxing
from restrip.media.av.pyav import exact, open_media
from restrip.media.av.tags import first_timecode, words
from restrip.media.files import MediaUnreadable


class Unlike(Exception):
    """A movie whose packets can't stand in one file with those of the first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def encoding_facts(stream: Any) -> tuple[Any, ...]:
    """What must be equal for two movies' packets to stand in one file, of their video streams."""
    context = stream.codec_context
    return (
        context.name,
        (context.width, context.height),
        context.pix_fmt,
        exact(stream.average_rate),
        (context.colorspace, context.color_primaries, context.color_trc, context.color_range),
        bytes(context.extradata or b""),
    )


def append_all(files: Sequence[str], aside: str, container_name: str) -> int:
    """Write the packets of all files, one after the other, into one movie; returns how many. Each is opened once.

    The files begin with key pictures, reorder nothing and have one constant rate, so packet k begins at k / rate.
    Raises Unlike.
    """
    count = 0
    with _opened(files[0]) as first, muxing(aside):
        template = first.streams.video[0]
        rate, facts = rate_of(template), encoding_facts(template)
        options = container_options(container_name, rate)
        with av.open(f"file:{aside}", "w", format=container_name, container_options=options) as output:
            output.metadata.update(timecode_of(first, container_name))
            stream = like(output, template, rate)
            stream.time_base = 1 / rate
            for number, path in enumerate(files):
                for packet in _packets_of(path, facts) if number else _packets(first, facts, path):
                    packet.stream = stream
                    packet.time_base = 1 / rate
                    packet.pts = packet.dts = count
                    packet.duration = 1
                    output.mux(packet)
                    count += 1
    return count


def like(output: Any, template: Any, rate: Fraction) -> Any:
    """A stream of `output` for packets of `template`: its parameters, its rate, its codec's tag.

    The tag tells ProRes 4444 from 422, and QuickTime and Resolve take HEVC as hvc1 alone.
    """
    stream = output.add_stream_from_template(template)
    stream.codec_context.framerate = rate
    if output.format.name in ("mp4", "mov"):
        stream.codec_context.codec_tag = template.codec_context.codec_tag
    return stream


def rate_of(stream: Any) -> Fraction:
    """The rate of a movie that was written here, which every one has. Raises MediaUnreadable for another."""
    rate = exact(stream.average_rate)
    if rate is None:
        raise MediaUnreadable(stream.container.name.removeprefix("file:"), "it says no frame rate")
    return rate


def written_timecode(path: str) -> str:
    """The timecode of a movie's first frame, "" without one. Raises MediaUnreadable."""
    with _opened(path) as container:
        return _first_timecode(container)


def timecode_of(container: Any, container_name: str) -> dict[str, str]:
    """An open movie's timecode as metadata of another, as far as that one's container keeps it."""
    found = _first_timecode(container)
    return {"timecode": found} if found and container_name in TIMECODED else {}


def _first_timecode(container: Any) -> str:
    return first_timecode([container.metadata, *(stream.metadata for stream in container.streams)])


def _packets_of(path: str, facts: tuple[Any, ...]) -> Iterator[Any]:
    with _opened(path) as container:
        yield from _packets(container, facts, path)


def _packets(container: Any, facts: tuple[Any, ...], path: str) -> Iterator[Any]:
    """A movie's packets that aren't empty. Raises Unlike where its encoding isn't that of `facts`."""
    stream = container.streams.video[0]
    if encoding_facts(stream) != facts:
        raise Unlike(path)
    yield from (packet for packet in container.demux(stream) if packet.size)


def _opened(path: str) -> Any:
    try:
        return open_media(path)
    except FFmpegError as error:
        raise MediaUnreadable(path, words(error), "Render the segment again.") from error
