"""Pictures for ControlNets that take theirs from a file: depth, or anything that was made elsewhere.

one picture                for every frame
a folder of pictures       named with the frame numbers of the clip's media
a movie                    that runs with the clip's media, as a matte does
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from restrip.errors import BadInput
from restrip.media import ClipReader, probe
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.pictures.animated import is_still
from restrip.media.pictures.painting import read_painting
from restrip.timeline import ClipRange, pictures_in

if TYPE_CHECKING:
    Bytes = npt.NDArray[np.uint8]


class MissingControlPicture(BadInput):
    """A ControlNet that takes its picture from a file, and no file for a frame."""

    code = "missing-control-picture"

    def __init__(self, kind: str, frame: int, where: str) -> None:
        super().__init__(
            f"There is no {kind} picture for frame {frame}{f' in {where}' if where else ''}.",
            "Give a picture, a movie, or a folder of pictures named with their frame numbers, as the control pictures.",
            kind=kind,
            frame=frame,
        )


@dataclass(frozen=True)
class ControlPictures:
    """Where they are, and the clip whose frames are counted; without one, numbers count in the file itself."""

    path: Path | None
    clip: ClipRange | None = None

    def picture(self, kind: str, frame: int) -> Bytes:
        """What `kind` sees of the clip's frame: [H, W, 3] uint8. Raises MissingControlPicture, and a movie's errors."""
        path = self.path
        if path is not None and path.is_file() and not is_still(str(path)):
            return self._from_movie(path, frame)
        number = frame + (self.clip.trim_in if self.clip else 0)
        if path is not None and path.is_dir():
            path = _numbered(path).get(number)
        missing = MissingControlPicture(kind, number, str(self.path or ""))
        if path is None:
            raise missing
        try:
            return read_painting(path).frame.rgb8()
        except (MediaMissing, MediaUnreadable) as error:
            raise missing from error

    def _from_movie(self, path: Path, frame: int) -> Bytes:
        if self.clip is not None:
            clip = replace(self.clip, paths=(str(path),))
        else:
            info = probe([str(path)])
            clip = ClipRange((str(path),), info.rate, info.frames)
        with ClipReader(clip) as reader:
            return reader.frame(frame).rgb8()


def _numbered(folder: Path) -> dict[int, Path]:
    """Pictures by the digits that end their names; of two with one number the first by name."""
    found: dict[int, Path] = {}
    for path in pictures_in(folder):
        digits = re.search(r"([0-9]+)$", path.stem)
        if digits:
            found.setdefault(int(digits[1]), path)
    return found
