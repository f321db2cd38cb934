"""Whether the engine that runs is still the one that is installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from engine_bench import stopped_clock

from restrip.service import installed as module
from restrip.service.installed import GONE_S, Installed, Now


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small installation."""
    folder = tmp_path / "restrip"
    (folder / "service").mkdir(parents=True)
    (folder / "service" / "__main__.py").write_text("x = 1")
    return folder


def test_an_upgrade_is_seen_and_the_same_again_is_none(package: Path) -> None:
    there = Installed(package)
    assert there.look() is Now.SAME and not there.differs
    os.utime(package / "service" / "__main__.py", (1, 1))
    assert there.look() is Now.SAME
    (package / "service" / "__main__.py").write_text("x = 2")
    assert there.look() is Now.CHANGED and there.differs


def test_files_may_be_missing_for_a_moment(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = stopped_clock(monkeypatch, module)
    there = Installed(package)
    aside = package.with_name("aside")
    shutil.move(package, aside)
    assert there.look() is Now.UNCLEAR and there.differs
    now[0] += GONE_S - 1
    assert there.look() is Now.UNCLEAR
    shutil.move(aside, package)
    assert there.look() is Now.SAME
    shutil.move(package, aside)
    assert there.look() is Now.UNCLEAR
    now[0] += GONE_S
    assert there.look() is Now.GONE
