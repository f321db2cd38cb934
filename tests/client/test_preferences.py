"""What the user set for the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.client.preferences import CACHE_MIB, Preferences


def test_it_is_read_back(tmp_path: Path) -> None:
    assert Preferences.load(tmp_path) == Preferences(CACHE_MIB)
    Preferences(10.5).save(tmp_path)
    assert Preferences.load(tmp_path) == Preferences(10.5)
    assert [path.name for path in tmp_path.iterdir()] == ["preferences.json"]
    assert (tmp_path / "preferences.json").stat().st_mode & 0o077 == 0


WRONG = ("", "[]", "{}", "3", *(f'{{"cache_mib": {mib}}}' for mib in ("-1", "true", '"1"', "1e999", "NaN", "[1]")))


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_size_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "preferences.json").write_text(text)
    assert Preferences.load(tmp_path, Preferences(7)) == Preferences(7)
