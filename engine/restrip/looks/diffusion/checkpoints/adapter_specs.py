"""Settings that name further files: LoRA and ControlNet, with their weights. Without torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.file_lists import Named, read_list, read_tags, without_tags
from restrip.looks.diffusion.checkpoints.finding import find_file
from restrip.looks.diffusion.recipe import Recipe

# What a ControlNet looks at; "file" and the last two take pictures that were made elsewhere, or the frame itself.
CONTROL_KINDS = ("canny", "lineart", "softedge", "tile", "depth", "file")


class BadExtra(BadInput):
    """A LoRA or ControlNet setting that can't be read."""

    code = "bad-extra"

    def __init__(self, text: str, form: str) -> None:
        super().__init__(f"{text!r} can't be read.", f"Write {form}.", text=text)


@dataclass(frozen=True)
class Weighted:
    """A file with its weight, and the one for text encoders where that is another."""

    path: Path
    weight: float = 1.0
    text_weight: float | None = None

    @property
    def weights(self) -> tuple[float, ...]:
        """What the picture depends on: the one weight, or the UNet's and the text encoders'."""
        return (
            (self.weight,) if self.text_weight in (None, self.weight) else (self.weight, float(self.text_weight or 0))
        )


@dataclass(frozen=True)
class ControlFile:
    """A ControlNet: what it looks at, its file or folder, its weight, and the share of the steps that it works in."""

    kind: str
    path: Path
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


def loras(recipe: Recipe) -> tuple[Weighted, ...]:
    """The LoRA files of the setting and of <lora:name:weight> in the prompt. Raises BadExtra, MissingCheckpoint."""
    named = [*read_list(recipe.lora, is_file), *read_tags(recipe.prompt)]
    return tuple(_lora(entry) for entry in named)


def _lora(entry: Named) -> Weighted:
    """As in A1111: of two weights the first is the text encoders', the second the UNet's."""
    form = "name:0.8, or name:0.8:0.6 with the text encoder's weight before the UNet's"
    if len(entry.weights) == 2:
        return Weighted(find_file(entry.name), entry.weights[1], entry.weights[0])
    weight = _weight(entry, form)
    return Weighted(find_file(entry.name), weight)


def without_loras(prompt: str) -> str:
    """The prompt as the text encoder reads it."""
    return without_tags(prompt)


def unused_loras(prompt: str, used: Sequence[Weighted]) -> list[str]:
    """LoRA that a key's own prompt names and the job doesn't: one model makes all keys."""
    paths = {lora.path for lora in used}
    return [entry.name for entry in read_tags(prompt) if _path(entry.name) not in paths]


def is_file(name: str) -> bool:
    """Whether `name` means a file or folder that is here."""
    return _path(name) is not None


def _path(name: str) -> Path | None:
    try:
        return find_file(name)
    except BadInput:
        return None


def controls(recipe: Recipe) -> tuple[ControlFile, ...]:
    """The ControlNets of the setting. Raises BadExtra, MissingCheckpoint."""
    return tuple(_control(entry) for entry in read_list(recipe.controlnet, is_file, kinds=True))


def _control(entry: Named) -> ControlFile:
    form = f"kind=file:weight, kind one of {', '.join(CONTROL_KINDS)}, and @0.0-0.8 behind it for a part of the steps"
    if entry.kind not in CONTROL_KINDS:
        raise BadExtra(entry.text, form)
    start, end = 0.0, 1.0
    if entry.span:
        low, _, high = entry.span.partition("-")
        start, end = _number(low, entry.text, form), _number(high, entry.text, form)
    weight = _weight(entry, form)
    return ControlFile(entry.kind, find_file(entry.name), weight, start, end)


def _weight(entry: Named, form: str) -> float:
    """The entry's one weight. What stands behind a colon and is no number is one only in a path."""
    tail = entry.name.rpartition(":")[2]
    if len(entry.weights) > 1 or not entry.name or (tail != entry.name and not re.search(r"[/\\]", tail)):
        raise BadExtra(entry.text, form)
    return entry.weights[0] if entry.weights else 1.0


def _number(text: str, entry: str, form: str) -> float:
    try:
        fraction = float(text)
    except ValueError:
        raise BadExtra(entry, form) from None
    if not 0 <= fraction <= 1:
        raise BadExtra(entry, form)
    return fraction
