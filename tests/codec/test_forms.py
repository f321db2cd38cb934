"""Reading with an error of one's own, annotations beside dataclasses, and those without a form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from restrip import codec
from restrip.errors import BadInput


@dataclass(frozen=True)
class Leaf:
    frame: int


def test_the_error_of_whoever_reads() -> None:
    with pytest.raises(BadInput, match=r"^It can't be read: it is 3, which is no object\. Try again\.$"):
        codec.read(Leaf, 3, lambda why: BadInput(f"It can't be read: {why}.", "Try again."))


def test_an_annotation_without_a_form() -> None:
    with pytest.raises(TypeError, match="no form in JSON"):
        codec.read(set, [])


def test_annotations_beside_dataclasses() -> None:
    told = codec.write_as(dict[str, tuple[Leaf, ...]], {"a": (Leaf(1),)})
    assert told == {"a": [{"frame": 1}]}
    assert codec.read(dict[str, tuple[Leaf, ...]], told) == {"a": (Leaf(1),)}
    assert codec.read(list[Any], (1, "a")) == [1, "a"]
    assert codec.write_as(Leaf | None, None) is None and codec.write_as(Leaf | None, Leaf(2)) == {"frame": 2}
