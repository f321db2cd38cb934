"""The style picture: a picture whose colours and strokes keys take on, beside their prompt. Without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from restrip.errors import BadInput
from restrip.looks.look import READING_STAGE
from restrip.looks.look_file.given_anchor import covering
from restrip.media.content import content_of
from restrip.media.files import GENERAL_REMEDY, MediaMissing, MediaUnreadable
from restrip.media.frame import Frame, empty_picture
from restrip.media.frame_colours import AS_SRGB, FrameColours
from restrip.media.pictures.painting import Painting, read_painting

if TYPE_CHECKING:
    from restrip.looks.diffusion.recipe import Recipe

LEAST_PX = 32
"""A smaller side shows no style."""

MOST_LONG = 4
"""Of a picture that is longer, in its short sides, the middle is taken."""

# Goes up when the same style picture gives other keys than before.
STYLE_STAGE = 1


class StylePictureUnreadable(BadInput):
    """The style picture is missing, is no picture, or is too small to show a style."""

    code = "style-picture-unreadable"

    def __init__(self, path: str, why: str, remedy: str = "") -> None:
        super().__init__(
            f"The style picture can't be used: {why}",
            remedy or "Choose a PNG, TIFF or JPEG that opens elsewhere, or leave Style picture empty.",
            path=path,
        )


@dataclass(frozen=True, eq=False)
class StylePicture:
    """A style picture that was found to be one. `digest` is its file's sha256, `strength` in 0..1 how much of it keys
    take on, `size` its (width, height), `notes` sentences for the user.
    """

    path: str
    digest: str
    strength: float
    size: tuple[int, int]
    notes: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What of it decides keys."""
        return {
            "picture": self.digest,
            "reading": READING_STAGE,
            "strength": round(self.strength, 6),
            "stage": STYLE_STAGE,
        }

    def facts(self) -> dict[str, Any]:
        """As a key's facts tell it."""
        return {"picture": self.path, "sha256": self.digest[:10], "strength": self.strength}

    def frame(self, colours: FrameColours = AS_SRGB) -> Frame:
        """The picture in the colours of a clip's frames; what is transparent has the mean colour of the rest.

        Raises StylePictureUnreadable.
        """
        picture = _opaque(_read(self.path, colours).frame)
        width, height = picture.size
        return covering(picture, (min(width, MOST_LONG * height), min(height, MOST_LONG * width)))


def open_style(recipe: Recipe) -> StylePicture | None:
    """The style picture of a recipe; None where it has none, or takes nothing of it. Raises StylePictureUnreadable."""
    if not recipe.style_picture or recipe.style_strength <= 0:
        return None
    path = os.path.expanduser(recipe.style_picture)
    if not os.path.isabs(path):
        raise StylePictureUnreadable(path, f"{path} is no whole path.", "Give the whole path of a picture.")
    painting = _read(path, AS_SRGB)
    if min(painting.frame.size) < LEAST_PX:
        width, height = painting.frame.size
        raise StylePictureUnreadable(
            path, f"{path} is only {width}x{height}.", f"Choose a picture of at least {LEAST_PX} pixels each way."
        )
    notes = tuple(f"{os.path.basename(path)}: {note}" for note in painting.notes)
    digest = content_of([path], whole=True).sha256
    return StylePicture(path, digest, recipe.style_strength, painting.frame.size, notes)


def _read(path: str, colours: FrameColours) -> Painting:
    try:
        return read_painting(path, colours)
    except (MediaMissing, MediaUnreadable) as error:
        told = "" if error.remedy == GENERAL_REMEDY else error.remedy
        raise StylePictureUnreadable(path, error.message, told) from error


def _opaque(picture: Frame) -> Frame:
    """A picture over the mean of its own colours."""
    if picture.alpha is None:
        return picture
    part = picture.alpha.astype(np.float32)[..., None] / np.float32(picture.white)
    shown = max(float(part.sum()), 1e-6)
    mean = (picture.rgb * part).sum(axis=(0, 1)) / shown
    rgb = empty_picture(picture.rgb.shape, picture.deep)
    rgb[...] = picture.rgb * part + mean * (1 - part) + 0.5
    return replace(picture, rgb=rgb, alpha=None)
