"""A notice on a strip: its colour tag turns red when its job failed, and is what it was before when that is over."""

from __future__ import annotations

from typing import Any

FAILED_COLOUR = "COLOR_01"


def mark(strip: Any) -> None:
    """Turn a strip red, remembering its own colour."""
    if strip is None or strip.restrip.tag_before:
        return
    strip.restrip.tag_before, strip.color_tag = strip.color_tag, FAILED_COLOUR


def clear(strip: Any) -> None:
    """Give a strip its own colour back, unless somebody chose another one meanwhile."""
    if strip is None or not strip.restrip.tag_before:
        return
    if strip.color_tag == FAILED_COLOUR:
        strip.color_tag = strip.restrip.tag_before
    strip.restrip.tag_before = ""
