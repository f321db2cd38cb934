"""CLIP's tokenizer: byte-pair encoding of lower-cased text. Standard library only.

The rules are those of Radford et al. 2021's published merges (configs/clip, MIT); each model folder may bring its own.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

CLIP_MERGES = Path(__file__).parents[1] / "configs" / "clip" / "merges.txt.gz"

START, END = "<|startoftext|>", "<|endoftext|>"

CONTRACTIONS = re.compile(r"'(?:s|t|re|ve|m|ll|d)")


class Tokenizer:
    """Text to numbers. `start`, `end` and `pad` are the numbers that frame a prompt."""

    def __init__(self, vocabulary: dict[str, int], merges: Sequence[tuple[str, str]], pad: int | None = None) -> None:
        self.vocabulary = vocabulary
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.start, self.end = vocabulary[START], vocabulary[END]
        self.pad = self.end if pad is None else pad
        self._bytes = _byte_letters()

    def encode(self, text: str) -> list[int]:
        """The tokens of `text` without start and end; what the vocabulary lacks is the end token, as in CLIP."""
        return [token for word in _words(unicodedata.normalize("NFC", text).lower()) for token in self._word(word)]

    def _word(self, word: str) -> list[int]:
        pieces = [self._bytes[byte] for byte in word.encode("utf-8")]
        pieces[-1] += "</w>"
        while len(pieces) > 1:
            pairs = list(pairwise(pieces))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            pieces = _joined(pieces, best)
        return [self.vocabulary.get(piece, self.end) for piece in pieces]


def _words(text: str) -> list[str]:
    """Contractions, runs of letters, single digits, runs of anything else; spaces part words and are dropped."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if found := CONTRACTIONS.match(text, at):
            words.append(found.group())
            at = found.end()
            continue
        kind = _kind(text[at])
        end = at + 1
        while kind in ("letter", "other") and end < len(text) and _kind(text[end]) == kind:
            end += 1
        if kind != "space":
            words.append(text[at:end])
        at = end
    return words


def _kind(letter: str) -> str:
    if letter.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(letter)[0], "other")


def _joined(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(pieces):
        if tuple(pieces[at : at + 2]) == pair:
            joined.append(pair[0] + pair[1])
            at += 2
        else:
            joined.append(pieces[at])
            at += 1
    return joined


@lru_cache(maxsize=1)
def _byte_letters() -> dict[int, str]:
    """A printable letter for every byte: itself where it prints, one past 255 where it doesn't."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in printable}
    for offset, byte in enumerate(byte for byte in range(256) if byte not in letters):
        letters[byte] = chr(256 + offset)
    return letters


@lru_cache(maxsize=1)
def _clip_tables() -> tuple[dict[str, int], tuple[tuple[str, str], ...]]:
    with gzip.open(CLIP_MERGES, "rt", encoding="utf-8") as file:
        merges = tuple(_pair(line) for line in file.read().splitlines() if line)
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    order = [*printable, *(byte for byte in range(256) if byte not in set(printable))]
    letters = [_byte_letters()[byte] for byte in order]
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    return {word: number for number, word in enumerate(words)}, merges


def clip_tokenizer(pad: str = END) -> Tokenizer:
    """The tokenizer that every Stable Diffusion file uses; SDXL's second text encoder pads with "!" (`pad`)."""
    vocabulary, merges = _clip_tables()
    return Tokenizer(vocabulary, merges, vocabulary[pad])


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a diffusers folder, from vocab.json and merges.txt, or tokenizer.json.

    Raises OSError, ValueError and KeyError where those can't be read.
    """
    if (folder / "vocab.json").exists():
        vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
        lines = (folder / "merges.txt").read_text("utf-8").splitlines()
        merges = [_pair(line) for line in lines if line and not line.startswith("#version")]
    else:
        model = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
        vocabulary = model["vocab"]
        merges = [_pair(pair) if isinstance(pair, str) else (pair[0], pair[1]) for pair in model["merges"]]
    return Tokenizer(vocabulary, merges, vocabulary.get(_pad_of(folder)))


def _pad_of(folder: Path) -> str:
    """The padding token that the folder's settings name; SDXL's second tokenizer has "!"."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if path.exists():
            pad = json.loads(path.read_text("utf-8")).get("pad_token")
            if isinstance(pad, dict):
                pad = pad.get("content")
            if pad:
                return str(pad)
    return END


def _pair(line: str) -> tuple[str, str]:
    first, _, second = line.rstrip("\n").partition(" ")
    return first, second
