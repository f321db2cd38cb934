"""docs/resolve-double.md: every switch of the double stands in it, and what it names exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from double import Profile
from restrip_resolve.live_check.checks import CHECKS

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs" / "resolve-double.md").read_text("utf-8")
SOURCES = {"README", "stubs", "reports", "standard", "unknown"}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and "::" in line
]


def test_every_switch_stands_in_the_table() -> None:
    listed = [found[1] for row in ROWS if (found := re.fullmatch(r"`(\w+)`", row[0]))]
    assert listed == [field.name for field in fields(Profile)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_row_names_a_source_a_test_and_a_question(row: list[str]) -> None:
    *_, source, shown, asked = row
    assert source in SOURCES
    file, _, test = shown.partition("::")
    assert re.search(rf"^def {test}\(", (HERE / file).read_text("utf-8"), re.M), shown
    assert not asked or asked in {check.name for check in CHECKS}


@pytest.mark.parametrize("switch", [field.name for field in fields(Profile)])
def test_each_switch_is_read_by_the_double(switch: str) -> None:
    read = "".join(path.read_text("utf-8") for path in sorted((HERE / "double").glob("*.py")))
    tests = "".join(path.read_text("utf-8") for path in sorted(HERE.glob("test_*.py")) if path != Path(__file__))
    # Which profile lists Python scripts is for the tests to know: it has none to run.
    assert re.search(rf"(profile|self)\.{switch}\b", read) or (switch == "python" and f".{switch}" in tests)
