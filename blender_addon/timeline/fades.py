"""Fades that the editor moved: found in a result, and kept by the one that replaces it.

A fade belongs to the two keyframes beside it. A keyframe is known by how far it lies behind the content start of the
source strip, which neither trimming nor moving changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from restrip.client.job import Manifest
from restrip.timeline import FrameRange

from . import vse

BY_HAND = "by hand"
Pair = tuple[int, int]
"""The two keyframes of a fade, counted from the source's content start."""


def remember(strip: Any, key_at: int, key_in: int) -> None:
    """Note on a key's strip where its key lies: behind the source's content start, and behind its own."""
    strip.restrip.key_at, strip.restrip.key_in = key_at, key_in


def remember_laid(effect: Any, left: Any, *, by_hand: bool) -> None:
    """Note on a crossfade where it was placed, counted from the key on its left; one of the editor's stays theirs."""
    effect.restrip.laid = BY_HAND if by_hand else _said(vse.span_of(effect), left)


def moved(strips: Iterable[Any]) -> dict[Pair, FrameRange]:
    """The fades among strips that are no longer where they were placed, counted from the key on their left."""
    found = {}
    for effect in strips:
        inputs = vse.inputs_of(effect)
        if len(inputs) != 2 or not effect.restrip.laid or _said(vse.span_of(effect), inputs[0]) == effect.restrip.laid:
            continue
        pair = inputs[0].restrip.key_at, inputs[1].restrip.key_at
        found[pair] = vse.span_of(effect).shifted(-_key_of(inputs[0]))
    return found


def fitted(manifest: Manifest, moved: Mapping[Pair, FrameRange], first: int) -> dict[Pair, FrameRange]:
    """The fades to place, in frames of the clip, by the indices of their two keys: the editor's where there is one.

    `first` is where the clip begins behind the source's content start. The editor's stay within what both strips
    hold, and within what the fades beside them leave.
    """
    keys = [made.key.frame for made in manifest.keys]
    held = {part.key: part.frames for part in manifest.strips}
    found = {(fade.left, fade.right): fade.frames for fade in manifest.fades}
    for pair in found:
        left, right = pair
        wanted = moved.get((keys[left] + first, keys[right] + first))
        if wanted is None or left not in held or right not in held:
            continue
        common = held[left].within(held[right])
        shown = wanted.shifted(keys[left]).within(common)
        before = next((fade.end for (_, key), fade in found.items() if key == left), common.first)
        after = next((fade.first for (key, _), fade in found.items() if key == right), common.end)
        if len(shown) and before <= shown.first and shown.end <= after:
            found[pair] = shown
    return found


def _key_of(strip: Any) -> int:
    """The timeline frame of a key's strip's key."""
    return round(vse.content_start(strip)) + int(strip.restrip.key_in)


def _said(span: FrameRange, left: Any) -> str:
    key = _key_of(left)
    return f"{span.first - key} {span.end - key}"
