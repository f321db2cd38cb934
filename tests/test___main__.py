"""`python -m restrip` is the command."""

from __future__ import annotations

import subprocess
import sys

import pytest

import restrip


@pytest.mark.parametrize(
    ("words", "code", "said"), [(["--version"], 0, restrip.__version__), (["stylise"], 2, "stylise")]
)
def test_it_is_the_command_with_its_exit_codes(words: list[str], code: int, said: str) -> None:
    done = subprocess.run([sys.executable, "-m", "restrip", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
