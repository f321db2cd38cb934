"""Where a model comes from and what its licence allows, as its own file and the card beside it say. Without torch."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.diffusion.checkpoints.finding import family_of, hub_folder
from restrip.looks.diffusion.checkpoints.weights.headers import read_metadata
from restrip.media.files import open_regular

UNKNOWN = "unknown"
# On the hub's cards: the name follows.
OTHER = "other"
LONGEST = 200
CARDS = ("README.md", "MODEL_CARD.md")
LARGEST_CARD = 64 << 10

# Words of licences that allow no commercial use: CC BY-NC, FLUX non-commercial, sai-nc-community, for research.
_NON_COMMERCIAL = re.compile(r"(?<![a-z])(non[\W_]*commercial|nc|research)(?![a-z])", re.IGNORECASE)
_LICENSE = re.compile(r"^\W*licen[sc]e(?:_name)?\W*:\s*(\S.*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Origin:
    """The licence's name and who made the model or where it was fetched, in the author's words; "" where neither the
    file nor a card says it.
    """

    license: str = ""
    origin: str = ""

    @property
    def forbids_commercial_use(self) -> bool:
        """Whether the licence's name says so. One that isn't known says nothing."""
        return bool(_NON_COMMERCIAL.search(self.license))

    def facts(self) -> dict[str, Any]:
        """For manifests and lists, "unknown" where nothing is known."""
        return {
            "license": self.license or UNKNOWN,
            "origin": self.origin or UNKNOWN,
            "forbids_commercial_use": self.forbids_commercial_use,
        }


def origin_of(path: Path) -> Origin:
    """What a .safetensors header says of its model, else the card: README.md in a folder, NAME.md or NAME.civitai.info
    beside a file, else what its family's authors say. A folder that was fetched from the hub comes from there. Never
    raises.
    """
    license_, author = "", ""
    if path.suffix == ".safetensors" and not path.is_dir():
        with suppress(BadInput, OSError):
            metadata = read_metadata(path)
            license_ = metadata.get("modelspec.license") or metadata.get("license") or ""
            author = metadata.get("modelspec.author") or metadata.get("author") or ""
    for card in _cards(path):
        named = [one for one in _LICENSE.findall(card) if one.strip() != OTHER] if not license_ else []
        license_ = named[0] if named else license_
    return Origin(_plain(license_) or _of_family(path), _plain(_from_hub(path) or author or _from_civitai(path)))


def _of_family(path: Path) -> str:
    """The licence of a family's weights, which those that were trained from them are bound by."""
    with suppress(BadInput, OSError):
        family = FAMILIES.get(family_of(path))
        return family.license if family is not None else ""
    return ""


def _cards(path: Path) -> Iterator[str]:
    places = [path / card for card in CARDS] if path.is_dir() else [path.with_suffix(".md")]
    for place in places:
        with (
            suppress(OSError, BadInput),
            open_regular(place) as file,
            io.TextIOWrapper(file, encoding="utf-8", errors="replace") as text,
        ):
            yield text.read(LARGEST_CARD)


def _from_hub(path: Path) -> str:
    with suppress(ValueError, IndexError):
        owner, dashes, name = path.absolute().relative_to(hub_folder().absolute()).parts[0].partition("--")
        return f"{hub.PREFIX}{owner}/{name}" if dashes else ""
    return ""


def _from_civitai(path: Path) -> str:
    """The page that the usual managers of models note in a file beside each."""
    with suppress(OSError, ValueError, TypeError, BadInput), open_regular(path.with_suffix(".civitai.info")) as file:
        told = json.loads(file.read(16 * LARGEST_CARD))
        return f"civitai.com/models/{int(told['modelId'])}" if isinstance(told, dict) and "modelId" in told else ""
    return ""


def _plain(text: str) -> str:
    return " ".join(str(text).split()).strip("\"'")[:LONGEST]
