"""Texts that name files with weights."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restrip.looks.diffusion.checkpoints.file_lists import (
    Named,
    read_list,
    read_tags,
    renamed_list,
    renamed_tags,
    write_list,
)


def nothing(name: str) -> bool:
    return False


def entries(text: str, *known: str, kinds: bool = False) -> list[tuple[object, ...]]:
    found = read_list(text, known.__contains__, kinds=kinds)
    return [(*((entry.kind,) if kinds else ()), entry.name, *entry.weights) for entry in found]


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("", (), []),
        (" , \n,", (), []),
        ("grain:0.8, ink", (), [("grain", 0.8), ("ink",)]),
        ("grain : -0.8 \n ink: .5", (), [("grain", -0.8), ("ink", 0.5)]),
        ("v1.5:0.8", (), [("v1.5", 0.8)]),
        ("C:\\loras\\a.pt:0.5", (), [("C:\\loras\\a.pt", 0.5)]),
        ("C:\\loras\\a.pt", (), [("C:\\loras\\a.pt",)]),
        ("a:0.5:0.7", (), [("a", 0.5, 0.7)]),
        ("a:nan, b:inf, c:1e9", (), [("a:nan",), ("b:inf",), ("c:1e9",)]),
        ("a, b:0.5", ("a, b",), [("a, b", 0.5)]),
        ("a, b:0.5", ("a", "a, b"), [("a",), ("b", 0.5)]),
        ("a, b\n:0.5", (), [("a",), ("b",), ("", 0.5)]),
        ('"a, b":0.5, "say ""x"""', (), [("a, b", 0.5), ('say "x"',)]),
        ('"never closed, b', (), [('"never closed',), ("b",)]),
    ],
)
def test_lists(text: str, known: tuple[str, ...], found: list[tuple[object, ...]]) -> None:
    assert entries(text, *known) == found


def test_lists_of_kinds() -> None:
    text = 'canny=/a b:0.5@0.1-0.6, tile="C:\\x=y, z":2, file=/me@home/net, plain'
    assert entries(text, kinds=True) == [
        ("canny", "/a b", 0.5),
        ("tile", "C:\\x=y, z", 2.0),
        ("file", "/me@home/net"),
        ("", "plain"),
    ]
    assert [entry.span for entry in read_list(text, nothing, kinds=True)] == ["0.1-0.6", "", "", ""]


def test_prompts() -> None:
    prompt = "a fox <lora:grain:0.8>, <lora:C:\\ink.pt:1:0.5>lora:x <lora:lora:0.7> <b>"
    assert [(tag.name, tag.weights) for tag in read_tags(prompt)] == [
        ("grain", (0.8,)),
        ("C:\\ink.pt", (1.0, 0.5)),
        ("lora", (0.7,)),
    ]
    moved = renamed_tags(prompt, {"grain": "/there/g.pt", "lora": "/there/l.pt", "fox": "/there/fox"})
    assert moved == "a fox <lora:/there/g.pt:0.8>, <lora:C:\\ink.pt:1:0.5>lora:x <lora:/there/l.pt:0.7> <b>"


def test_a_list_that_names_nothing_of_these_stays_as_it_was() -> None:
    assert renamed_list("a:0.50,b", {"c": "d"}) == "a:0.50,b"
    assert renamed_list("a:0.50,b", {"b": "x y"}) == "a:0.5, x y"


name = st.text(st.sampled_from('ab ,:"@=\\/.é1'), min_size=1).filter(lambda text: text.strip())
weights = st.lists(st.sampled_from([0.5, -1.0, 2.0]), max_size=2).map(tuple)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(Named, name.map(str.strip), weights, st.sampled_from(["canny", "tile"])), max_size=4))
def test_what_is_written_reads_as_it_was(given_entries: list[Named]) -> None:
    found = read_list(write_list(given_entries), nothing, kinds=True)
    assert [(e.kind, e.name, e.weights) for e in found] == [(e.kind, e.name, e.weights) for e in given_entries]


@pytest.mark.parametrize(
    "text", [", " * 9000, "a:" * 9000, " " * 19000 + "b", '"' * 19001, ":1" * 9000, "<lora:" * 3000]
)
def test_long_texts_are_read_at_once(text: str) -> None:
    """They are read once: work doesn't grow with the square of their length."""
    assert len(read_list(text, nothing, kinds=True)) <= 1 and read_tags(text) == ()
