"""What happened to the pictures of keys since the last look, and what may be wrong with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from restrip.errors import BadInput, RemoteError, RestripError


@dataclass(frozen=True)
class KeyNews:
    """What is new since the last look, as paths: pictures saved again, come, and gone for good.

    `unused` are new pictures of frames that are no keys. `troubles` began, and what `well` says in sentences is over.
    """

    saved: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    troubles: tuple[RestripError, ...] = ()
    well: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is something to be rendered again."""
        return bool(self.saved or self.added or self.removed)

    def said(self) -> str:
        """One sentence for what changed: "key_00045.png was saved, key_00060.png is new."."""
        words = {"saved": self.saved, "new": self.added, "gone": self.removed}
        parts = [
            f"{', '.join(map(os.path.basename, paths))} {_verb(word, len(paths))}"
            for word, paths in words.items()
            if paths
        ]
        return f"{', '.join(parts)}." if parts else ""


def news_to_json(news: KeyNews) -> dict[str, object]:
    """A look for a pipe; `news_from_json` reads it."""
    return {
        **{name: list(getattr(news, name)) for name in ("saved", "added", "removed", "unused", "well")},
        "troubles": [error.to_wire() for error in news.troubles],
    }


def news_from_json(body: Mapping[str, list[str]]) -> KeyNews:
    """What `news_to_json` wrote; troubles with their codes and sentences."""
    paths = {name: tuple(body[name]) for name in ("saved", "added", "removed", "unused", "well")}
    return KeyNews(**paths, troubles=tuple(RemoteError(wire) for wire in body["troubles"]))  # type: ignore[arg-type]


class KeyFolderGone(BadInput):
    """The watched folder can't be listed any more, or lost all its pictures at once."""

    code = "key-folder-gone"

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(
            f"The folder of painted keys {folder} {why}.",
            "What was made of them stays. Bring it back, or connect its drive: the watch then goes on.",
            folder=folder,
        )


class KeyFileGone(BadInput):
    """A watched picture isn't there any more."""

    code = "key-file-gone"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The key's picture {path} is gone.",
            "What was made of it stays. Bring it back, or take the key away: the watch goes on.",
            path=path,
        )


class KeyHalfSaved(BadInput):
    """A watched picture that stays unfinished."""

    code = "key-half-saved"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The key's picture {path} isn't saved to its end, or can't be read.",
            "What was made of it before stays. Save it again: the watch goes on.",
            path=path,
        )


def _verb(word: str, count: int) -> str:
    return f"{'was' if count == 1 else 'were'} {word}" if word == "saved" else f"{'is' if count == 1 else 'are'} {word}"
