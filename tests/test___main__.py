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


def test_ctrl_c_while_modules_are_loaded_is_no_traceback() -> None:
    script = """
import builtins, signal, sys
import restrip.__main__ as command
real = builtins.__import__
def interrupted(name, *rest):
    if name == "restrip.cli":
        signal.raise_signal(signal.SIGINT)
    return real(name, *rest)
builtins.__import__ = interrupted
sys.exit(command.main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")
