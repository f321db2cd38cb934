"""Sound beside pictures."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from restrip.media.av.copy import like, rate_of, timecode_of
from restrip.media.av.mux import muxing
from restrip.media.av.pyav import open_media
from restrip.media.av.tags import words
from restrip.media.files import MediaUnreadable

# Layouts that every container and player takes, by the number of channels.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
CODECS = {"mp4": "aac", "mov": "pcm_s24le", "matroska": "flac"}
BLOCK_S = Fraction(1)


def mux(movie: str, source: str, span: tuple[Fraction, Fraction], aside: str, container_name: str) -> bool:
    """Copy a movie's pictures and put the sound of `source` from span[0] to span[1] beside them.

    Times are seconds from the source's time 0 as its container counts. What the source has no sound for is silent.
    Returns False, with only the pictures copied, when the source has no sound.
    """
    with _opened(movie) as pictures, _opened(source) as sounds, muxing(aside):
        sound = next((s for s in sounds.streams.audio if s.codec_context is not None and s.rate), None)
        options = {"fflags": "+bitexact"} | ({"movflags": "+write_colr"} if container_name != "matroska" else {})
        with av.open(f"file:{aside}", "w", format=container_name, container_options=options) as output:
            template = pictures.streams.video[0]
            output.metadata.update(timecode_of(pictures, container_name))
            to_video = like(output, template, rate_of(template))
            to_audio = None
            if sound is not None:
                to_audio = output.add_stream(CODECS[container_name], rate=sound.rate, layout=_layout(sound))
                to_audio.codec_context.thread_count = 1
                if container_name == "mp4":
                    to_audio.bit_rate = 128000 * max(1, (sound.channels + 1) // 2)
            blocks = _blocks(sounds, sound, span) if sound is not None else iter(())
            ahead = Fraction(-1)
            for packet in pictures.demux(template):
                if not packet.size:
                    continue
                while to_audio is not None and ahead < (packet.dts or 0) * Fraction(packet.time_base) + BLOCK_S:
                    block = next(blocks, None)
                    if block is None:
                        break
                    output.mux(to_audio.encode(block))
                    ahead = block.pts * Fraction(block.time_base)
                packet.stream = to_video
                output.mux(packet)
            if to_audio is not None:
                for block in blocks:
                    output.mux(to_audio.encode(block))
                output.mux(to_audio.encode(None))
    return sound is not None


def _blocks(container: Any, stream: Any, span: tuple[Fraction, Fraction]) -> Iterator[Any]:
    """The stream's sound over the span, sample for sample, as frames that begin at time 0; gaps are silence."""
    rate = stream.rate
    first, end = (round(second * rate) for second in span)
    place = first
    for samples, start in _decoded(container, stream, span):
        begin, stop = max(start, place), min(start + samples.shape[1], end)
        if begin >= stop:
            if start >= end:
                break
            continue
        yield from _silence(stream, place, begin, first)
        yield _block(np.ascontiguousarray(samples[:, begin - start : stop - start]), stream, begin - first)
        place = stop
    yield from _silence(stream, place, end, first)


def _decoded(container: Any, stream: Any, span: tuple[Fraction, Fraction]) -> Iterator[tuple[Any, int]]:
    """([channels, n] float32, number of the first sample counted from the container's time 0) from before the span."""
    before = max(Fraction(0), span[0] - 1)
    try:
        container.seek(int(before / Fraction(stream.time_base)), stream=stream)
    except FFmpegError:
        container.seek(0)
    resampler, shape = None, None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except FFmpegError:
            continue  # A gap: filled with silence.
        for frame in frames:
            if frame.pts is None:
                continue
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = av.AudioResampler("fltp", layout=_layout(stream), rate=stream.rate)
            start = round(frame.pts * Fraction(frame.time_base) * stream.rate)
            for even in resampler.resample(frame) if resampler else ():
                yield even.to_ndarray(), start


def _layout(stream: Any) -> str:
    """The stream's channels in an order that can be written."""
    return LAYOUTS.get(stream.channels, "stereo")


def _silence(stream: Any, start: int, end: int, first: int) -> Iterator[Any]:
    while start < end:
        count = min(end - start, stream.rate)
        yield _block(
            np.zeros((len(av.AudioLayout(_layout(stream)).channels), count), np.float32), stream, start - first
        )
        start += count


def _block(samples: Any, stream: Any, start: int) -> Any:
    frame = av.AudioFrame.from_ndarray(samples, "fltp", _layout(stream))
    frame.sample_rate = stream.rate
    frame.time_base = Fraction(1, stream.rate)
    frame.pts = start
    return frame


def _opened(path: str) -> Any:
    try:
        return open_media(path)
    except FFmpegError as error:
        raise MediaUnreadable(path, words(error)) from error
