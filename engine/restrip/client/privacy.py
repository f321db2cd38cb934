"""Keeping what a job is about out of the log: its prompts, the names of its footage, the folders it lies in.

What libraries print and what stands in their errors is not the engine's to choose, so every line of a worker's
passes here: paths are cut to their ending, and any two words in a row of the job's own texts are left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

LEFT_OUT = "<left out>"
WORDS_IN_A_ROW = 2
SHORTEST = 3
"""Letters of a text of its own that is worth hiding: "a" as a name would blacken the log."""

_OPEN = {
    *("job_id", "created", "rate", "source_rate", "offset_s", "mode", "format", "fade", "kind", "by"),
    *("beginning", "states", "digits", "first", "count"),
}
"""Fields of a job that say nothing about it. All others are private, those to come included."""

# From where a path may begin to the line's last separator and what follows it: folders may have blanks in their
# names, so too much is cut rather than too little.
_PATH = re.compile(r"(?<![\w.<])(?:[A-Za-z]:)?[\\/][^\n'\"]*[\\/][^\\/\s'\":,;)]*|(?<![\w.<\\/])[\\/][^\\/\s'\":,;)]+")
_ROOTS = sorted(
    {f"{root}{separator}" for root in (*sys.path, sys.prefix, sys.base_prefix) if len(root) > 3 for separator in "/\\"},
    key=len,
    reverse=True,
)
_WORD = re.compile(r"[^\W_]+")


def without_paths(text: str) -> str:
    """The text with every path cut down to <path> and its suffix, so that names of people and footage don't show.

    Files of Python's own keep their place below its folders: a trace is of no use without them.
    """
    for root in _ROOTS:
        text = text.replace(root, "")
    return _PATH.sub(lambda found: "<path>" + Path(found.group().replace("\\", "/")).suffix[:8], text)


class Private:
    """The texts of one job, or of one question, that are not to be seen."""

    def __init__(self, *bodies: Any) -> None:
        self._rows: set[tuple[str, ...]] = set()
        for body in bodies:
            for text in _texts(body):
                self._keep(text)

    def hide(self, text: str) -> str:
        """The text without paths and without the job's own words."""
        text = without_paths(text)
        words = list(_WORD.finditer(text))
        names = [word.group().casefold() for word in words]
        hidden = [False] * len(words)
        for length in range(1, WORDS_IN_A_ROW + 1):
            for n in range(len(words) - length + 1):
                if tuple(names[n : n + length]) in self._rows:
                    hidden[n : n + length] = [True] * length
        for n in reversed(range(len(words))):
            if hidden[n] and (n == 0 or not hidden[n - 1]):
                last = next((m for m in range(n, len(words)) if not hidden[m]), len(words)) - 1
                text = text[: words[n].start()] + LEFT_OUT + text[words[last].end() :]
        return text

    def _keep(self, text: str) -> None:
        words = [word.group().casefold() for word in _WORD.finditer(text)]
        if sum(map(len, words)) < SHORTEST:
            return
        length = min(len(words), WORDS_IN_A_ROW)
        self._rows.update(tuple(words[n : n + length]) for n in range(len(words) - length + 1))


def _texts(value: Any, field: str = "") -> Iterator[str]:
    """Every private text in a JSON value; of a path also the file's name, alone and without its ending. What stands
    before the colon of a look's name is its kind, which is no secret.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            look = field == "look" and name == "name" and isinstance(inner, str)
            yield from _texts(inner.partition(":")[2] or inner if look else inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, field)
    elif isinstance(value, str) and field not in _OPEN:
        yield value
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(value)
            if len(path.parts) > 1:
                yield path.name
                yield path.stem
