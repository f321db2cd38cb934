"""The words of what doesn't fit."""

from __future__ import annotations

import pytest

from restrip.codec import Misfit, said


def test_a_path_grows_from_within() -> None:
    misfit = Misfit("is missing", "frame").under("[2]").under("keys")
    assert str(misfit) == "keys[2].frame is missing" and misfit.path == "keys[2].frame"
    assert str(Misfit("is 3").under("keys")) == "keys is 3"
    assert str(Misfit("is 3")) == "it is 3"


def test_names_of_any_length_are_cut() -> None:
    assert len(str(Misfit("is 3").under("x" * 10_000))) < 100


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "None"), (3, "3"), ("a", "'a'"), ([1], "a list"), ({}, "a dict"), (10**99, "a number that is too large")],
)
def test_what_a_value_is_called(value: object, words: str) -> None:
    assert said(value) == words


def test_long_texts_are_cut() -> None:
    assert len(said("x" * 10_000)) == 80
