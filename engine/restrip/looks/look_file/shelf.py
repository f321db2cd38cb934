"""The folder of the user's looks. Loads no numerics.

<state>/looks/NAME.restriplook       one file a look: copying it is sharing it
             /parts/                 what was taken out of looks: paintings, thumbnails; named by their sha256
             /models.json            where models with some sha256 lay when a look was saved
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from restrip.client.discovery import state_dir
from restrip.errors import BadInput
from restrip.looks.look_file.record import SUFFIX
from restrip.storage.atomic import write_whole

MOST_NAME = 80
MOST_NAME_BYTES = 240
"""Of file systems' 255, with the ending."""

JOINERS = frozenset("\u200c\u200d")
"""How letters hang together in Persian or Hindi."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class UnknownLookFile(BadInput):
    """A saved look that isn't there."""

    code = "unknown-look-file"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no saved look {name[:200]!r}.",
            "`restrip look list` has those of this computer; a file may be named by its path.",
            name=name,
        )


class BadLookName(BadInput):
    """A name that can't be a file's on every system."""

    code = "bad-look-name"

    def __init__(self, name: str, remedy: str = "") -> None:
        super().__init__(
            f"A look can't be called {name[:100]!r}.",
            f"{remedy}Use up to {MOST_NAME} letters, digits, spaces and - _ . ( ) +.",
            name=name,
        )


def looks_folder() -> Path:
    """Where the user's looks are."""
    return state_dir() / "looks"


def path_of(name: str) -> Path:
    """The file of a look of this name, there or not. Names that differ by case or by how accents are written are one
    name, as they are on some file systems: it is the file that is there. Raises BadLookName.
    """
    plain = unicodedata.normalize("NFC", name).strip().removesuffix(SUFFIX).strip()
    sound = 0 < len(plain) <= MOST_NAME and all(map(_is_of_names, plain)) and not plain.startswith(".")
    begun = sound and unicodedata.category(plain[0])[0] != "M" and JOINERS.isdisjoint((plain[0], plain[-1]))
    if not begun or plain.endswith(".") or _DEVICES.fullmatch(plain) or len(plain.encode()) > MOST_NAME_BYTES:
        raise BadLookName(name)
    wanted = looks_folder() / f"{plain}{SUFFIX}"
    if wanted.exists():
        return wanted
    return next((path for path in saved_looks() if _folded(path.stem) == _folded(plain)), wanted)


def find_look(name: str) -> Path:
    """The file that `name` means: a saved look's name, or an absolute path. Raises UnknownLookFile."""
    given = Path(os.path.expanduser(name))
    if given.is_absolute():
        return given
    with suppress(BadLookName):
        saved = path_of(name)
        if saved.is_file():
            return saved
    raise UnknownLookFile(name)


def name_of(path: str | Path) -> str:
    """What the user calls the look that a file holds: the file's name, whatever it was called when it was saved."""
    return Path(path).name.removesuffix(SUFFIX)


def saved_looks() -> Iterator[Path]:
    """The files of the user's looks, by name."""
    folder = looks_folder()
    found = folder.glob(f"*{SUFFIX}") if folder.is_dir() else ()
    yield from sorted((path for path in found if not path.name.startswith(".")), key=lambda path: path.name.casefold())


def kept_part(content: bytes, sha256: str, suffix: str) -> Path:
    """A file with what was taken out of a look, made when it isn't there; `suffix` with its dot."""
    folder = looks_folder() / "parts"
    target = folder / f"{sha256}{suffix}"
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(target, content)
    return target


def _is_of_names(sign: str) -> bool:
    """Whether names may hold it: letters and digits of all scripts, their marks (vowels in Hindi or Thai), joiners."""
    return sign.isalnum() or sign in " ._()+-" or sign in JOINERS or unicodedata.category(sign) in ("Mn", "Mc")


def _folded(name: str) -> str:
    """What names have in common that are one name: joiners aren't seen."""
    seen = "".join(sign for sign in unicodedata.normalize("NFC", name) if sign not in JOINERS)
    return unicodedata.normalize("NFC", seen.casefold())
