"""What pyproject.toml promises: every import is declared, every declaration is used, and the wheel works alone."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import restrip

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
SOURCES = ("engine", "blender_addon", "resolve_script")

# Packages by the names of their modules, where these differ.
PACKAGES = {
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "zmq": "pyzmq",
    "PIL": "pillow",
    "skvideo": "sk-video",
}
# What is no package of ours to declare: the editors' own modules, Triton, which comes with torch where a GPU is, and
# the makers of test scenes whose folder a benchmark is told.
GIVEN = {"bpy", "bl_ext", "addon_utils", "mathutils", "DaVinciResolveScript", "fusionscript", "triton", "pip", "bench"}


def names(requirements: list[str]) -> set[str]:
    """The packages of requirements, without Restrip's own extras."""
    found = {re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}
    return found - {"restrip"}


def asked_for(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, also by its name as a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "find_spec", "importorskip") and isinstance(node.args[0].value, str):
                yield node.args[0].value


def imported(*sources: str) -> set[str]:
    """The packages that the files of these folders import."""
    own = {"restrip", "restrip_blender", "restrip_resolve", *sources}
    modules: set[str] = set()
    beside: set[str] = set()
    for source in sources:
        for path in (ROOT / source).rglob("*.py"):
            beside |= {path.stem} | ({path.parent.name} if path.stem == "__init__" else set())
            modules |= {module.split(".")[0] for module in asked_for(ast.parse(path.read_text("utf-8")))}
    beside -= set(PACKAGES) | {"av", "ray", "torch"}  # Folders of ours with such names are inside packages.
    return {
        PACKAGES.get(module, module.replace("_", "-")).lower()
        for module in modules - set(sys.stdlib_module_names) - own - GIVEN - beside
    }


def declared() -> set[str]:
    """The packages that the product declares, those for tests aside."""
    extras = PROJECT["optional-dependencies"]
    return names(PROJECT["dependencies"]).union(
        *(names(extras[e]) for e in ("engine", "diffusion", "gguf", "ray", "demo"))
    )


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    assert {name.replace("_", "-") for name in declared()} == imported(*SOURCES)


def test_what_the_tests_import_is_declared_for_them() -> None:
    extras = PROJECT["optional-dependencies"]
    mine = declared() | names(extras["light-test"]) | names(extras["test"])
    assert imported("tests") <= {name.replace("_", "-") for name in mine}


def test_every_package_of_the_tree_is_in_the_wheel() -> None:
    found = set()
    for package, folder in (
        ("restrip", "engine/restrip"),
        ("restrip_blender", "blender_addon"),
        ("restrip_resolve", "resolve_script/restrip_resolve"),
    ):
        for init in (ROOT / folder).rglob("__init__.py"):
            found.add(".".join([package, *init.parent.relative_to(ROOT / folder).parts]))
    assert set(SETUPTOOLS["packages"]) == found
    assert SETUPTOOLS["dynamic"]["version"] == {"attr": "restrip.__version__"}


def test_the_version_stands_in_one_place() -> None:
    version = re.compile(rf"""["']{re.escape(restrip.__version__)}["']""")
    files = [ROOT / "pyproject.toml", ROOT / "blender_addon" / "blender_manifest.toml"]
    files += [path for source in SOURCES for path in (ROOT / source).rglob("*.py")]
    named = [str(path.relative_to(ROOT)) for path in files if version.search(path.read_text("utf-8"))]
    # The networks' release is its own number.
    assert set(named) - {"engine/restrip/looks/style_transfer/networks.py"} == {"engine/restrip/__init__.py"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what the repository holds."""
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in (*SOURCES, "pyproject.toml", "README.md", "LICENSE"):
        path, ignored = ROOT / name, shutil.ignore_patterns("__pycache__", "*.egg-info")
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=ignored)
        else:
            shutil.copy(path, source)
    tool = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    if importlib.util.find_spec("setuptools") is not None and _setuptools() >= 77:
        tool.append("--no-build-isolation")
    subprocess.run([*tool, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True, text=True)
    (built,) = folder.glob("restrip-*.whl")
    return built


def _setuptools() -> int:
    return int(importlib.metadata.version("setuptools").split(".")[0])


def test_the_wheel_holds_all_files_and_their_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as made:
        inside = set(made.namelist())
    data = {path.relative_to(ROOT / "engine").as_posix() for path in (ROOT / "engine/restrip/data").rglob("*.*")}
    assert {name for name in data if "__pycache__" not in name} <= inside
    licences = {name.rsplit("/", 1)[1] for name in inside if "/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE-MIT.txt", "LICENSE-Apache-2.0.txt"}
    assert "restrip_blender/build.py" in inside and "restrip_blender/blender_manifest.toml" in inside
    assert "restrip_resolve/console.lua" in inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/"))]


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    scripts, suffix = (place / "Scripts", ".exe") if os.name == "nt" else (place / "bin", "")
    python = str(scripts / f"python{suffix}")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    # What Restrip depends on is taken from here; Restrip itself is the wheel's.
    site = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[-1])"], text=True).strip()
    )
    folders = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "zz-dependencies.pth").write_text("\n".join([*folders, sysconfig.get_path("purelib")]) + "\n", "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["RESTRIP_STATE_DIR"] = str(tmp_path / "state")

    def ran(*command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done

    code = "import restrip, restrip_blender.build as b, restrip_resolve; print(restrip.__file__, b.__file__)"
    assert ran(python, "-c", code).stdout.count(str(place)) == 2
    restrip_program = str(scripts / f"restrip{suffix}")
    try:
        manifest = json.loads(ran(restrip_program, "demo", "--json").stdout)
    finally:
        ran(restrip_program, "engine", "stop")
    assert manifest["look"]["name"] == "neural:19" and len(manifest["strips"]) == 3
    for name in ("demo.png", "preview.mp4", "timeline.otio", "manifest.json"):
        assert (tmp_path / "restrip-demo" / name).stat().st_size > 0
