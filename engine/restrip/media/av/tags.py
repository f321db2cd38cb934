"""FFmpeg's numbers for colour, and their names (ITU-T H.273)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from restrip.media.colour import ColourTags
from restrip.media.pixels import layout_of

MATRICES = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
}
UNKNOWN_CODINGS = {
    11: "Y'D'zD'x (SMPTE ST 2085)",
    14: "ICtCp",
    15: "IPT-PQ-c2 (SMPTE ST 2128)",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
"""Matrices that aren't converted and that no other stands for."""
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
RANGES = {1: "limited", 2: "full"}


def tags_of(picture: Any) -> ColourTags:
    """What an av.VideoFrame says about its colours."""
    layout = layout_of(picture.format)
    matrix = MATRICES.get(int(picture.colorspace), "unknown")
    full = layout.rgb or picture.format.name.startswith("yuvj")
    if picture.format.name.startswith(("gray", "ya")) and int(picture.color_range) not in RANGES:
        full = True  # As FFmpeg shows them.
    return ColourTags(
        "rgb" if layout.rgb else "unknown" if matrix == "rgb" else matrix,
        PRIMARIES.get(int(picture.color_primaries), "unknown"),
        TRANSFERS.get(int(picture.color_trc), "unknown"),
        "full" if full else RANGES.get(int(picture.color_range), "unknown"),
    )


def unknown_coding(picture: Any) -> str:
    """What an av.VideoFrame's code values stand for, in words, when that isn't converted here; else ""."""
    return "" if layout_of(picture.format).rgb else UNKNOWN_CODINGS.get(int(picture.colorspace), "")


def write_tags(target: Any, tags: ColourTags) -> None:
    """Put tags on an av codec context or an av.VideoFrame; 2 is FFmpeg's "unspecified"."""
    target.colorspace = _number(MATRICES, tags.matrix)
    target.color_primaries = _number(PRIMARIES, tags.primaries)
    target.color_trc = _number(TRANSFERS, tags.transfer)
    target.color_range = _number(RANGES, tags.range) if tags.range in RANGES.values() else 0


def first_timecode(places: Iterable[Mapping[str, str]]) -> str:
    """The first timecode in FFmpeg's metadata, whose names Matroska writes in capitals; "" when there is none."""
    named = ((name, value) for place in places for name, value in place.items())
    return next((value for name, value in named if name.lower() == "timecode" and value), "")


def _number(names: dict[int, str], name: str) -> int:
    return next((number for number, known in names.items() if known == name), 2)


def words(error: Exception) -> str:
    """What an error of FFmpeg's says, to stand in a sentence."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".").lower()
