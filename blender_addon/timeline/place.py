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

from restrip.client.draft import is_draft
from restrip.client.job import Manifest, StripFile
from restrip.timeline import FrameRange

from . import channels, drafts, fades, takes, ties, vse

RESULT_COLOUR = "COLOR_05"
ODD, EVEN, FADES = 1, 2, 3
HALF_TURN = 180
SAME_SHAPE = 0.02
"""How far a picture's shape may be from the canvas's that it was rendered onto, after rounding to even sizes."""


@dataclass(frozen=True)
class Spot:
    """Where a result goes: frame 0 of the clip on `start`, showing `span`, above `channel`, in `owner`.

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
    """Build the meta strip of a result; returns it. The source is left as it is.

    Raises NoRoom before anything is changed, MediaUnreadable after taking back what was built.
    """
    owner, apart = spot.owner, ties.parts_of(spot.source) if spot.source is not None else []
    room = channels.find(owner, spot.span, spot.channel, manifest.clip.name, apart=apart)
    # While it is filled it may be longer than what it will show, so it is filled where it is in nobody's way.
    meta = vse.add_meta(owner, f"{manifest.clip.name} restyled", channels.aside(owner, room), spot.start)
    try:
        takes.add(meta, manifest, _fill(meta, manifest, spot, canvas))
    except vse.MediaUnreadable:
        vse.remove(owner, meta)
        raise
    vse.set_span(meta, spot.span)
    meta.channel = channels.make(owner, room, meta)
    meta.color_tag = RESULT_COLOUR
    if spot.source is not None:
        _like_source(spot.source.id_data, meta, spot.source)
    if manifest.facts.get("look_only"):
        meta.blend_type = "ALPHA_OVER"
    drafts.settle(meta)
    return meta


def refill(meta: Any, manifest: Manifest, spot: Spot, canvas: tuple[int, int]) -> None:
    """Show a manifest in a result that is there, as a new take; everything that was done to the result stays.

    Raises NoRoom before anything is changed, MediaUnreadable after taking back what was built.
    """
    fits = channels.fits(spot.owner, spot.span, meta.channel, (meta,))
    room = None
    if not fits:
        apart = [meta, *(ties.parts_of(spot.source) if spot.source is not None else ())]
        room = channels.find(spot.owner, spot.span, spot.channel, manifest.clip.name, apart=apart)
    channel = meta.channel
    takes.make_rows(meta)
    takes.add(meta, manifest, _fill(meta, manifest, spot, canvas))
    if room is not None:
        meta.channel = channels.aside(spot.owner, room)
        channel = channels.make(spot.owner, room, meta)
    vse.set_span(meta, spot.span)
    if meta.channel != channel:  # Blender moves a strip away that is longer than its room for a moment.
        meta.channel = channel
    drafts.settle(meta)


def _fill(meta: Any, manifest: Manifest, spot: Spot, canvas: tuple[int, int]) -> dict[str, Any]:
    """The strips and fades of a manifest inside a meta strip, by their names.

    Raises MediaUnreadable after taking them back.
    """
    made: dict[str, Any] = {}
    first = spot.start - (round(vse.content_start(spot.source)) if spot.source is not None else 0)
    crossings = fades.fitted(manifest, spot.moved, first)
    try:
        placed = _keys(meta, manifest, spot, crossings, made)
    except vse.MediaUnreadable:
        for strip in made.values():
            vse.remove(meta, strip)
        raise
    for strip in placed.values():
        _fit(strip, spot, canvas)
    for part in manifest.strips:
        if part.key in placed:
            frame = manifest.keys[part.key].key.frame
            fades.remember(placed[part.key], first + frame, frame - part.frames.first)
    proposed = {(fade.left, fade.right): fade.frames for fade in manifest.fades}
    for (left, right), frames in crossings.items():
        if len(frames) and left in placed and right in placed:
            name, pair = f"fade {left + 1} to {right + 1}", (placed[left], placed[right])
            effect = vse.add_cross(meta, name, FADES, pair, frames.shifted(spot.start))
            fades.remember_laid(effect, placed[left], by_hand=frames != proposed[left, right])
            made[name] = effect
    for strip in made.values():
        strip.select = False
        if is_draft(manifest):
            strip.color_tag = drafts.COLOUR
    return made


def _keys(
    meta: Any, manifest: Manifest, spot: Spot, crossings: Mapping[fades.Pair, FrameRange], made: dict[str, Any]
) -> dict[int, Any]:
    """The strips of the keys, by the keys' indices; each is noted in `made` as soon as it is there."""
    placed = {}
    for number, part in enumerate(manifest.strips):
        visible = _visible(part, crossings)
        if not len(visible):
            continue
        channel, name = ODD if number % 2 == 0 else EVEN, f"key {part.key + 1}"
        add = vse.add_pictures if Path(part.file).is_dir() else vse.add_movie
        strip = add(meta, name, part.file, channel, spot.start + part.frames.first)
        made[name] = placed[part.key] = strip
        vse.set_span(strip, visible.shifted(spot.start))
    return placed


def _visible(part: StripFile, crossings: Mapping[fades.Pair, FrameRange]) -> FrameRange:
    """What a key's strip shows: from the fade before it to the end of the one behind it."""
    first = next((fade.first for (_, right), fade in crossings.items() if right == part.key), part.visible.first)
    end = next((fade.end for (left, _), fade in crossings.items() if left == part.key), part.visible.end)
    return FrameRange(first, end)


def _fit(strip: Any, spot: Spot, canvas: tuple[int, int]) -> None:
    """Give a strip the place of its source on the canvas, or the whole canvas when the source was rendered onto it."""
    width, height = vse.media_size(strip)
    across, down = canvas[0] / width, canvas[1] / height
    if spot.rendered and abs(across / down - 1) < SAME_SHAPE:  # Exactly: a sliver of what lies below would show.
        strip.transform.scale_x, strip.transform.scale_y = across, down
        return
    plain = spot.source if not spot.rendered else None
    shown = vse.media_size(plain) if plain is not None else (0, 0)
    if plain is None or 0 in shown or (shown[0] < shown[1]) != (width < height):
        # Nothing to follow, or a phone clip that this Blender shows lying on its side while the result stands.
        strip.transform.scale_x = strip.transform.scale_y = min(across, down)
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
