from __future__ import annotations

import pytest

from restrip.looks.diffusion.checkpoints.finding import TINY
from restrip.looks.diffusion.conditioning.prompt import Piece, chunks, parse
from restrip.looks.diffusion.conditioning.tokenizer import Tokenizer, clip_tokenizer, read_tokenizer

ONE = 1.0


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a fox", [("a fox", 1)]),
        ("a (red) fox", [("a ", 1), ("red", 1.1), (" fox", 1)]),
        ("a (red:1.3) fox", [("a ", 1), ("red", 1.3), (" fox", 1)]),
        ("[dim]", [("dim", 1 / 1.1)]),
        ("((a) b)", [("a", 1.21), (" b", 1.1)]),
        ("((a:2) b:0.5)", [("a", 1.0), (" b", 0.5)]),
        (r"a \(b\) \[c\]", [("a (b) [c]", 1)]),
        (r"a\b \ c", [("ab  c", 1)]),
        (r"a\\b", [(r"a\b", 1)]),
        ("(open", [("open", 1.1)]),
        ("[open", [("open", 1 / 1.1)]),
        ("closed)", [("closed)", 1)]),
        ("12:30 :1.2) x", [("12:30 :1.2) x", 1)]),
        ("(a: .5 )", [("a", 0.5)]),
        ("([a)]", [("a", 1.0)]),
        ("a BREAK b", [("a", 1), (None, 1), ("b", 1)]),
        ("UNBREAKABLE", [("UNBREAKABLE", 1)]),
        ("", []),
    ],
)
def test_emphasis(prompt: str, pieces: list[tuple[str | None, float]]) -> None:
    found = parse(prompt)
    assert [piece.text for piece in found] == [text for text, _ in pieces]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in pieces])


def test_break_in_brackets_is_a_word() -> None:
    """Where they change weights; its weight is what A1111's own mark of a BREAK becomes."""
    assert parse("(a BREAK b)") == [Piece("a", 1.1), Piece("BREAK", -1.1), Piece("b", 1.1)]
    assert parse("(a BREAK b:1)") == [Piece("a", 1), Piece(None), Piece("b", 1)]


def test_chunks_of_75() -> None:
    parts = chunks("cat " * 80, clip_tokenizer())
    assert [len(part.tokens) for part in parts] == [75, 5]
    assert set(parts[0].tokens) == {2368}


def test_a_phrase_after_a_comma_is_not_torn() -> None:
    parts = chunks("cat " * 70 + ", " + "dog " * 10, clip_tokenizer())
    assert [len(part.tokens) for part in parts] == [71, 10]


def test_a_comma_too_far_back_counts_for_nothing() -> None:
    parts = chunks("cat " * 40 + ", " + "dog " * 60, clip_tokenizer())
    assert [len(part.tokens) for part in parts] == [75, 26]


def test_break_fills_the_chunk_and_weights_follow_their_tokens() -> None:
    parts = chunks("a (b:2) BREAK c", clip_tokenizer())
    assert [part.weights for part in parts] == [(1.0, 2.0), (1.0,)]


def test_an_empty_prompt_is_one_empty_chunk() -> None:
    assert [part.tokens for part in chunks("", clip_tokenizer())] == [()]


def test_a_short_encoder_has_short_chunks() -> None:
    small: Tokenizer = read_tokenizer(TINY / "tokenizer")
    assert [len(part.tokens) for part in chunks("a photo " * 20, small, 30)] == [30, 10]
