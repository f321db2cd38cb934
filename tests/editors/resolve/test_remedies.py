"""What messages tell the user to do can be done: menu entries, commands, settings and pages that they name exist."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from restrip_resolve.settings import _CHOICES, OWN, Choices
from restrip_resolve.titles import ENTRIES, EXTRA

from restrip.cli import build_parser

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "resolve_script" / "restrip_resolve"


def texts() -> Iterator[str]:
    """Every text of the scripts that isn't a docstring, f-strings with their holes as {}."""
    for path in sorted(SCRIPTS.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            if node.body and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value


TEXTS = list(texts())


def test_menu_entries_that_are_named_exist() -> None:
    titles = [*ENTRIES.values(), *EXTRA.values()]
    named = [text[match.end() :] for text in TEXTS for match in re.finditer(r"Restrip - (?=[A-Z])", text)]
    assert len(named) > 8
    assert [text for text in named if not any(text.startswith(title.partition(" (")[0]) for title in titles)] == []


def test_commands_that_are_named_are_commands() -> None:
    named = {match for text in TEXTS for match in re.findall(r"`(restrip [^`{}]*)`", text)}
    assert "restrip install resolve" in named
    parsers = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    assert [command for command in named if command.split()[1] not in parsers[0].choices] == []


@pytest.mark.parametrize("pair", sorted({p for t in TEXTS for p in re.findall(r"`([a-z_]+ = [a-z]+)`", t)}))
def test_settings_that_are_named_can_be_set(pair: str) -> None:
    name, _, value = pair.partition(" = ")
    assert name in OWN
    default = getattr(Choices(), name)
    assert value in ("yes", "no") if isinstance(default, bool) else value in _CHOICES[name]


def test_pages_that_are_named_exist() -> None:
    named = {match for text in TEXTS for match in re.findall(r"docs/[\w-]+\.md", text)}
    assert named and all((ROOT / page).is_file() for page in named)
