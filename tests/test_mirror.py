"""Tests stand where the modules stand, rooms are small, and modules don't import each other in a circle."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cover import COVERED_BY, OF_NO_ONE_MODULE

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PACKAGES = {
    "restrip": ROOT / "engine" / "restrip",
    "blender_addon": ROOT / "blender_addon",
    "restrip_resolve": ROOT / "resolve_script" / "restrip_resolve",
}
MOST_FILES = 22
"""In a folder of modules, its __init__ among them."""
EVERYWHERE = TESTS / "conftest.py"
"""What all tests have around them: nothing of what it imports is tested by that."""
ENGINE_START = ("restrip.client.start", "restrip.service.__main__")
"""A test that has an engine started runs the engine, and the workers that it names."""


def modules(package: str) -> dict[str, Path]:
    """The package's modules by their dotted names."""
    found = {}
    for path in sorted(PACKAGES[package].rglob("*.py")):
        parts = [package, *path.relative_to(PACKAGES[package]).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


ENGINE = modules("restrip")
MIRRORED = {name: path for name, path in ENGINE.items() if path.name != "__init__.py"}


def own_test(module: Path) -> str:
    """The test file that mirrors a module, under tests/."""
    inside = module.relative_to(PACKAGES["restrip"])
    return (inside.parent / f"test_{inside.name}").as_posix()


def named(module: Path) -> str:
    """A module as the table names it."""
    return module.relative_to(PACKAGES["restrip"]).with_suffix("").as_posix()


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All of a file but what only a type checker reads."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield from nodes(other)
            continue
        yield child
        yield from nodes(child)


@cache
def read(path: Path) -> list[ast.AST]:
    """The imports and texts of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in nodes(tree) if isinstance(node, ast.Import | ast.ImportFrom | ast.Constant)]


def imports(path: Path, known: dict[str, Path], package: str = "", *, texts: bool = False) -> set[str]:
    """The known modules that a file imports, wherever in it; `texts` takes those that it names in a text as well."""
    found = set()
    for node in read(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (base, node.module or "") if part)
            found |= {name if (name := f"{base}.{alias.name}") in known else base for alias in node.names}
        elif texts and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value, f"{package}.{node.value}" if path.name == "__init__.py" else ""}
    return found & set(known)


def graph(package: str, *, texts: bool = False) -> dict[str, set[str]]:
    """What each module imports."""
    known = modules(package)
    found = {}
    for name, path in known.items():
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found[name] = imports(path, known, inside, texts=texts) - {name}
    return found


@cache
def helpers() -> dict[str, list[Path]]:
    """The tests' own modules, by the names that tests import them by; several folders may have one of a name."""
    found: dict[str, list[Path]] = {}
    for file in sorted(TESTS.rglob("*.py")):
        if not file.name.startswith(("test_", "__")):
            found.setdefault(file.stem, []).append(file)
    return found


def helper_of(test: Path, name: str) -> list[Path]:
    """The module that a test imports by this name: the one in a folder above it, else all of that name."""
    files = helpers().get(name, [])
    return [file for file in files if file.parent in test.parents] or files


def files_of(test: Path) -> set[Path]:
    """A test file, the fixtures that it may use, and the tests' own modules that it imports."""
    files = {test, *(file for folder in test.parents if (file := folder / "conftest.py").exists())} - {EVERYWHERE}
    for node in read(test):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            files |= {file for name in names for file in helper_of(test, name)}
    return files


@cache
def reached() -> dict[str, set[str]]:
    """By test file, the modules that it imports, with all that they import or start in their turn."""
    steps = graph("restrip", texts=True)
    steps[ENGINE_START[0]].add(ENGINE_START[1])
    steps["restrip"] = set()  # Its door loads the rest only when that is asked for.
    found = {}
    for test in TESTS.rglob("test_*.py"):
        open_ = set().union(*(imports(file, ENGINE) for file in files_of(test)))
        seen: set[str] = set()
        while open_:
            seen |= open_
            open_ = set().union(*(steps[name] for name in open_)) - seen
        found[test.relative_to(TESTS).as_posix()] = seen
    return found


def test_a_module_has_its_test_or_an_entry_in_the_table() -> None:
    bare = [named(path) for path in MIRRORED.values() if not (TESTS / own_test(path)).exists()]
    assert len(MIRRORED) > 300 and set(COVERED_BY) == set(bare)
    assert [test for test in COVERED_BY.values() if not (TESTS / test).exists()] == []


def test_a_test_in_the_table_reaches_its_module() -> None:
    names = {named(path): name for name, path in MIRRORED.items()}
    assert [f"{module}: {test}" for module, test in COVERED_BY.items() if names[module] not in reached()[test]] == []


def test_a_test_belongs_to_a_module_or_to_the_list() -> None:
    mirrors = {own_test(path) for path in MIRRORED.values()}
    inside = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert {test for test in inside - mirrors if not test.startswith("editors/")} == OF_NO_ONE_MODULE


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_of_modules_is_small(package: str) -> None:
    folders = {path.parent for path in PACKAGES[package].rglob("*.py")}
    counted = {folder.relative_to(ROOT).as_posix(): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in counted.items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    steps = graph(package)
    steps["restrip"] = set()  # Its door loads the rest only when that is asked for.
    while leaves := {name for name, inside in steps.items() if not inside}:
        steps = {name: inside - leaves for name, inside in steps.items() if name not in leaves}
    assert not steps, f"in a circle, or importing one: {sorted(steps)}"
