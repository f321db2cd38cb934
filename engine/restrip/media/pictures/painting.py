"""Pictures that people painted or chose, in the colours of the frames that they go with: one reader for keys, styles
and control pictures.

A file says what its numbers mean by a profile, by tags, or not at all; what says nothing is taken as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from restrip.media.files import check_readable
from restrip.media.frame import Frame
from restrip.media.frame_colours import AS_SRGB, FrameColours
from restrip.media.highlights import Floats, rolled
from restrip.media.pictures.colour_space import coded
from restrip.media.pictures.exr import LINEAR_NOTE, exr_header, read_linear
from restrip.media.pictures.layered import read_layered_in
from restrip.media.pictures.photo import read_photo_in
from restrip.media.pictures.photoshop import read_photoshop_in
from restrip.media.pictures.picture import kind_of, read_picture, straight


@dataclass(frozen=True, eq=False)
class Painting:
    """A picture in the colours of frames, and sentences about what was done to it."""

    frame: Frame
    notes: tuple[str, ...] = ()


def read_painting(path: str | os.PathLike[str], colours: FrameColours = AS_SRGB) -> Painting:
    """A picture from a file in the colours of frames.

    Of a file that moves, or holds several pictures, it is the first. Raises MediaMissing, MediaUnreadable.
    """
    name = os.fspath(path)
    check_readable(name)
    kind, primaries = kind_of(name), colours.primaries
    if kind == "exr":
        said = tuple(note for note in exr_header(name).notes if note != LINEAR_NOTE)
        return Painting(_of_light(name, primaries, rolled if colours.beyond_white else None), said)
    if kind == "psd":
        return Painting(*read_photoshop_in(name, primaries))
    if kind == "layered":
        return Painting(*read_layered_in(name, primaries))
    if kind == "photo":
        return Painting(*read_photo_in(name, primaries))
    return Painting(read_picture(name))


def _of_light(path: str, primaries: str, roll: Callable[[Floats], Floats] | None) -> Frame:
    light, alpha = read_linear(path)
    rgb = coded(straight(light, alpha), primaries, roll=roll)
    return Frame(rgb, None if alpha is None else np.rint(np.clip(np.nan_to_num(alpha), 0, 1) * 65535).astype(np.uint16))
