"""Texts that name files with weights: read by the look, and where the files are sent to another computer.

    grain:0.8, "/models/ink, fine.safetensors":0.5              LoRA: names or paths, a weight behind a colon
    canny=/models/canny:1.0@0-0.6, tile="C:\\nets\\a:b.pth"       ControlNets: what they look at before an equals sign
    a fox <lora:grain:0.8> at dusk                              a prompt; only what stands in such brackets is a name

Commas and line breaks divide. A name in double quotes may hold anything ("" is a quote). One that isn't quoted may hold
commas when there is such a file, and not the one that ends at the first comma.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

Known = Callable[[str], bool]
"""Whether there is a file of this name."""

MOST_COMMAS = 6
"""In a name without quotes."""
MOST_WEIGHTS = 3

_WEIGHT = re.compile(r"[-+]?(?:\d{1,6}(?:\.\d{0,12})?|\.\d{1,12})")
_KIND = re.compile(r"\s*([A-Za-z_]*)\s*=")
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"([^,\n]*)')
_BY_NAME = re.compile(rf"(.*):\s*(te|unet)\s*=\s*({_WEIGHT.pattern})\s*", re.DOTALL)
# LyCORIS files had a tag of their own once.
_TAG = re.compile(r"<(?:lora|lyco):([^<>]*)>")


@dataclass(frozen=True)
class Named:
    """One entry: the file's name or path as it was written, its weights (none, one or more), what is before an equals
    sign, what is behind an at sign, and the entry's own text.
    """

    name: str
    weights: tuple[float, ...] = ()
    kind: str = ""
    span: str = ""
    text: str = ""


def read_list(text: str, known: Known, *, kinds: bool = False) -> tuple[Named, ...]:
    """The entries of a list, with `kinds` of ControlNets."""
    return tuple(_entries(text, known, kinds))


def write_list(entries: Iterable[Named]) -> str:
    """A list that reads as these entries."""
    return ", ".join(_written(entry) for entry in entries)


def read_tags(prompt: str) -> tuple[Named, ...]:
    """The LoRA that a prompt names in <lora:name:weight>."""
    return tuple(_tag(found[1]) for found in _TAG.finditer(prompt))


def without_tags(prompt: str) -> str:
    """The prompt as the text encoder reads it."""
    return _TAG.sub("", prompt)


def renamed_list(text: str, names: Mapping[str, str], *, kinds: bool = False) -> str:
    """A list with other names for its files; as it was when it names none of them."""
    entries = read_list(text, names.__contains__, kinds=kinds)
    if not any(entry.name in names for entry in entries):
        return text
    return write_list(replace(entry, name=names.get(entry.name, entry.name)) for entry in entries)


def renamed_tags(prompt: str, names: Mapping[str, str]) -> str:
    """A prompt with other names for the LoRA that it names; all other words stay."""

    def renamed(found: re.Match[str]) -> str:
        entry = _tag(found[1])
        return f"<lora:{found[1].replace(entry.name, names[entry.name], 1)}>" if entry.name in names else found[0]

    return _TAG.sub(renamed, prompt)


def _entries(text: str, known: Known, kinds: bool) -> Iterator[Named]:
    at = 0
    while at < len(text):
        if text[at] in ", \t\r\n":
            at += 1
            continue
        entry, at = _entry(text, at, known, kinds)
        yield entry


def _entry(text: str, begins: int, known: Known, kinds: bool) -> tuple[Named, int]:
    """The entry that begins there, and where it ends."""
    found = _KIND.match(text, begins) if kinds else None
    kind, at = (found[1], found.end()) if found else ("", begins)
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        rest, _, span = quoted[2].partition("@")
        _, weights = _weighted(rest)
        name = quoted[1].replace('""', '"')
        return Named(name, weights, kind, span.strip(), text[begins : quoted.end()].strip()), quoted.end()
    first: tuple[Named, int] | None = None
    for end in islice(_ends(text, at), MOST_COMMAS + 1):
        entry = _plain(text[at:end], kind, known, kinds)
        found_here = replace(entry, text=text[begins:end].strip()), end
        if known(entry.name):
            return found_here
        first = first or found_here
    assert first is not None
    return first


def _ends(text: str, at: int) -> Iterator[int]:
    """Where an entry without quotes may end: at each comma of its line."""
    line = text.find("\n", at)
    line = len(text) if line < 0 else line
    comma = text.find(",", at, line)
    while comma >= 0:
        yield comma
        comma = text.find(",", comma + 1, line)
    yield line


def _plain(text: str, kind: str, known: Known, kinds: bool) -> Named:
    name, weights = _weighted(text)
    before, at, span = text.rpartition("@")
    if not kinds or not at or known(name) or re.search(r"[/\\]", span):
        return Named(name, weights, kind)
    name, weights = _weighted(before)
    return Named(name, weights, kind, span.strip() or " ")


def _weighted(text: str) -> tuple[str, tuple[float, ...]]:
    """A name and the numbers behind its last colons."""
    name, weights = text, list[float]()
    while len(weights) < MOST_WEIGHTS:
        before, colon, weight = name.rpartition(":")
        if not colon or not _WEIGHT.fullmatch(weight.strip()):
            break
        name = before
        weights.insert(0, float(weight))
    return name.strip(), tuple(weights)


def _tag(body: str) -> Named:
    """A tag's name and weights; te=0.5 and unet=0.3 are two weights by name, as A1111 has them."""
    plain, told = body, dict[str, float]()
    while found := _BY_NAME.fullmatch(plain):
        plain, told[found[2]] = found[1], float(found[3])
    name, weights = _weighted(plain)
    if told:
        text = told.get("te", weights[0] if weights else 1.0)
        weights = (text, told.get("unet", weights[1] if len(weights) > 1 else text))
    return Named(name, weights, text=f"<lora:{body}>")


def _written(entry: Named) -> str:
    name = entry.name
    if not name or name != name.strip() or re.search(r'[,\n":=@]', name):
        name = '"' + name.replace('"', '""') + '"'
    weights = "".join(f":{weight:g}" for weight in entry.weights)
    return (f"{entry.kind}=" if entry.kind else "") + name + weights + (f"@{entry.span}" if entry.span else "")
