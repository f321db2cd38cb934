"""Which format a transparent result is written in: one whose transparency Blender reads as it is meant.

Blender 5 takes movies of more than 8 bit for premultiplied, ProRes 4444 among them: edges would be too bright. It reads
FFV1 of 8 bit, and pictures, as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RIGHT = ("png", "tiff", "exr")
LABELS = {"ffv1": "FFV1 (lossless, with transparency)", "png": "PNG pictures (lossless, with transparency)"}


def fitting(wanted: Mapping[str, Any], media: Mapping[str, Any]) -> str:
    """The format for a strip with these values, whose `media` the engine described; the wanted one if that is fine."""
    chosen = str(wanted.get("format", "h264"))
    if not (media.get("alpha") or wanted.get("look_only")) or chosen in RIGHT:
        return chosen
    return "ffv1" if int(media.get("bit_depth", 8)) <= 8 else "png"


def said(wanted: Mapping[str, Any], written: str) -> str:
    """What the user should know about the format that is written; "" when it is the wanted one."""
    if written == wanted.get("format", "h264"):
        return ""
    return f"What is transparent stays so: the result is {LABELS.get(written, written)}."
