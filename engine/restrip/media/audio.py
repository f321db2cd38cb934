"""The source's sound beside a result's pictures: previews and baked movies. Strips carry none."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from restrip.media.av import sound
from restrip.media.av.demux import Movie
from restrip.media.files import check_readable, written
from restrip.media.movies.index_tables import index_of
from restrip.media.movies.joining import container_of
from restrip.media.pictures.animated import by_pillow, is_still


def mux_audio(
    video_file: str | os.PathLike[str],
    source: str | os.PathLike[str],
    start_s: Fraction | float,
    duration_s: Fraction | float,
    out: str | os.PathLike[str],
) -> bool:
    """Write `video_file` with the source's sound from `start_s` on, for `duration_s`, as `out` (may be the same file).

    `start_s` counts from the source's first shown picture, as ClipRange.media_time does. Pictures are copied, sound
    is never stretched: sample n of the result is sample n of the source, or silence where the source has none. MP4
    gets AAC, MOV PCM, Matroska FLAC. Returns whether the source has sound; if not, `out` has the pictures alone.

    Raises MediaMissing, MediaUnreadable, OutputUnwritable, DiskFull.
    """
    video, origin = os.fspath(video_file), os.fspath(source)
    check_readable(video)
    check_readable(origin)
    zero = Fraction(0)
    if is_still(origin) or by_pillow(origin):
        origin = video  # Which has no sound either.
    else:
        movie = Movie(origin)
        try:
            zero = index_of(movie).times[0] * movie.clock
        finally:
            movie.close()
    begin = zero + Fraction(start_s)
    with written(out) as aside:
        return sound.mux(video, origin, (begin, begin + Fraction(duration_s)), str(aside), container_of(Path(out)))
