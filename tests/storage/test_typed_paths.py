from __future__ import annotations

from pathlib import Path

import pytest

from restrip.storage.typed_paths import typed_path


def test_a_path_is_absolute_and_home_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert typed_path("~/clips/a.mov") == tmp_path / "home" / "clips" / "a.mov"
    assert typed_path("a.mov") == typed_path(Path("a.mov")) == tmp_path / "a.mov"
    assert typed_path("~nobody-of-this-name/a.mov") == tmp_path / "~nobody-of-this-name" / "a.mov"
