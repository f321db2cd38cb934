"""The prompts of single keyframes, however long.

A marker's name has 63 bytes. A longer prompt is in a text block of the same name, which the prompt begins; both are the
file's, so they are saved, undone and appended like anything else of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from typing import Any

import bpy

from restrip.timeline.marker_text import read_marker

MOST_BYTES = 63
_HEAD = re.compile(r"K\d*(?![\w])")


def long_texts(markers: Iterable[Any]) -> dict[str, str]:
    """What the text blocks of these markers say, by the markers' names."""
    found: dict[str, str] = {}
    for marker in markers:
        block = bpy.data.texts.get(marker.name)
        if block is not None:
            found[marker.name] = " ".join(block.as_string().split())
    return found


def marker_at(scene: Any, frame: int) -> Any:
    """The marker on a frame; None when there is none."""
    return next((marker for marker in scene.timeline_markers if marker.frame == frame), None)


def prompt_of(marker: Any) -> str:
    """A marker's own prompt, from its text block when it has one; "" for none."""
    return read_marker(long_texts([marker]).get(marker.name, marker.name)).prompt or ""


def set_prompt(marker: Any, prompt: str) -> None:
    """Give a marker a prompt of its own; its seed stays. What is too long for its name goes into a text block."""
    before = read_marker(long_texts([marker]).get(marker.name, marker.name))
    old = bpy.data.texts.get(marker.name)
    head = _HEAD.match(marker.name)
    prompt = " ".join(prompt.split())
    seed = f" seed: {before.seed}" if before.seed is not None else ""
    whole = f"{head[0] if head else 'K'}: {prompt}{seed}" if prompt or seed else (head[0] if head else "K")
    if len(whole.encode()) <= MOST_BYTES:
        marker.name = whole
    else:
        block = old or bpy.data.texts.new("K")
        block.from_string(whole)
        block.name = marker.name = _free_name(whole, block)
        old = None
    if old is not None:
        bpy.data.texts.remove(old)


def _free_name(whole: str, block: Any) -> str:
    """As much of a text as a marker's name holds, as no other block is called."""
    head, _, text = whole.partition(": ")
    for number in count(1):
        begin = f"{head}: " if number == 1 else f"K{number}: "
        room = MOST_BYTES - len(begin.encode()) - len("…".encode())
        name = begin + text.encode()[:room].decode("utf-8", "ignore").rstrip() + "…"
        other = bpy.data.texts.get(name)
        if other is None or other == block:
            return name
    raise AssertionError
