"""The families of looks and their settings: pure tables that the supervisor and the front-ends read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.link.setting import Setting, complete
from restrip.looks.look import UnknownLook


@dataclass(frozen=True)
class LookFamily:
    """A kind of look, named by the part of a look's name before the colon: "neural" in "neural:19".

    `argument` says what follows the colon: "number", "file", "folder" or "model"; `example` is a whole name.
    """

    prefix: str
    label: str
    argument: str
    example: str
    help: str


FAMILIES = (
    LookFamily(
        "neural",
        "Built-in look",
        "number",
        "neural:19",
        "One of 26 painted looks, or a mix of several by number, 3+12 or 3:0.7+12:0.3. Nothing to download.",
    ),
    LookFamily(
        "painting", "Painting", "file", "painting:great_wave.jpg", "Any picture as the style: its colours and strokes."
    ),
    LookFamily(
        "painted",
        "Painted keys",
        "folder",
        "painted:keys/",
        "Key pictures made by hand: a folder of pictures named with their frame numbers, such as key_00045.png.",
    ),
    LookFamily(
        "sd",
        "Stable Diffusion",
        "model",
        "sd:dreamshaper_8.safetensors",
        "img2img with a checkpoint: a .safetensors or .ckpt file, or a diffusers folder.",
    ),
)

NEURAL_SETTINGS = (
    Setting(
        "style_strength",
        "float",
        1.0,
        "Style strength",
        "How much of the style: 1 is all of it. A built-in look is mixed with the source; a painting's style moves "
        "towards the source's own.",
        low=0.0,
        high=1.0,
        looks=("neural", "painting"),
    ),
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
        looks=("painted",),
    ),
)


def look_settings() -> tuple[Setting, ...]:
    """The settings of all looks; each names its families in `Setting.looks`."""
    from restrip.looks.diffusion.settings import SD_SETTINGS  # late: the table is long and the folder another's

    return (*NEURAL_SETTINGS, *PAINTED_SETTINGS, *SD_SETTINGS)


def family_of(name: str) -> tuple[LookFamily, str]:
    """The family of a look's name and what follows the colon. Raises UnknownLook."""
    prefix, _, argument = name.partition(":")
    family = next((family for family in FAMILIES if family.prefix == prefix), None)
    if family is not None and not argument.strip():
        raise UnknownLook(
            f"{family.label} needs a {family.argument}, and none was chosen.",
            f"Choose one, such as {family.example}.",
            look=name,
        )
    if family is None:
        raise UnknownLook(
            f"There is no look {name!r}.", f"Looks are named like {', '.join(f.example for f in FAMILIES)}.", look=name
        )
    return family, argument.strip()


def settings_of(name: str) -> tuple[Setting, ...]:
    """The settings of the look `name`. Raises UnknownLook."""
    prefix = family_of(name)[0].prefix
    return tuple(setting for setting in look_settings() if prefix in setting.looks)


def own_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a whole job that belong to the look `name`, checked and completed with defaults.

    Raises UnknownLook, BadSetting.
    """
    table = settings_of(name)
    keys = {setting.key for setting in table}
    return complete(table, {key: value for key, value in given.items() if key in keys})
