"""Writes names.json: which of Blender's Python names each version has, of the classes that the extension deals with.

    pip download --no-deps -d stubs fake-bpy-module-4.2      # and 4.3, 4.4, 4.5, 5.0, 5.1, 5.2, latest
    python3.12 tests/editors/blender/api/read_stubs.py stubs           # or newer: the stubs are written so

The stubs (https://github.com/nutti/fake-bpy-module) are made from Blender's own documentation; "latest" is its main
branch. Run it again when a Blender comes out, or when test_api.py asks for it. In the table a version that isn't listed
for a name doesn't have it, and a name under "deprecated" is to go.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
VERSIONS = ("4.2", "4.3", "4.4", "4.5", "5.0", "5.1", "5.2", "latest")
CLASSES = re.compile(
    r"\w*Strips?|\w*Sequences?|(Sequence|Strip|Effect|ColorManaged|Mask|BlendData|Action)\w*|Space(Sequence|Image)\w*|Scene|Window|"
    r"WindowManager|WorkSpace|Screen|Area|Region|View2D|UILayout|Context|RenderSettings|ImageFormatSettings|"
    r"TimelineMarkers?|Image|Text|ID|AnimData|FCurve|Keyframe|Event|Preferences|Addons?|Sound|Library|"
    r"AddonPreferences|PropertyGroup|Header|Panel|Menu|Operator|(SEQUENCER|STATUSBAR)_\w+"
)
GONE = re.compile(r"deprecated|removal planned", re.IGNORECASE)
OPERATORS = re.compile(
    r"(ed|image)\..*|sequencer\.(meta|split|movie|effect|delete|duplicate).*|render\.render.*|wm\.(window|save|open_main|path_open).*"
)


def members(source: str) -> tuple[set[str], set[str]]:
    """The members of the classes above with their functions' parameters, and those that are deprecated everywhere."""
    every: set[str] = set()
    gone: defaultdict[str, list[bool]] = defaultdict(list)
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        if not CLASSES.fullmatch(node.name):
            continue
        every.add(node.name)
        for place, item in enumerate(node.body):
            said = ""
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                name = item.target.id
                after = node.body[place + 1] if place + 1 < len(node.body) else None
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    said = str(after.value.value)
            elif isinstance(item, ast.FunctionDef):
                name, said = item.name, ast.get_docstring(item) or ""
                every |= {argument.arg for argument in (*item.args.args, *item.args.kwonlyargs)}
            else:
                continue
            every.add(name)
            gone[name].append(bool(GONE.search(said)))
    return every, {name for name, says in gone.items() if all(says)}


def operators(wheel: zipfile.ZipFile, module: str) -> set[str]:
    """ "sequencer.meta_make", and "sequencer.movie_strip_add(channel" for each parameter."""
    path = f"bpy-stubs/ops/{module}/__init__.pyi"
    if path not in wheel.namelist():
        return set()
    found = set()
    for node in ast.parse(wheel.read(path)).body:
        # Older stubs have functions; newer ones classes that are called.
        made = [node] if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.ClassDef):
            made = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__new__"]
        for function in made:
            name = f"{module}.{getattr(node, 'name', '')}"
            found.add(name)
            found |= {f"{name}({argument.arg}" for argument in (*function.args.args, *function.args.kwonlyargs)}
    return found


def main(folder: Path) -> None:
    """Read a wheel of each version from `folder`, and write the table."""
    has: defaultdict[str, list[str]] = defaultdict(list)
    deprecated: defaultdict[str, list[str]] = defaultdict(list)
    for version in VERSIONS:
        pattern = f"fake_bpy_module_{version.replace('.', '_')}-*.whl"
        with zipfile.ZipFile(max(folder.rglob(pattern))) as wheel:
            names, going = members(wheel.read("bpy-stubs/types/__init__.pyi").decode())
            for module in ("ed", "image", "sequencer", "render", "wm"):
                names |= {name for name in operators(wheel, module) if OPERATORS.fullmatch(name)}
        for name in names:
            has[name].append(version)
        for name in going:
            deprecated[name].append(version)
    everywhere = sorted(name for name, found in has.items() if len(found) == len(VERSIONS))
    some = {name: " ".join(found) for name, found in sorted(has.items()) if len(found) < len(VERSIONS)}
    table = {
        "versions": VERSIONS,
        "deprecated": {name: " ".join(found) for name, found in sorted(deprecated.items())},
        "some": some,
        "everywhere": " ".join(everywhere),
    }
    (HERE / "names.json").write_text(json.dumps(table, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
