"""Textual inversion embeddings: words of a prompt that name a file in an "embeddings" folder. Without torch.

    an oil painting, easynegative        the name of embeddings/easynegative.safetensors, alone or inside other words
    embedding:easynegative.pt            as ComfyUI writes it; without such a file an error
    <embedding:/a/path/of/one.pt>        the file itself, wherever it lies

Names are read without regard to case, the longest first; what isn't one of them is a word like others (A1111 reads them
in that way).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from restrip.looks.diffusion.checkpoints.finding import SUFFIXES, MissingCheckpoint, below, models_roots

FOLDER = "embeddings"

PREFIX = "embedding:"
NOWHERE = Path()

_ENDING = rf"(?:{'|'.join(map(re.escape, SUFFIXES))})?"


@dataclass(frozen=True)
class NamedEmbedding:
    """A place in a text that names an embedding: from `start` to `end`, its name or path, and the file."""

    start: int
    end: int
    name: str
    path: Path


def embedding_folders() -> list[Path]:
    """The folders of embeddings of A1111 and ComfyUI, under those that RESTRIP_MODELS names."""
    return [root / FOLDER for root in models_roots() if (root / FOLDER).is_dir()]


def embedding_files() -> dict[str, Path]:
    """The embeddings that are there, by their names in small letters; of several of one name the first."""
    found: dict[str, Path] = {}
    for path in sorted(below(embedding_folders())):
        found.setdefault(path.stem.lower(), path.absolute())
    return found


def embeddings_in(prompt: str) -> tuple[NamedEmbedding, ...]:
    """The embeddings that a prompt names, in order. Raises MissingCheckpoint for one that isn't there."""
    found = tuple(_named(prompt))
    missing = next((one.name for one in found if one.path == NOWHERE), None)
    if missing is not None:
        raise MissingCheckpoint(missing, embedding_folders())
    return found


def embeddings_here(prompt: str) -> tuple[NamedEmbedding, ...]:
    """The embeddings that a prompt names, in order, without those that aren't there."""
    return tuple(one for one in _named(prompt) if one.path != NOWHERE)


def _named(text: str) -> Iterator[NamedEmbedding]:
    files = embedding_files()
    names = "|".join(map(re.escape, sorted(files, key=len, reverse=True))) or "(?!)"
    pattern = (
        r"<(?:lora|lyco):[^<>]*>"  # A LoRA's name is no word of the prompt.
        rf"|<{PREFIX}(?P<path>[^<>]*)>"
        rf"|(?<!\w)(?:{PREFIX})?(?P<name>{names}){_ENDING}(?!\w)"
        rf"|(?<!\w){PREFIX}(?P<missing>[\w.-]+)"
    )
    for found in re.finditer(pattern, text, re.IGNORECASE):
        name = found["path"] or (found["name"] or "").lower() or found["missing"]
        if name:
            path = NOWHERE if found["missing"] else Path(name).absolute() if found["path"] else files[name]
            if path.suffix.lower() not in SUFFIXES or not path.is_file():
                path = NOWHERE
            yield NamedEmbedding(found.start(), found.end(), name, path)


def renamed_embeddings(prompt: str, places: Mapping[str, str]) -> str:
    """A prompt with new paths for the embeddings that it names: `places` has them by PREFIX and their names."""
    if not any(name.startswith(PREFIX) for name in places):
        return prompt
    for one in reversed(embeddings_here(prompt)):
        place = places.get(PREFIX + one.name)
        if place is not None:
            prompt = f"{prompt[: one.start]}<{PREFIX}{place}>{prompt[one.end :]}"
    return prompt
