"""Compiled kernels are kept, and not taken when anything that they are made of has changed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import restrip
from restrip.propagate import kernel_sources
from restrip.propagate.cpu.kernels import compiler

ENGINE = Path(restrip.__file__).parent
COPIED = ("__init__.py", "propagate/__init__.py", "propagate/kernel_sources.py", "propagate/cpu/__init__.py")
COPIED_KERNELS = ("propagate/cpu/kernels/__init__.py", "propagate/cpu/kernels/compiler.py")
OWN = {
    "propagate/energy/steps.py": "STEP = 3\n",
    "propagate/cpu/kernels/part.py": """
from restrip.propagate.cpu.kernels.compiler import EXACT, njit

@njit(**EXACT)
def part(n):
    return n + 10
""",
    "propagate/cpu/kernels/whole.py": """
from restrip.propagate.cpu.kernels.compiler import EXACT, njit
from restrip.propagate.cpu.kernels.part import part
from restrip.propagate.energy.steps import STEP

@njit(**EXACT)
def whole(n):
    return part(n) * STEP
""",
}
ASKED = """
import sys
from restrip.propagate.cpu.kernels import whole
assert whole.__file__.startswith(sys.argv[1]), whole.__file__
print(whole.whole(1), sum(whole.whole.stats.cache_hits.values()), whole.whole.__qualname__)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of what keeps kernels, with two small ones."""
    copy = tmp_path / "tree" / "restrip"
    for name in (*COPIED, *COPIED_KERNELS, "propagate/energy/__init__.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ENGINE / name, copy / name)
    for name, text in OWN.items():
        (copy / name).write_text(text)
    return copy


def start(package: Path) -> subprocess.Popen[str]:
    """A process that runs the copy's kernel; what numba keeps stays in the test's folder."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"XDG_CACHE_HOME": str(package.parents[1] / "cache"), "HOME": str(package.parents[1] / "home")}
    return subprocess.Popen(
        [sys.executable, "-c", ASKED, str(package)],
        env=environment,
        cwd=package.parent,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, bool]:
    """What the kernel gave for 1, and whether it was taken from the disk."""
    out, trouble = process.communicate(timeout=600)
    assert process.returncode == 0, trouble
    result, hits, name = out.split()
    assert name == "whole"
    return int(result), bool(int(hits))


def change(file: Path, old: str, new: str) -> None:
    """Another text of the same length, at the same time: as an update may leave it."""
    known, text = file.stat(), file.read_text()
    assert old in text and len(old) == len(new)
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))


@pytest.mark.parametrize("installed", ["writable", "read-only"])
def test_a_change_in_another_file_gives_another_result(installed: str, package: Path) -> None:
    kernels = package / "propagate" / "cpu" / "kernels"
    beside, users = kernels / "__pycache__", package.parents[1] / "cache"
    if installed == "read-only":
        beside.touch()  # a file where numba would make its folder: root may write everywhere
    assert said(start(package)) == (33, False)
    change(package / "propagate" / "energy" / "steps.py", "STEP = 3", "STEP = 5")
    at_once = [start(package) for _ in range(2 if installed == "writable" else 1)]
    assert {said(process)[0] for process in at_once} == {55}
    assert said(start(package)) == (55, True)
    if installed == "writable":
        change(kernels / "part.py", "n + 10", "n + 20")
        assert said(start(package)) == (105, False)
    kept = {file.parent for file in package.parents[1].rglob("*.nbi")}
    assert len(kept) == 1 and (kept == {beside} if installed == "writable" else kept.pop().is_relative_to(users))


def test_the_stamp_is_of_every_file_of_the_two_folders_and_of_its_name(package: Path) -> None:
    inside = package / "propagate"
    seen = {kernel_sources.stamp(inside)}
    for name in ("energy/steps.py", "cpu/kernels/part.py", "cpu/kernels/compiler.py"):
        (inside / name).write_text((inside / name).read_text() + "# more\n")
        seen.add(kernel_sources.stamp(inside))
    (inside / "energy" / "steps.py").rename(inside / "energy" / "strides.py")
    seen.add(kernel_sources.stamp(inside))
    assert len(seen) == 5 and all(len(stamp) == 16 for stamp in seen)
    (inside / "cpu" / "other.py").touch()
    assert kernel_sources.stamp(inside) in seen
    assert kernel_sources.stamp(ENGINE / "propagate") == kernel_sources.STAMP


def test_a_new_build_removes_old_ones_but_the_last_two(tmp_path: Path) -> None:
    names = {"a": 40, "b": 10, "c": 30, "d": 20}
    for mark, age in names.items():
        for end in ("nbi", "1.nbc"):
            file = tmp_path / f"vote.vote-{mark * 16}-154.py311.{end}"
            file.touch()
            os.utime(file, (1e9 - age, 1e9 - age))
    (tmp_path / "vote.vote-154.py311.nbi").touch()  # as versions without marks kept them
    (tmp_path / "vote.cpython-311.pyc").touch()
    compiler.forget_others(str(tmp_path))
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"vote.cpython-311.pyc"} | {
        f"vote.vote-{mark * 16}-154.py311.{end}" for mark in "bd" for end in ("nbi", "1.nbc")
    }


def test_a_build_whose_kernels_are_there_removes_none(tmp_path: Path) -> None:
    names = [f"vote.vote-{mark}-154.py311.nbi" for mark in ("a" * 16, "b" * 16, "c" * 16, compiler.MARK)]
    for name in names:
        (tmp_path / name).touch()
    compiler.forget_others(str(tmp_path))
    compiler.forget_others(str(tmp_path / "missing"))
    assert {file.name for file in tmp_path.iterdir()} == set(names)


def test_all_kernels_are_made_here_and_of_files_that_the_stamp_knows() -> None:
    known = tuple(f"restrip.propagate.{folder.replace('/', '.')}" for folder in kernel_sources.FOLDERS)
    kernels = ENGINE / "propagate" / "cpu" / "kernels"
    for file in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            assert not (node.module == "numba" and {name.name for name in node.names} & {"jit", "njit"}), file
            if file.parent == kernels and node.module.startswith("restrip"):
                assert node.module.startswith(known), (file.name, node.module)
