"""Settings that name further files: LoRA and ControlNet, with their weights. Without torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoint import MissingCheckpoint, find_file
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.settings import LORA_IN_PROMPT

# What a ControlNet looks at; "file" and the last two take pictures that were made elsewhere, or the frame itself.
CONTROL_KINDS = ("canny", "lineart", "softedge", "tile", "depth", "file")


class BadExtra(BadInput):
    """A LoRA or ControlNet setting that can't be read."""

    code = "bad-extra"

    def __init__(self, text: str, form: str) -> None:
        super().__init__(f"{text!r} can't be read.", f"Write {form}.", text=text)


@dataclass(frozen=True)
class Weighted:
    """A file with its weight."""

    path: Path
    weight: float = 1.0


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
    named = [_weighted(entry) for entry in _entries(recipe.lora)]
    for name, weight in LORA_IN_PROMPT.findall(recipe.prompt):
        named.append((name.strip(), _number(weight or "1", f"<lora:{name}:{weight}>", "<lora:name:0.8>")))
    return tuple(Weighted(find_file(name), weight) for name, weight in named)


def without_loras(prompt: str) -> str:
    """The prompt as the text encoder reads it."""
    return LORA_IN_PROMPT.sub("", prompt)


def unused_loras(prompt: str, used: Sequence[Weighted]) -> list[str]:
    """LoRA that a key's own prompt names and the job doesn't: one model makes all keys."""
    paths = {lora.path for lora in used}
    return [name for name, _ in LORA_IN_PROMPT.findall(prompt) if _path(name.strip()) not in paths]


def _path(name: str) -> Path | None:
    try:
        return find_file(name)
    except MissingCheckpoint:
        return None


def controls(recipe: Recipe) -> tuple[ControlFile, ...]:
    """The ControlNets of the setting. Raises BadExtra, MissingCheckpoint."""
    return tuple(_control(entry) for entry in _entries(recipe.controlnet))


def _control(entry: str) -> ControlFile:
    form = f"kind=file:weight, kind one of {', '.join(CONTROL_KINDS)}, and @0.0-0.8 behind it for a part of the steps"
    kind, equals, rest = entry.partition("=")
    if not equals or kind.strip() not in CONTROL_KINDS:
        raise BadExtra(entry, form)
    rest, _, span = rest.partition("@")
    start, end = 0.0, 1.0
    if span:
        low, _, high = span.partition("-")
        start, end = _number(low, entry, form), _number(high, entry, form)
    name, weight = _weighted(rest)
    return ControlFile(kind.strip(), find_file(name), weight, start, end)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip()]


def _weighted(entry: str) -> tuple[str, float]:
    name, colon, weight = entry.rpartition(":")
    try:
        return (name.strip(), float(weight)) if colon and name.strip() else (entry.strip(), 1.0)
    except ValueError:  # a colon of the path
        return entry.strip(), 1.0


def _number(text: str, entry: str, form: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadExtra(entry, form) from None
