"""The shape of the code: imports point down, the light parts stay light, exported names exist."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "engine" / "restrip"

# What each layer may import of restrip; errors and progress are leaves that all may.
ALLOWED = {
    "errors": set(),
    "progress": set(),
    "codec": set(),
    "cuda": set(),
    "storage": set(),
    "timeline": {"storage"},
    "client": {"timeline", "storage"},
    "media": {"timeline", "storage", "client.discovery"},
    "registration": {"media", "timeline", "storage", "client.setting"},
    "looks": {
        "cuda",
        "registration",
        "media",
        "timeline",
        "storage",
        "client.setting",
        "client.discovery",
        "client.origin",
    },
    "propagate": {"cuda", "media", "timeline", "storage", "client.setting"},
    "jobs": {"registration", "looks", "propagate", "media", "timeline", "storage", "client"},
    "remote": {"registration", "jobs", "looks", "propagate", "media", "timeline", "storage", "client"},
    "service": {"registration", "remote", "jobs", "looks", "propagate", "media", "timeline", "storage", "client"},
    "request": {"client", "timeline", "storage", "looks.families"},
    "install": {"client", "timeline", "storage", "install"},
    "cli": {"client", "timeline", "storage", "request", "install", "looks.families"},
}
LEAVES = {"errors", "progress", "codec"}

# Third-party packages that each light layer may import, wherever in a file it does so.
THIRD_PARTY = {
    "errors": set(),
    "progress": set(),
    "codec": set(),
    "storage": set(),
    "timeline": set(),
    "client": {"zmq"},
    "request": set(),
    "install": set(),
    "cli": {"rich"},
}
# What front-ends may import of restrip.
LIGHT = ("restrip.client", "restrip.timeline", "restrip.storage", "restrip.errors", "restrip.__")
FRONT_ENDS = ("blender_addon", "resolve_script")
FRONT_END_PACKAGES = {
    "zmq",
    "restrip",
    "bpy",
    "bl_ext",
    "DaVinciResolveScript",
    "fusionscript",
    "mathutils",
    "addon_utils",
}


def files(layer: str) -> list[Path]:
    folder = ENGINE / layer
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every absolute module that a file imports, with its line; relative imports are made absolute."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "restrip":
                yield from ((node.lineno, f"restrip.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_point_down(layer: str) -> None:
    wrong = []
    for path in files(layer):
        for line, module in imports(path):
            if not module.startswith("restrip."):
                continue
            inner = module.removeprefix("restrip.")
            top = inner.split(".")[0]
            allowed = top == layer or top in LEAVES or inner == "__version__"
            if not allowed and not any(inner == a or inner.startswith(a + ".") for a in ALLOWED[layer]):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, wrong


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {
        p.stem if p.suffix else p.name
        for p in ENGINE.iterdir()
        if not p.name.startswith("_") and p.suffix in ("", ".py")
    }
    assert parts - {"data", "py"} == set(ALLOWED)


@pytest.mark.parametrize("layer", THIRD_PARTY)
def test_light_layers_need_little(layer: str) -> None:
    wrong = []
    for path in files(layer):
        for line, module in imports(path):
            top = module.split(".")[0]
            if top not in sys.stdlib_module_names and top != "restrip" and top not in THIRD_PARTY[layer]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, wrong


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_front_ends_are_thin(front_end: str) -> None:
    wrong = []
    own = {p.stem for p in (ROOT / front_end).rglob("*") if p.suffix == ".py" or p.is_dir()} | {front_end}
    for path in sorted((ROOT / front_end).rglob("*.py")):
        for line, module in imports(path):
            top = module.split(".")[0]
            if (
                top == "restrip" and not module.startswith(LIGHT)
            ) or top not in sys.stdlib_module_names | FRONT_END_PACKAGES | own:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, wrong


def _named_in(path: str, *names: str) -> list[str]:
    """The file names in tables at the top of a module, which needn't be importable here."""
    found: list[str] = []
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names:
            found += ast.literal_eval(node.value)
    assert found
    return found


@pytest.mark.parametrize("shipped", ["engine/restrip/install/resolve_files.py", "blender_addon/build.py"])
def test_what_is_shipped_with_front_ends_is_there_and_whole(shipped: str) -> None:
    """The core that is copied beside an editor's scripts holds all that its own files import."""
    left_out = _named_in(shipped, "HEAVY")
    assert {path.name for path in ENGINE.rglob("*.py")} >= set(left_out)
    parts = [ENGINE / name.removeprefix("restrip/") for name in _named_in(shipped, "LIGHT", "CORE", "CORE_FOLDERS")]
    assert all(part.exists() for part in parts), parts
    inside = [file for part in parts for file in (part.rglob("*.py") if part.is_dir() else [part])]
    kept = {file for file in inside if file.suffix == ".py" and file.name not in left_out}
    missing = [
        f"{file.relative_to(ENGINE)}:{line} imports {module}"
        for file in sorted(kept - {ENGINE / "__init__.py"})  # It loads the rest only when that is asked for.
        for line, module in imports(file)
        if module.startswith("restrip.") and not module.endswith("__version__") and not _modules(module) & kept
    ]
    assert not missing, missing


def _modules(name: str) -> set[Path]:
    """The files that a module may lie in."""
    path = ENGINE.joinpath(*name.split(".")[1:])
    return {path.with_suffix(".py"), path / "__init__.py"}


def test_nothing_heavy_is_imported_by_the_light_core() -> None:
    code = (
        "import sys, restrip, restrip.request, restrip.cli, restrip.client.client, restrip.timeline;"
        "heavy = {'numpy', 'cv2', 'torch', 'av', 'numba', 'onnxruntime', 'diffusers'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module",
    [f"restrip.{p.name}" for p in sorted(ENGINE.iterdir()) if (p / "__init__.py").exists() and p.name != "data"],
)
def test_exported_names_exist(module: str) -> None:
    package = importlib.import_module(module)
    missing = [name for name in getattr(package, "__all__", ()) if not hasattr(package, name)]
    assert not missing


def test_restyle_is_the_front_door() -> None:
    import restrip

    assert callable(restrip.restyle)
    with pytest.raises(AttributeError):
        _ = restrip.no_such_name


def test_a_gpus_propagation_loads_no_numba() -> None:
    pytest.importorskip("torch")
    code = (
        "import sys, restrip.propagate.segment_walk, restrip.propagate.gpu.segment_walk;"
        "sys.exit('numba' in sys.modules and 'numba was loaded' or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
