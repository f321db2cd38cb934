"""The settings of the looks that need no model: pure tables that the supervisor and the front-ends read."""

from __future__ import annotations

from restrip.client.setting import Setting

ANCHOR_FILE = Setting(
    "anchor_file",
    "path",
    "",
    "Anchor from a look",
    "A saved look, by its name or file: its key is the anchor of all keys, in this strip and every other that uses it.",
    group="keys",
    looks=("sd", "neural", "painting"),
    files="one",
    holds="look",
)

STYLE_STRENGTH = Setting(
    "style_strength",
    "float",
    1.0,
    "Style strength",
    "How much of the style: 1 is all of it. A built-in look is mixed with the source; a painting's style moves "
    "towards the source's own; a style picture's colours and strokes are taken on by so much.",
    low=0.0,
    high=1.0,
    looks=("neural", "painting", "sd"),
    when=("style_picture", ()),
)
"""Looks without a style picture always have a style: the setting acts there."""

NEURAL_SETTINGS = (
    STYLE_STRENGTH,
    Setting(
        "stroke_size",
        "float",
        1.0,
        "Stroke size",
        "Size of the brush strokes: 2 paints with strokes twice as large, 0.5 with half as large ones (slower, and "
        "never finer than the frame's own pixels).",
        low=0.5,
        high=4.0,
        unit="x",
        looks=("neural", "painting"),
    ),
    Setting(
        "keep_color",
        "bool",
        False,
        "Keep colours",
        "Keep the source's colours and take only light and strokes from the style.",
        looks=("neural", "painting"),
    ),
    ANCHOR_FILE,
)

PAINTED_SETTINGS = (
    Setting(
        "first_number",
        "int",
        0,
        "First number",
        "The number in a painted picture's name that means the strip's first visible frame.",
        low=0,
        high=10**9,
        looks=("keys", "painted"),  # The older name too, by which a front-end of that age asks.
    ),
)
