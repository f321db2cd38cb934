"""Fusion's text format for compositions: nested tables with constructors, read with their places in the text.

Tools = ordered() {
    Merge1 = Merge { Inputs = { Blend = Input { Value = 0.5, }, }, },
    ["a name"] = FuID { "x" },  [0] = { 1, RH = { 2, 1 } },
}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from restrip.errors import RestripError

_TOKEN = re.compile(
    r"""(?P<space>\s+|--\[\[.*?\]\]|--[^\n]*)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
      | (?P<word>[A-Za-z_][A-Za-z_0-9.:]*)
      | (?P<mark>[{}()\[\]=,;])""",
    re.VERBOSE | re.DOTALL,
)


class BadComp(RestripError):
    """A composition that can't be read, or isn't what was expected."""

    code = "bad-comp"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The Fusion composition can't be used: {what}.",
            "Set `seams = baked` in the settings, stylize again, and place that.",
        )


@dataclass(frozen=True)
class Text:
    """A string, number or word, with its place [first, end) in the composition's text."""

    kind: str
    value: str
    first: int
    end: int


@dataclass
class Table:
    """A table with the constructor before it ("Merge"; "" when there is none) and where its content begins."""

    kind: str
    inside: int
    entries: list[tuple[str | None, Text | Table]] = field(default_factory=list)

    def get(self, *path: str) -> Text | Table | None:
        """What lies under a path of names."""
        found: Text | Table | None = self
        for name in path:
            if not isinstance(found, Table):
                return None
            found = next((value for key, value in found.entries if key == name), None)
        return found

    def table(self, *path: str) -> Table:
        """The table under a path. Raises BadComp."""
        found = self.get(*path)
        if not isinstance(found, Table):
            raise BadComp(f"it has no table {'.'.join(path)}")
        return found

    def numbers(self) -> list[float]:
        """The unnamed numbers in it."""
        return [float(v.value) for k, v in self.entries if k is None and isinstance(v, Text) and v.kind == "number"]


def read_comp(text: str) -> Table:
    """The outermost table of a composition. Raises BadComp."""
    reader = _Reader(list(_tokens(text)))
    found = reader.value()
    if not isinstance(found, Table) or reader.next is not None:
        raise BadComp("it is no single table")
    return found


def _tokens(text: str) -> Iterator[Text]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadComp(f"there is something unknown at character {at}: {text[at : at + 20]!r}")
        if match.lastgroup and match.lastgroup != "space":
            value = match.group()
            yield Text(match.lastgroup, value[1:-1] if match.lastgroup == "text" else value, match.start(), match.end())
        at = match.end()


class _Reader:
    def __init__(self, tokens: list[Text]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> Text | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def value(self) -> Text | Table:
        token = self._take()
        if token.kind == "mark" and token.value == "{":
            return self._table("", token.end)
        if token.kind == "mark":
            raise BadComp(f"a value was expected at character {token.first}")
        if token.kind == "word":
            if self._accept("("):
                self._expect(")")
            if self._accept("{"):
                return self._table(token.value, self._tokens[self._at - 1].end)
        return token

    def _table(self, kind: str, inside: int) -> Table:
        table = Table(kind, inside)
        while not self._accept("}"):
            table.entries.append((self._key(), self.value()))
            if not (self._accept(",") or self._accept(";")):
                self._expect("}")
                break
        return table

    def _key(self) -> str | None:
        """`name =` or `[key] =`; None when the entry has no key."""
        if self._accept("["):
            key = self._take().value
            self._expect("]")
            self._expect("=")
            return key
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
        if following is not None and following.kind == "mark" and following.value == "=":
            key = self._take().value
            self._expect("=")
            return key
        return None

    def _take(self) -> Text:
        if self.next is None:
            raise BadComp("it ends in the middle")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, mark: str) -> bool:
        token = self.next
        if token is not None and token.kind == "mark" and token.value == mark:
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            where = self.next.first if self.next else "the end"
            raise BadComp(f"{mark!r} was expected at {where}")
