"""Every name of Blender's that the extension uses, against the stubs of 4.2 to 5.2 and of Blender's main branch.

`api/names.json` says which version has which name (see api/read_stubs.py). The next renaming is seen here first.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ADDON = Path(__file__).parents[3] / "blender_addon"
TABLE = json.loads((Path(__file__).parent / "api" / "names.json").read_text("utf-8"))
VERSIONS: list[str] = TABLE["versions"]
EVERYWHERE = set(TABLE["everywhere"].split())
SOME = {name: set(found.split()) for name, found in TABLE["some"].items()}
DEPRECATED = {name: set(found.split()) for name, found in TABLE["deprecated"].items()}

CHOSEN_BY_RNA = (
    ("strips", "sequences"),
    ("strips_all", "sequences_all"),
    ("selected_strips", "selected_sequences"),
    ("left_handle", "frame_final_start"),
    ("right_handle", "frame_final_end"),
    ("left_handle_offset", "frame_offset_start"),
    ("right_handle_offset", "frame_offset_end"),
    ("content_start", "frame_start"),
    ("content_trim_start", "animation_offset_start"),
    ("Strip", "Sequence"),
    ("fcurves", "layers"),
    ("input1", "seq1"),
    ("input2", "seq2"),
    ("length", "frame_end"),
)
"""The code asks which of these there is, and takes the first: each version has one of them, and not deprecated."""
ONLY_IF_THERE = {
    "sequencer_scene": "the edited scene is the window's where there is none",
    "media_type": "set before the file's format where there is one",
    "modal_operators": "nothing is dragged that could be seen otherwise",
    "stream_index": "movies have one stream where there is none",
    "channelbags": "where the curves of layered actions are, which older versions don't have",
}
"""Names that some versions lack, used where they are."""
OUR_OWN = ("body", "state", "number", "rename", "project")
"""Names of the extension's own objects, or of Python's, that some class of Blender has in some version, too."""


@cache
def used() -> tuple[tuple[str, str], ...]:
    """As `names`, each once."""
    return tuple(sorted({(str(name), file) for name, file in names()}))


def names() -> Iterator[tuple[str, str]]:
    """Each name that the extension uses of an object, a type or an operator, with its file."""
    for path in sorted(ADDON.rglob("*.py")):
        if path.name == "build.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr, path.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if called in ("has", "getattr", "hasattr"):
                    yield from ((a.value, path.name) for a in node.args if isinstance(a, ast.Constant))  # type: ignore[misc]
                for name in operator_names(node):
                    yield name, path.name


def operator_names(call: ast.Call) -> Iterator[str]:
    """ "wm.window_new" of bpy.ops.wm.window_new(), and "wm.x(name" for each named parameter."""
    text = ast.unparse(call.func)
    if text.startswith("bpy.ops.") and not text.startswith("bpy.ops.restrip") and text.count(".") == 3:
        name = text.removeprefix("bpy.ops.")
        yield name
        yield from (f"{name}({keyword.arg}" for keyword in call.keywords)


def test_every_version_has_what_is_used_or_what_stands_for_it() -> None:
    chosen = {name for group in CHOSEN_BY_RNA for name in group}
    missing = {
        f"{file}: {name} is not in {', '.join(v for v in VERSIONS if v not in SOME[name])}"
        for name, file in used()
        if name in SOME and name not in chosen and name not in ONLY_IF_THERE and name not in OUR_OWN
    }
    assert not missing, "\n".join(sorted(missing))


def test_no_version_is_given_a_deprecated_name() -> None:
    for group in CHOSEN_BY_RNA:
        for version in VERSIONS:
            first = next((name for name in group if version in SOME.get(name, VERSIONS)), None)
            known = [name for name in group if name in SOME or name in EVERYWHERE]
            assert first is not None or not known, f"{version} has none of {group}"
            assert version not in DEPRECATED.get(str(first), ()), f"{first} is deprecated in {version}"
    alone = {
        f"{file}: {name} is deprecated in {', '.join(sorted(DEPRECATED[name]))}"
        for name, file in used()
        if name in DEPRECATED and not any(name in group for group in CHOSEN_BY_RNA)
    }
    assert not alone, "\n".join(sorted(alone))


def test_operators_and_their_parameters_are_known() -> None:
    called = {name for name, _ in used() if "." in str(name) and str(name).split(".")[0] in ("sequencer", "wm", "ed")}
    assert "ed.undo_push(message" in called
    assert not {name for name in called if name not in EVERYWHERE and name not in SOME}


def test_a_renaming_would_be_seen() -> None:
    assert SOME["sequences_all"] == {"4.2", "4.3", "4.4", "4.5"}
    assert DEPRECATED["animation_offset_start"] >= {"5.2", "latest"}
    ours = {name for name, _ in used()}
    assert {"content_trim_start", "left_handle", "timeline_markers", "color_tag", "ed.undo_push"} <= ours
