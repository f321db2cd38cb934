"""Segments, strips and crossfades: how keys divide a clip.

keys at 10 and 20 of 0..30:

   frame    0         10        20        30
   segments [  s0     )[   s1   )[   s2   )
   A        [=====key A=========)            s0 + s1: from the start to key B
   B                   [=========key B=====) s1 + s2: from key A to the end
   fade                [ A -> B )
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from restrip.codec import as_row
from restrip.timeline.key import Key
from restrip.timeline.range import FrameRange


@as_row
@dataclass(frozen=True)
class Segment:
    """The frames between two neighbouring keys, or between a border and the nearest key: the unit of work.

    `left` and `right` are indices into the job's keys; at a clip's edge or a cut one of them is None. The frame of a
    key belongs to the segment that it begins.
    """

    frames: FrameRange
    left: int | None
    right: int | None

    @property
    def sides(self) -> tuple[int, ...]:
        """The keys that this segment has a rendition for."""
        return tuple(index for index in (self.left, self.right) if index is not None)


@dataclass(frozen=True)
class Strip:
    """What the editor gets for a key: its renditions of the segment before and of the segment after, joined."""

    key: int
    frames: FrameRange
    segments: tuple[int, ...]


@dataclass(frozen=True)
class Crossfade:
    """The hand-over from the strip of key `left` to that of key `right` over `frames`.

    At frame f the mix is (f - first) / length of `right`, in coded values; before it only `left` shows, after it only
    `right`. An empty range is a cut at `frames.first`. `score` is the mean difference of the two strips over the
    fade, in 8-bit code values; None when it was not measured. `kind` is the only one there is.
    """

    left: int
    right: int
    frames: FrameRange
    kind: Literal["cross"] = field(default="cross", init=False)
    score: float | None = None


def mix_at(fade: Crossfade, frame: int) -> float:
    """How much of the right strip shows at `frame`: 0 before the fade, 1 from its end on."""
    if frame >= fade.frames.end:
        return 1.0
    if frame < fade.frames.first:
        return 0.0
    return (frame - fade.frames.first) / len(fade.frames)


def segments_of(keys: Sequence[Key], length: int, cuts: Sequence[int] = ()) -> tuple[Segment, ...]:
    """Divide [0, length) at keys and cuts; no segment crosses a cut. Every shot must have a key."""
    borders = [0, *sorted(set(cuts)), length]
    segments = []
    for first, end in pairwise(borders):
        inside = [i for i, key in enumerate(keys) if first <= key.frame < end]
        if not inside:
            if first == end:
                continue
            raise ValueError(f"the shot [{first}, {end}) has no key")
        if keys[inside[0]].frame > first:
            segments.append(Segment(FrameRange(first, keys[inside[0]].frame), None, inside[0]))
        for left, right in pairwise(inside):
            segments.append(Segment(FrameRange(keys[left].frame, keys[right].frame), left, right))
        segments.append(Segment(FrameRange(keys[inside[-1]].frame, end), inside[-1], None))
    return tuple(segments)


def strips_of(keys: Sequence[Key], segments: Sequence[Segment]) -> tuple[Strip, ...]:
    """One strip a key, over its full span: from the previous key to the next."""
    strips = []
    for index in range(len(keys)):
        mine = tuple(n for n, segment in enumerate(segments) if index in segment.sides)
        span = FrameRange(segments[mine[0]].frames.first, segments[mine[-1]].frames.end)
        strips.append(Strip(index, span, mine))
    return tuple(strips)


def seams_of(keys: Sequence[Key], segments: Sequence[Segment]) -> tuple[Crossfade, ...]:
    """Where one key hands over to the next: a fade over the whole gap, or a cut where a shot begins."""
    seams = []
    for before, after in pairwise(range(len(keys))):
        shared = next((s for s in segments if (s.left, s.right) == (before, after)), None)
        if shared is not None:
            seams.append(Crossfade(before, after, shared.frames))
        else:
            border = next(s for s in segments if s.sides == (after,) or s.left == after).frames.first
            seams.append(Crossfade(before, after, FrameRange(border, border)))
    return tuple(seams)


def visible_of(strips: Sequence[Strip], fades: Sequence[Crossfade]) -> tuple[FrameRange, ...]:
    """The part of each strip that plays: from its first fade's first frame to its second fade's end."""
    visible = []
    for strip in strips:
        first = next((f.frames.first for f in fades if f.right == strip.key), strip.frames.first)
        end = next((f.frames.end for f in fades if f.left == strip.key), strip.frames.end)
        visible.append(FrameRange(first, end))
    return tuple(visible)
