"""Numbers, texts, lists and objects out of JSON and into it."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest

from restrip import codec
from restrip.codec import values


@values.as_text
class Angle:
    """Written as "90deg"."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __str__(self) -> str:
        return f"{self.degrees:g}deg"

    @classmethod
    def parse(cls, text: str | float) -> Angle:
        """Of its text, or of the number alone."""
        return cls(float(str(text).removesuffix("deg")))


def test_numbers() -> None:
    assert codec.read(int, 25.0) == 25 and type(codec.read(int, 25.0)) is int
    assert type(codec.read(float, 2)) is int, "written again as it was"
    assert codec.read(Fraction, 0.02) == Fraction(1, 50) and codec.read(Fraction, 3) == 3
    assert codec.read(tuple[int, ...], [10**13]) == (10**13,)
    with pytest.raises(codec.Misfit, match=r"^\[1\] is 10000000000000, which is too large$"):
        codec.read(tuple[int, ...], [1, 10**13], most=10**12)


def test_digits_without_end_are_not_written_out() -> None:
    with pytest.raises(codec.Misfit, match="too large"):
        codec.read(int, 10**5000, most=10)
    with pytest.raises(codec.Misfit, match="a number that is too large"):
        codec.read(str, 10**5000)
    with pytest.raises(codec.Misfit):
        codec.read(Fraction, 10**5000)


@pytest.mark.parametrize("given", ["90deg", 90, 90.0])
def test_a_class_that_is_a_text_is_parsed_and_written_by_itself(given: str | float) -> None:
    form = values.text_of(Angle)
    made = form.read(given, None)
    assert type(made) is Angle and made.degrees == 90
    assert form.write(made) == "90deg" == codec.write(made)
    assert codec.read(tuple[Angle, ...], [given])[0].degrees == 90


@pytest.mark.parametrize("given", [True, False, None, ["90deg"], {"degrees": 90}])
def test_what_is_no_text_is_not_parsed(given: Any) -> None:
    with pytest.raises(codec.Misfit, match=r"which is no text$"):
        values.text_of(Angle).read(given, None)


def test_an_object_is_given_back_as_it_is() -> None:
    for given in ({}, {"a": 1}, MappingProxyType({"b": [2]})):
        assert values.an_object(given) is given


@pytest.mark.parametrize("given", [None, "a", 1, True, [], [["a", 1]], ("a",)])
def test_what_is_no_object_is_said(given: Any) -> None:
    with pytest.raises(codec.Misfit, match=r"^it is .*, which is no object$"):
        values.an_object(given)
    with pytest.raises(codec.Misfit, match=r"which is no object$"):
        values.object_of(values.PLAIN[int]).read(given, None)


def test_an_object_names_the_field_that_misfits() -> None:
    assert values.object_of(values.PLAIN[int]).read({"a": 1, "b": 2.0}, None) == {"a": 1, "b": 2}
    with pytest.raises(codec.Misfit, match=r"^b is 'c', which is no whole number$"):
        values.object_of(values.PLAIN[int]).read({"a": 1, "b": "c"}, None)


def test_items_are_written_each_by_its_own_form_and_their_number_is_fixed() -> None:
    form = values.items_of([values.PLAIN[Fraction], values.text_of(Angle)])
    read = form.read([0.5, "90deg"], None)
    assert read[0] == Fraction(1, 2) and read[1].degrees == 90
    assert form.write(read) == ["1/2", "90deg"]
    for given in ([0.5], [0.5, "90deg", 1]):
        with pytest.raises(codec.Misfit, match=rf"has {len(given)} items, not 2$"):
            form.read(given, None)
    with pytest.raises(codec.Misfit, match=r"^\[1\]"):
        form.read([0.5, None], None)


def test_what_may_be_missing_is_written_by_its_form_or_as_null() -> None:
    form = values.either_of([values.PLAIN[Fraction]], optional=True)
    assert form.write(None) is None and form.write(Fraction(1, 3)) == "1/3"
    assert form.read(None, None) is None and form.read("1/3", None) == Fraction(1, 3)
    either = values.either_of([values.PLAIN[int], values.PLAIN[str]], optional=False)
    assert either.read("a", None) == "a" and either.read(2.0, None) == 2 and either.write("a") == "a"
    with pytest.raises(codec.Misfit, match=r"which is no text$"):
        either.read(None, None)
