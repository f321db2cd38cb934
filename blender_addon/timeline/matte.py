"""A matte for a strip: a picture or movie, another strip, or one of the file's masks. White is restyled, black stays.

Strips and masks lie on the canvas, so they are rendered like a strip that no file shows, for the strip's own range; the
strip is then rendered onto the canvas, too, unless its file fills it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import bpy

from restrip.errors import BadInput

from .. import values
from . import clip, vse

DRAWN = ("strip", "mask")
NEAR = 1e-3


class NoMatte(BadInput):
    """A matte that was asked for and isn't there."""

    code = "no-matte"


@dataclass(frozen=True)
class Matte:
    """What limits the look: `kind` is "none", "file", "strip" or "mask", `what` the path or the name."""

    kind: str = "none"
    what: str = ""

    @property
    def drawn(self) -> bool:
        """Whether it has to be rendered first."""
        return self.kind in DRAWN


def wanted(scene: Any, strip: Any, given: Mapping[str, Any]) -> Matte:
    """The matte of a strip's values. Raises NoMatte for one that isn't there."""
    kind = str(values.own(given, "matte.kind"))
    if kind == "none":
        return Matte()
    what = str(values.own(given, f"matte.{kind}")).strip()
    if not what:
        raise NoMatte(
            f"{strip.name} is to have a matte, and none is chosen.",
            "Choose one under Matte in the Restrip tab, or None.",
        )
    if kind == "file":
        return Matte(kind, bpy.path.abspath(what))
    matte = Matte(kind, what)
    if found(scene, matte) in (None, strip):
        raise gone(strip.name, matte)
    return matte


def found(scene: Any, matte: Matte) -> Any:
    """The strip or the mask; None when it isn't there."""
    if matte.kind == "mask":
        return bpy.data.masks.get(matte.what)
    return next((strip for strip in vse.every_strip(scene) if strip.name == matte.what), None)


def gone(name: str, matte: Matte) -> NoMatte:
    """What is said when it isn't there, or is the strip itself."""
    return NoMatte(f"The matte of {name}, the {matte.kind} {matte.what}, can't be used.", "Choose another one.")


def on_canvas(scene: Any, strip: Any, facts: clip.StripFacts, matte: Matte) -> clip.StripFacts:
    """What is read of a strip with this matte: rendered onto the canvas, too, where its file doesn't fill it."""
    if not matte.drawn or facts.reasons or fills_canvas(scene, strip):
        return facts
    return replace(facts, paths=(), reasons=("its matte lies on the canvas",))


def fills_canvas(scene: Any, strip: Any) -> bool:
    """Whether a strip's own pictures, untrimmed and upright, are the canvas's."""
    width, height = vse.size_of(scene)
    shown, transform = vse.media_size(strip), strip.transform
    placed = (transform.offset_x, transform.offset_y, transform.rotation)
    upright = not any(placed) and not strip.use_flip_x and not strip.use_flip_y
    scaled = shown[0] * transform.scale_x, shown[1] * transform.scale_y
    return upright and abs(scaled[0] / width - 1) < NEAR and abs(scaled[1] / height - 1) < NEAR
