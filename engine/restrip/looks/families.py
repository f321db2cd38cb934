"""The families of looks: the one table that names them, what opens them, their settings and the files they name.

A new look is a file with a class of `restrip.looks.look.Look` and a function that opens it, and one entry in FAMILIES.
The supervisor and the command line read the table; nothing of a look is loaded before one is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from restrip.client.setting import Setting, complete, own
from restrip.looks.diffusion.settings import SD_SETTINGS, SD_TRAITS, without_prompt
from restrip.looks.look import PLAIN, Look, LookTraits, UnknownLook
from restrip.looks.settings import NEURAL_SETTINGS, PAINTED_SETTINGS

Size = tuple[int, int]
Values = Mapping[str, Any]


def _as_they_are(values: Values, defaults: Values) -> dict[str, Any]:
    """The settings of a look without a prompt and a seed."""
    return dict(values)


@dataclass(frozen=True)
class LookFamily:
    """A kind of look, named by the part of a look's name before the colon: "neural" in "neural:19". `aliases` are
    names that it had in older versions: jobs, presets and files with those go on working.

    `argument` says what follows the colon, and with it which files such a name names: a "number" none, a "file" that
    one, a "folder" the numbered pictures in it, a "model" a file of weights or a folder with a model's parts. `example`
    is a whole name, `usage` how the command line's help says which there are.

    `opener` is (module, function): called with what follows the colon, the values of `settings`, checked and complete,
    and the frames' `size` (width, height) when it is known, the function returns the Look. `settings` are the family's
    own; those that name files say so themselves (`Setting.files`). `traits` are those that no setting changes.
    `neutral` is given all values and all defaults, and returns the values with the prompt and the seed of the defaults,
    for keys bring theirs.
    """

    prefix: str
    label: str
    argument: Literal["number", "file", "folder", "model"]
    example: str
    help: str
    usage: str
    opener: tuple[str, str]
    settings: tuple[Setting, ...]
    traits: LookTraits = PLAIN
    neutral: Callable[[Values, Values], dict[str, Any]] = _as_they_are
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What may stand before the colon: the present name, then the older ones."""
        return (self.prefix, *self.aliases)

    @property
    def names_path(self) -> bool:
        """Whether what follows the colon may be a path."""
        return self.argument != "number"

    def open(self, argument: str, values: Values, size: Size | None = None) -> Look:
        """The look with checked and completed settings. Raises the look's own errors."""
        module, function = self.opener
        look: Look = getattr(import_module(module), function)(argument, values, size=size)
        return look

    def to_json(self) -> dict[str, Any]:
        """As the `settings` reply carries it."""
        return {name: getattr(self, name) for name in ("prefix", "aliases", "label", "argument", "example", "help")}


FAMILIES = (
    LookFamily(
        "neural",
        "Built-in look",
        "number",
        "neural:19",
        "One of 26 painted looks, or a mix of several by number, 3+12 or 3:0.7+12:0.3. Nothing to download.",
        usage="neural:0 to neural:25 (or a mix, neural:3+12)",
        opener=("restrip.looks.style_transfer.neural", "open_neural"),
        settings=NEURAL_SETTINGS,
    ),
    LookFamily(
        "painting",
        "Painting",
        "file",
        "painting:great_wave.jpg",
        "Any picture as the style: its colours and strokes.",
        usage="painting:FILE",
        opener=("restrip.looks.style_transfer.neural", "open_painting"),
        settings=NEURAL_SETTINGS,
    ),
    LookFamily(
        "keys",
        "Painted keys",
        "folder",
        "keys:painted/",
        "Key pictures made by hand: a folder of pictures named with their frame numbers, such as key_00045.png.",
        usage="keys:FOLDER",
        opener=("restrip.looks.keys_from_files", "open_painted"),
        settings=PAINTED_SETTINGS,
        aliases=("painted",),
    ),
    LookFamily(
        "sd",
        "Stable Diffusion",
        "model",
        "sd:dreamshaper_8.safetensors",
        "img2img with a checkpoint: a .safetensors, .gguf or .ckpt file, or a diffusers folder.",
        usage="sd:CHECKPOINT",
        opener=("restrip.looks.diffusion.look", "open_diffusion"),
        settings=SD_SETTINGS,
        traits=SD_TRAITS,
        neutral=without_prompt,
    ),
)


def look_settings() -> tuple[Setting, ...]:
    """The settings of all looks, each once; each names its families in `Setting.looks`."""
    return tuple({setting.key: setting for family in FAMILIES for setting in family.settings}.values())


def family_named(name: str) -> LookFamily | None:
    """The family of a look's name, whatever follows the colon; None for a name that isn't a look's, such as ""."""
    prefix = name.partition(":")[0]
    return next((family for family in FAMILIES if prefix in family.names), None)


def family_of(name: str) -> tuple[LookFamily, str]:
    """The family of a look's name and what follows the colon. Raises UnknownLook."""
    family, argument = family_named(name), name.partition(":")[2].strip()
    if family is not None and not argument:
        raise UnknownLook(
            f"{family.label} needs a {family.argument}, and none was chosen.",
            f"Choose one, such as {family.example}.",
            look=name,
        )
    if family is None:
        raise UnknownLook(
            f"There is no look {name!r}.", f"Looks are named like {', '.join(f.example for f in FAMILIES)}.", look=name
        )
    return family, argument


def settings_of(name: str) -> tuple[Setting, ...]:
    """The settings of the look `name`. Raises UnknownLook."""
    return family_of(name)[0].settings


def own_settings(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a whole job that belong to the look `name`, checked and completed with defaults.

    Raises UnknownLook, BadSetting.
    """
    return own(settings_of(name), given)


def open_look(name: str, settings: Mapping[str, Any], *, size: Size | None = None) -> Look:
    """The look `name` with its settings; what is left out has its default.

    `size` is (width, height) of the frames to come, when known: a look that can't work at it says so here and not in
    the middle of a job. Raises UnknownLook, BadSetting (a setting that isn't this look's: see `own_settings`),
    LookUnavailable, and the look's own errors.
    """
    family, argument = family_of(name)
    return family.open(argument, complete(family.settings, settings), size)
