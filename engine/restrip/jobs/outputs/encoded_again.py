"""A written movie encoded once more, by the processor: so that it can be joined to others."""

from __future__ import annotations

from pathlib import Path

from restrip.media import ClipReader, MovieWriter, probe, timecode_in
from restrip.timeline import ClipRange, Rate


def encoded_again(movie: Path, path: Path, format_name: str, rate: Rate) -> None:
    """The pictures of a movie of this package's writer in `path`, finely: a second loss shall not be seen."""
    info = probe([str(movie)])
    with ClipReader(ClipRange((str(movie),), rate, info.frames or 0)) as reader:
        timecode = timecode_in(movie)
        written = path, reader.size, rate, format_name, info.colour
        with MovieWriter(*written, timecode=timecode, fine=True, mastering=reader.mastering) as writer:
            for frame in reader.frames():
                writer.write(frame)
