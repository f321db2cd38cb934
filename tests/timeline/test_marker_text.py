"""The grammar of markers: every example of its page, and texts that only look like it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline.marker_text import MarkerText, read_marker, read_noted

PAGE = Path(__file__).parents[2] / "docs" / "markers.md"
EXAMPLES = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 12


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_of_the_page(line: str) -> None:
    text, prompt, seed, image = (cell.strip() for cell in re.split(r"\|", line)[1:5])
    read = read_marker(text.strip("`"))
    assert (read.prompt or "", str(read.seed or ""), read.image or "") == (prompt, seed, image)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        *((text, True) for text in ("K", "K12 (motion)", "K: x", "seed: 4, oil", "image: a.png")),
        *((text, False) for text in ("Kitchen: wide", "F_12", "", "a fox seed: 7", "k")),
    ],
)
def test_what_is_surely_meant_for_us(text: str, named: bool) -> None:
    assert read_marker(text).named == named


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("image:", MarkerText("image:")),
        ("image: ", MarkerText("image:")),
        ("image: seed: 7", MarkerText(image="seed: 7", named=True)),
        ("image: /no/ending here seed: 7", MarkerText(None, 7, "/no/ending here", True)),
        ('image: "/left open.png', MarkerText(image='"/left open.png', named=True)),
        ("oil\n  on\tcanvas", MarkerText("oil on canvas")),
        ("seed: 1 seed: 2", MarkerText("seed: 2", 1, None, True)),
        ("seed: -5", MarkerText(None, -5, None, True)),
        ("seed: 7.5", MarkerText("seed: 7.5")),
        ("image: /a/b.pngs/c.jpg, oil", MarkerText("oil", None, "/a/b.pngs/c.jpg", True)),
    ],
)
def test_odd_texts(text: str, read: MarkerText) -> None:
    assert read_marker(text) == read


def test_what_one_text_leaves_open_another_fills() -> None:
    both = read_marker("oil").or_else(read_marker("K: ink seed: 3"))
    assert both == MarkerText("oil", 3, None, True)


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    read = read_marker(text)
    assert read.prompt is None or read.prompt.strip(" ,") == read.prompt
    assert read.image is None or read.image in text


@pytest.mark.parametrize(
    ("name", "note", "prompt"),
    [
        ("a fox", "a hare", "a hare"),
        ("a fox", "", "a fox"),
        ("Restrip key a fox", "", None),
        ("Restrip key a fox", "a hare", "a hare"),
        ("a fox", "Restrip: a hare", "a fox"),
        ("Marker 3", "a hare", "a hare"),
        ("Marker 3", "", None),
    ],
)
def test_a_marker_of_resolve_is_read_from_its_note_then_from_a_name_that_is_the_users(
    name: str, note: str, prompt: str | None
) -> None:
    assert read_noted(name, note).prompt == prompt
