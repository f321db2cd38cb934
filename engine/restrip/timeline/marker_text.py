"""What a marker's text asks for: the one grammar of both editors and of the command line's keys file.

    K3 (motion): image: "/my films/key 3.png", an oil painting, seed: 7
    ^name        ^picture, first or not at all ^prompt          ^seed, a word of its own anywhere

`docs/markers.md` tells it to users; its table of examples is a test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from restrip.timeline.picture_files import PICTURE_ENDINGS

OWN = "Restrip"
"""Markers that Restrip sets in Resolve begin with it; their texts are no prompts."""

# The names that Resolve gives new markers, in the languages it speaks.
_DEFAULT_NAME = re.compile(
    r"(marker|marcador|marqueur|marcatore|markierung|маркер|マーカー|标记|標記|마커|เครื่องหมาย|đánh dấu)\s*\d*",
    re.IGNORECASE,
)
_NAMED = re.compile(r"K\d*\s*(?:\([^)]*\)\s*)?(?::\s*(?P<text>.*))?", re.DOTALL)
_SEED = re.compile(r"(?:^|(?:\s|,)+)seed\s*[:=]\s*(-?\d+)(?=$|\s|,)", re.IGNORECASE)
_LEADING_SEED = re.compile(r"seed\s*[:=]\s*(-?\d+)(?=$|\s|,)[\s,]*", re.IGNORECASE)
_IMAGE = re.compile(r"image\s*[:=]\s*(?=\S)", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'")
_ENDING = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(PICTURE_ENDINGS)))})(?=$|\s|,)", re.IGNORECASE)


@dataclass(frozen=True)
class MarkerText:
    """A key's prompt, seed and picture, each None when the text doesn't name it.

    `named` says that the text is surely meant for Restrip: it begins with K, K2, K (…), `image:` or `seed:`.
    """

    prompt: str | None = None
    seed: int | None = None
    image: str | None = None
    named: bool = False

    def or_else(self, other: MarkerText) -> MarkerText:
        """This, with what it doesn't name taken from `other`."""
        return MarkerText(
            self.prompt if self.prompt is not None else other.prompt,
            self.seed if self.seed is not None else other.seed,
            self.image if self.image is not None else other.image,
            self.named or other.named,
        )


def read_marker(text: str) -> MarkerText:
    """The text of a marker, of any kind; what isn't understood is prompt. White space counts as one space."""
    named = _NAMED.fullmatch(text.strip())
    rest = (named["text"] or "").strip() if named else text.strip()
    seed = None
    leading = _LEADING_SEED.match(rest)
    if leading and _IMAGE.match(rest, leading.end()):
        seed, rest = int(leading[1]), rest[leading.end() :]
    image, rest = _image(rest)
    surely = named is not None or image is not None or leading is not None
    if seed is None:
        found = _SEED.search(rest)
        if found:
            seed, rest = int(found[1]), rest[: found.start()] + rest[found.end() :]
    prompt = " ".join(rest.split()).strip(" ,")
    return MarkerText(prompt or None, seed, image, surely)


def read_noted(name: str, note: str) -> MarkerText:
    """A marker of DaVinci Resolve: its note, and its name for what the note leaves open.

    Texts that begin with Restrip are Restrip's own, and names that Resolve gave say nothing.
    """
    name, note = name.strip(), note.strip()
    said = MarkerText() if note.startswith(OWN) else read_marker(note)
    if not name.startswith(OWN) and not _DEFAULT_NAME.fullmatch(name):
        named = read_marker(name)
        if named.named or said == MarkerText():
            said = said.or_else(named)
    return said


def _image(text: str) -> tuple[str | None, str]:
    """The picture's path that a text begins with, and the rest; a path without quotes ends with a picture's ending."""
    begin = _IMAGE.match(text)
    if begin is None:
        return None, text
    quoted = _QUOTED.match(text, begin.end())
    if quoted:
        return quoted[1] or quoted[2], text[quoted.end() :]
    ending = _ENDING.search(text, begin.end())
    if ending:
        return text[begin.end() : ending.end()], text[ending.end() :]
    seed = _SEED.search(text, begin.end())
    end = seed.start() if seed else len(text)
    return text[begin.end() : end].strip(" ,") or None, text[end:]
