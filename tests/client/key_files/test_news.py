"""What a watch tells of keys: in a sentence, and through a pipe."""

from __future__ import annotations

import pytest

from restrip.client.key_files.news import KeyFileGone, KeyHalfSaved, KeyNews, news_from_json, news_to_json


def test_all_of_a_look_goes_through_a_pipe() -> None:
    troubles = (KeyHalfSaved("/k/key_00045.png"), KeyFileGone("/k/key_00060.png"))
    look = KeyNews(("/k/a.png",), ("/k/b.png", "/k/c.png"), ("/k/d.png",), ("/k/e.png",), troubles, ("It is back.",))
    again = news_from_json(news_to_json(look))  # type: ignore[arg-type]
    assert (again.saved, again.added, again.removed) == (look.saved, look.added, look.removed)
    assert (again.unused, again.well) == (look.unused, look.well)
    assert [error.to_wire() for error in again.troubles] == [error.to_wire() for error in troubles]
    assert news_from_json(news_to_json(KeyNews())) == KeyNews()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("news", "said"),
    [
        (KeyNews(), ""),
        (KeyNews(unused=("/k/a.png",), well=("It is back.",)), ""),
        (KeyNews(saved=("/k/a.png",)), "a.png was saved."),
        (KeyNews(saved=("/k/a.png", "/k/b.png")), "a.png, b.png were saved."),
        (
            KeyNews(("/k/a.png",), ("/k/b.png",), ("/k/c.png", "/k/d.png")),
            "a.png was saved, b.png is new, c.png, d.png are gone.",
        ),
    ],
)
def test_what_changed_is_one_sentence(news: KeyNews, said: str) -> None:
    assert news.said() == said and news.changed == bool(said)
