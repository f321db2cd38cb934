"""The extension's packages: what is in them, and that Blender takes them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def checker() -> Path:
    """Blender's own tool for extensions, as bpy ships it."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("bpy isn't installed (it exists for Python 3.11)")
    return next(Path(spec.submodule_search_locations[0]).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))


def test_blenders_own_tool_finds_nothing_wrong(package: Path) -> None:
    done = subprocess.run([sys.executable, str(checker()), "validate", str(package)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_a_package_holds_the_light_core_and_nothing_heavy(package: Path) -> None:
    with zipfile.ZipFile(package) as made:
        manifest = tomllib.loads(made.read("blender_manifest.toml").decode())
        names = made.namelist()
        assert set(manifest["wheels"]) == {f"./{name}" for name in names if name.startswith("wheels/")}
        core = next(name for name in names if name.startswith("wheels/restrip_link"))
        with made.open(core) as file, zipfile.ZipFile(file) as wheel:
            parts = {name.split("/")[1] for name in wheel.namelist() if name.startswith("restrip/")}
        assert not [name for name in wheel.namelist() if "otio" in name]
    assert parts == {"__init__.py", "errors.py", "progress.py", "py.typed", "client", "codec", "storage", "timeline"}
    assert "build.py" not in names
    assert not [name for name in names if "__pycache__" in name]


def test_two_builds_are_the_same_file(package: Path, tmp_path: Path, build: Any) -> None:
    with zipfile.ZipFile(package) as made:
        wheel = next(name for name in made.namelist() if name.startswith("wheels/pyzmq"))
        made.extract(wheel, tmp_path)
    target = next(target for target in build.TARGETS if package.stem.endswith(target.name))
    again = build.build(target, tmp_path / "out", wheels=tmp_path / "wheels")
    assert again.read_bytes() == package.read_bytes()


def test_every_platform_has_a_package_for_both_pythons(build: Any) -> None:
    targets = build.TARGETS
    assert {target.python for target in targets} == {"3.11", "3.13"}
    assert len({target.name for target in targets}) == len(targets) == 10


def test_it_installs_and_brings_its_own_core(install_into: Callable[[Path], Any], tmp_path: Path) -> None:
    told = install_into(tmp_path)
    assert told["enabled"]
    assert str(tmp_path) in told["addon"]
