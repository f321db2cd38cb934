"""A result on the timeline: strips on alternating channels, a crossfade over each fade, all in one meta strip.

channel 3        [ A -> B )         CROSS; its inputs overlap over exactly these frames
channel 2        [ handle |====B=====]
channel 1   [====A========| handle ]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restrip.errors import RestripError
from restrip.link.job import Manifest, StripFile
from restrip.timeline import FrameRange

from . import fades, vse

RESULT_COLOUR = "COLOR_05"
ODD, EVEN, FADES = 1, 2, 3
HALF_TURN = 180


class NoRoom(RestripError):
    """Every channel over the strip is taken somewhere in its range."""

    code = "no-channel"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no free channel over {name} for its whole length.",
            "Free one, then press Place result; the result is kept.",
        )


@dataclass(frozen=True)
class Spot:
    """Where a result goes: frame 0 of the clip on `start`, showing `span`, over `channel`, in `owner`.

    `source` is the strip that it was made from, or None when that is gone; `rendered` says that the clip was the
    whole canvas as the sequencer rendered it. `moved` are the fades of the result that is replaced which the editor
    had moved.
    """

    owner: Any
    start: int
    span: FrameRange
    channel: int
    source: Any = None
    rendered: bool = False
    moved: Mapping[fades.Pair, FrameRange] = field(default_factory=dict)


def place(manifest: Manifest, spot: Spot, canvas: tuple[int, int]) -> Any:
    """Build the meta strip of a result; returns it. The source is left as it is (see `mute`).

    Raises NoRoom before anything is changed, MediaUnreadable after taking back what was built.
    """
    channel = vse.free_channel(vse.strips_of(spot.owner), spot.span, spot.channel)
    if channel is None:
        raise NoRoom(manifest.clip.name)
    meta = vse.add_meta(spot.owner, f"{manifest.clip.name} restyled", channel, spot.start)
    try:
        _fill(meta, manifest, spot, canvas)
    except vse.MediaUnreadable:
        vse.remove(spot.owner, meta)
        raise
    vse.close_meta(meta, spot.span)
    meta.color_tag = RESULT_COLOUR
    if spot.source is not None:
        _like_source(spot.source.id_data, meta, spot.source)
    if manifest.facts.get("look_only"):
        meta.blend_type = "ALPHA_OVER"
    return meta


def mute(scene: Any, source: Any) -> tuple[str, ...]:
    """Mute a strip with what it is made from; returns the names of those that weren't muted before."""
    wanted, muted = [source], []
    while wanted:
        strip = wanted.pop()
        wanted += vse.inputs_of(strip)
        if not strip.mute:
            strip.mute = True
            muted.append(strip.name)
    return tuple(muted)


def _fill(meta: Any, manifest: Manifest, spot: Spot, canvas: tuple[int, int]) -> None:
    """The strips and fades of a manifest inside a meta strip."""
    placed = {}
    first = spot.start - (round(vse.content_start(spot.source)) if spot.source is not None else 0)
    crossings = fades.fitted(manifest, spot.moved, first)
    for number, part in enumerate(manifest.strips):
        visible = _visible(part, crossings)
        if not len(visible):
            continue
        channel, start = ODD if number % 2 == 0 else EVEN, spot.start + part.frames.first
        add = vse.add_pictures if Path(part.file).is_dir() else vse.add_movie
        strip = add(meta, f"key {part.key + 1}", part.file, channel, start)
        vse.set_span(strip, visible.shifted(spot.start))
        _fit(strip, spot, canvas)
        frame = manifest.keys[part.key].key.frame
        fades.remember(strip, first + frame, frame - part.frames.first)
        placed[part.key] = strip
    proposed = {(fade.left, fade.right): fade.frames for fade in manifest.fades}
    for (left, right), frames in crossings.items():
        if len(frames) and left in placed and right in placed:
            pair = placed[left], placed[right]
            effect = vse.add_cross(meta, f"fade {left + 1} to {right + 1}", FADES, pair, frames.shifted(spot.start))
            fades.remember_laid(effect, placed[left], by_hand=frames != proposed[left, right])


def _visible(part: StripFile, crossings: Mapping[fades.Pair, FrameRange]) -> FrameRange:
    """What a key's strip shows: from the fade before it to the end of the one behind it."""
    first = next((fade.first for (_, right), fade in crossings.items() if right == part.key), part.visible.first)
    end = next((fade.end for (left, _), fade in crossings.items() if left == part.key), part.visible.end)
    return FrameRange(first, end)


def _fit(strip: Any, spot: Spot, canvas: tuple[int, int]) -> None:
    """Give a strip the place of its source on the canvas, or the whole canvas when the source was rendered onto it."""
    width, height = vse.media_size(strip)
    plain = spot.source if not spot.rendered else None
    shown = vse.media_size(plain) if plain is not None else (0, 0)
    if plain is None or 0 in shown or (shown[0] < shown[1]) != (width < height):
        # Nothing to follow, or a phone clip that this Blender shows lying on its side while the result stands.
        strip.transform.scale_x = strip.transform.scale_y = min(canvas[0] / width, canvas[1] / height)
        return
    given, taken = plain.transform, strip.transform
    for name in ("offset_x", "offset_y", "rotation", "origin", "filter"):
        setattr(taken, name, getattr(given, name))
    taken.scale_x = given.scale_x * shown[0] / width
    taken.scale_y = given.scale_y * shown[1] / height
    strip.use_flip_x, strip.use_flip_y = plain.use_flip_x, plain.use_flip_y
    if plain.restrip.turned == HALF_TURN and not vse.turns_movies():
        _stand_up(strip)


def _stand_up(strip: Any) -> None:
    """Undo what the editor did to a movie that this Blender shows upside down: the result stands by itself."""
    if strip.use_flip_x and strip.use_flip_y:
        strip.use_flip_x = strip.use_flip_y = False
    elif abs(strip.transform.rotation) > math.pi / 2:
        strip.transform.rotation -= math.copysign(math.pi, strip.transform.rotation)


def _like_source(scene: Any, meta: Any, source: Any) -> None:
    """Mix with what lies below as the source does, fades in and out included, and keep its colour tag."""
    meta.blend_type = source.blend_type
    vse.copy_fade(scene, source, meta)
    if source.color_tag != "NONE":
        meta.color_tag = source.color_tag
