"""Dataclasses to JSON and back: every kind of annotation, defaults, other versions' fields, and what errors say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import pytest

from restrip import codec


@codec.as_row
@dataclass(frozen=True)
class Span:
    first: int
    end: int
    note: str = field(default="", metadata=codec.LEFT_OUT, compare=False)


@codec.as_row
@dataclass(frozen=True)
class Piece:
    """A row in a row."""

    span: Span
    left: int | None


@codec.as_text
@dataclass(frozen=True)
class Colour:
    code: int

    @classmethod
    def parse(cls, text: str) -> Colour:
        return cls(int(text.removeprefix("#"), 16))

    def __str__(self) -> str:
        return f"#{self.code:06x}"


@dataclass(frozen=True)
class Leaf:
    frame: int
    said: str | None = None


@dataclass(frozen=True)
class Whole:
    name: str
    version: int = field(default=1, init=False)
    kind: Literal["one", "two"] = field(default="one", kw_only=True)
    look: str = field(metadata=codec.at("look", "name"))
    settings: Mapping[str, Any] = field(metadata=codec.at("look", "settings"))
    leaf: Leaf = field(metadata=codec.at(inline=True))
    later: str = field(default="", metadata=codec.LEFT_OUT)
    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = field(default_factory=dict)
    size: tuple[int, float] = (1, 0.5)
    pieces: Sequence[Piece] = ()
    colour: Colour | None = None
    exact: Fraction = field(default=Fraction(0), metadata=codec.at(most=10))
    fade: str | int = "auto"
    flag: bool = False
    hex: int = field(default=0, metadata=codec.at(read=lambda text: int(text, 16), write=hex))
    words: list[Any] = field(default_factory=list)


WHOLE = Whole(
    "a",
    kind="two",
    look="neural:1",
    settings={"deep": {"er": [1]}},
    leaf=Leaf(7, "x"),
    leaves=(Leaf(1), Leaf(2, "y")),
    by_name={"b": Leaf(3)},
    size=(4, 2),
    pieces=(Piece(Span(0, 5), None), Piece(Span(5, 9), 1)),
    colour=Colour(255),
    exact=Fraction(1, 48),
    fade=12,
    flag=True,
    hex=255,
    words=["w", 1],
)
JSON = {
    "name": "a",
    "version": 1,
    "kind": "two",
    "look": {"name": "neural:1", "settings": {"deep": {"er": [1]}}},
    "frame": 7,
    "said": "x",
    "leaves": [{"frame": 1, "said": None}, {"frame": 2, "said": "y"}],
    "by_name": {"b": {"frame": 3, "said": None}},
    "size": [4, 2],
    "pieces": [[0, 5, None], [5, 9, 1]],
    "colour": "#0000ff",
    "exact": "1/48",
    "fade": 12,
    "flag": True,
    "hex": "0xff",
    "words": ["w", 1],
}


def test_fields_are_written_in_the_order_of_their_definition() -> None:
    assert json.dumps(codec.write(WHOLE)) == json.dumps(JSON)


def test_what_was_written_is_read() -> None:
    assert codec.read(Whole, json.loads(json.dumps(codec.write(WHOLE)))) == WHOLE


def test_absent_fields_have_defaults_and_unknown_ones_are_ignored() -> None:
    body = {"name": "a", "look": {"name": "n", "settings": {}, "new": 1}, "frame": 1, "version": 9, "of 2.0": {}}
    read = codec.read(Whole, body)
    assert read == Whole("a", look="n", settings={}, leaf=Leaf(1))
    assert codec.read(Whole, {**body, "kind": "three"}).kind == "three", "a newer version's word"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "name is None, which is no text"),
        ({"name": ["a"]}, "name is a list, which is no text"),
        ({"kind": 1}, "kind is 1, which is no text"),
        ({"look": {"settings": {}}}, "look.name is missing"),
        ({"look": 3}, "look is 3, which is no object"),
        ({"frame": "7"}, "frame is '7', which is no whole number"),
        ({"frame": True}, "frame is True, which is no whole number"),
        ({"frame": 1.5}, "frame is 1.5, which is no whole number"),
        ({"frame": 10**30}, "frame is a number that is too large"),
        ({"leaves": {}}, "leaves is a dict, which is no list"),
        ({"leaves": [{"frame": 1}, {"frame": None}]}, "leaves[1].frame is None, which is no whole number"),
        ({"leaves": [{"frame": 1}, 4]}, "leaves[1] is 4, which is no object"),
        ({"by_name": {"b": {}}}, "by_name.b.frame is missing"),
        ({"by_name": []}, "by_name is a list, which is no object"),
        ({"size": [1]}, "size has 1 items, not 2"),
        ({"size": [1, "2"]}, "size[1] is '2', which is no number"),
        ({"pieces": [[0, 1]]}, "pieces[0] has 2 items, not 3"),
        ({"pieces": [[0, "1", None]]}, "pieces[0][0][1] is '1', which is no whole number"),
        ({"colour": 1e6j}, "colour is a complex, which is no text"),
        ({"exact": "1/0"}, "exact is '1/0', which is no number or fraction"),
        ({"exact": "1e9"}, "exact is '1e9', which is no number or fraction"),
        ({"exact": float("inf")}, "exact is inf, which is no number or fraction"),
        ({"exact": 11}, "exact is 11, which is too large"),
        ({"fade": 1.5}, "fade is 1.5, which is no whole number"),
        ({"fade": [1]}, "fade is a list, which is no whole number"),
        ({"flag": 1}, "flag is 1, which is neither true nor false"),
    ],
)
def test_errors_say_which_field_and_what_was_found(change: dict[str, Any], words: str) -> None:
    with pytest.raises(codec.Misfit) as raised:
        codec.read(Whole, {**JSON, **change}, most=10**12)
    assert str(raised.value) == words


def test_what_any_holds_is_shared() -> None:
    inner = {"a": []}
    assert codec.write(Whole("a", look="", settings={"x": inner}, leaf=Leaf(0)))["look"]["settings"]["x"] is inner
