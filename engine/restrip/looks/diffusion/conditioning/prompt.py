"""Prompts as A1111 reads them: emphasis, 75-token chunks, BREAK.

    "a (red:1.3) fox, [blurry] BREAK night"
     -> ("a ", 1) ("red", 1.3) (" fox, ", 1) ("blurry", 1/1.1) BREAK ("night", 1)

`(x)` multiplies by 1.1, `[x]` divides by it, `(x:1.3)` by 1.3, a backslash takes a bracket or a backslash as it is and
goes elsewhere; what is never closed reaches to the end. In brackets that change weights BREAK is a word like others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from restrip.looks.diffusion.conditioning.tokenizer import Tokenizer

UP, DOWN = 1.1, 1 / 1.1

# A phrase of at most so many tokens after the last comma moves to the next chunk as a whole.
COMMA_REACH = 20

TOKENS = re.compile(r"\\[()\[\]\\]|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|[()\[\]]|[^\\()\[\]:]+|.", re.DOTALL)
# A BREAK whose weight brackets have changed is read as a word of that weight, in A1111 as here.
BREAK_WEIGHT = -1.0
BREAKS = re.compile(r"\s*\bBREAK\b\s*")


@dataclass(frozen=True)
class Piece:
    """A run of text of one weight; text None is a BREAK."""

    text: str | None
    weight: float = 1.0


@dataclass(frozen=True)
class Chunk:
    """Tokens and their weights, at most as many as fit between start and end."""

    tokens: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()


@dataclass
class _Run:
    text: str | None
    weight: float = 1.0


@dataclass
class _Reader:
    runs: list[_Run] = field(default_factory=list)
    opened: list[tuple[str, int]] = field(default_factory=list)

    def multiply(self, start: int, factor: float) -> None:
        for run in self.runs[start:]:
            run.weight *= factor

    def close(self, bracket: str, factor: float) -> bool:
        """Close the nearest such bracket; brackets of the other kind opened inside stay open."""
        for place in range(len(self.opened) - 1, -1, -1):
            if self.opened[place][0] == bracket:
                self.multiply(self.opened.pop(place)[1], factor)
                return True
        return False

    def text(self, text: str) -> None:
        for number, part in enumerate(BREAKS.split(text)):
            if number:
                self.runs.append(_Run(None, BREAK_WEIGHT))
            if part:
                self.runs.append(_Run(part))


def parse(prompt: str) -> list[Piece]:
    """The pieces of `prompt`, neighbours of equal weight joined."""
    reader = _Reader()
    for match in TOKENS.finditer(prompt):
        token, weight = match.group(), match.group("weight")
        if token.startswith("\\"):
            reader.runs.append(_Run(token[1:]))
        elif token in ("(", "["):
            reader.opened.append((token, len(reader.runs)))
        elif not (
            (weight is not None and reader.close("(", float(weight)))
            or (token == ")" and reader.close("(", UP))
            or (token == "]" and reader.close("[", DOWN))
        ):
            reader.text(token)
    for bracket, start in reader.opened:
        reader.multiply(start, UP if bracket == "(" else DOWN)
    return _joined(reader.runs)


def _joined(runs: Sequence[_Run]) -> list[Piece]:
    pieces: list[Piece] = []
    for run in runs:
        last = pieces[-1] if pieces else None
        if run.text is None:
            pieces.append(Piece(None) if run.weight == BREAK_WEIGHT else Piece("BREAK", run.weight))
        elif run.text == "":
            continue
        elif last is not None and last.text is not None and last.weight == run.weight:
            pieces[-1] = Piece(last.text + run.text, run.weight)
        else:
            pieces.append(Piece(run.text, run.weight))
    return pieces


Splitter = Callable[[str], Sequence[str | Sequence[int]]]
"""Parts a text into words to be made tokens of, and tokens that stay together."""


def chunks(prompt: str, tokenizer: Tokenizer, room: int = 75, split: Splitter | None = None) -> list[Chunk]:
    """The prompt cut into chunks of at most `room` tokens; an empty prompt is one empty chunk.

    `split` finds what isn't for the tokenizer; its tokens begin another chunk where they don't fit into this one.
    """
    done: list[Chunk] = []
    tokens: list[int] = []
    weights: list[float] = []
    comma_token = tokenizer.vocabulary.get(",</w>")
    comma = None

    def finish(upto: int) -> None:
        nonlocal tokens, weights, comma
        done.append(Chunk(tuple(tokens[:upto]), tuple(weights[:upto])))
        tokens, weights, comma = tokens[upto:], weights[upto:], None

    for piece in parse(prompt):
        if piece.text is None:
            finish(len(tokens))
            continue
        for part in split(piece.text) if split else [piece.text]:
            if not isinstance(part, str) and room - len(tokens) < len(part) <= room:
                finish(len(tokens))
            for token in tokenizer.encode(part) if isinstance(part, str) else part:
                if len(tokens) == room:
                    near = token != comma_token and comma is not None and room - comma <= COMMA_REACH
                    finish(comma + 1 if near and comma is not None else room)
                if token == comma_token:
                    comma = len(tokens)
                tokens.append(token)
                weights.append(piece.weight)
    if tokens or not done:
        finish(len(tokens))
    return done
