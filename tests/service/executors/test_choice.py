"""Which executor an engine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.service.executors.choice import Choice, chosen
from restrip.service.executors.local import LocalExecutor
from restrip.service.executors.ray.cluster import RayExecutor
from restrip.service.limits import Limits
from restrip.service.workers.process import Worker


def start(*words: object) -> Worker:
    raise AssertionError("nothing is started")


def test_without_a_word_it_is_this_machine(tmp_path: Path) -> None:
    assert chosen(["--detach"], tmp_path) == Choice()
    assert not (tmp_path / "executor.json").exists()


def test_what_was_said_once_counts_for_the_next_engine(tmp_path: Path) -> None:
    words = ["--executor", "ray", "--ray-address", "head:6379", "--ray-shared", "no", "--ray-window", "7"]
    said = chosen(words, tmp_path)
    assert said == Choice("ray", "head:6379", "no", 7)
    assert chosen(["--detach"], tmp_path) == said
    assert isinstance(said.executor(start, tmp_path, Limits()), RayExecutor)
    assert chosen(["--executor", "local"], tmp_path).name == "local"
    assert isinstance(chosen([], tmp_path).executor(start, tmp_path, Limits(workers=1)), LocalExecutor)


@pytest.mark.parametrize("text", ["", "[]", '{"name": "cloud"}', '{"name": 3}', '{"window": "many"}', "\x00"])
def test_a_damaged_choice_is_this_machine(tmp_path: Path, text: str) -> None:
    (tmp_path / "executor.json").write_text(text)
    assert Choice.load(tmp_path) == Choice()
