"""The names of the engine's classes: each says what one thing is, so it is defined once."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ENGINE = Path(__file__).parents[1] / "engine" / "restrip"
TWINS = ("propagate/cpu/", "propagate/gpu/")
"""What is done on the processor and on a GPU has the same name in both."""


def test_a_class_name_is_defined_once() -> None:
    where: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(ENGINE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(path.relative_to(ENGINE).as_posix())
    assert len(where) > 300, "else this test reads nothing"
    twice = {name: files for name, files in where.items() if len(files) > 1 and not _are_twins(files)}
    assert not twice, twice


def _are_twins(files: list[str]) -> bool:
    return len(files) == 2 and all(file.startswith(side) for file, side in zip(files, TWINS, strict=True))
