"""The double and the scripts' Protocols against the official stubs: names and parameters, by reading the source."""

from __future__ import annotations

import ast
import importlib.metadata
from pathlib import Path

import pytest
from double.profile import OVERLAY, SINCE

HERE = Path(__file__).parent
API = HERE.parents[2] / "resolve_script" / "restrip_resolve" / "api.py"

# Parameters that the stubs show as required and that the official README calls optional.
OPTIONAL = {"subframe_precision", "propertyKey", "layerIdx", "subTrackType", "importOptions", "customData", "type"}

# Where the stubs give several signatures one after another: the one that is used.
USED = {
    ("MediaPool", "AppendToTimeline"): ["clipInfo"],
    ("MediaPool", "ImportMedia"): ["items"],
    ("Timeline", "AddTrack"): ["trackType", "newTrackOptions"],
    ("Project", "StartRendering"): ["jobIds", "isInteractiveMode"],
    ("Project", "GetRenderJobStatus"): ["jobId"],
}


def signatures(source: str) -> dict[tuple[str, str], list[list[str]]]:
    """(class, method) to the parameter lists that it has, overloads included."""
    found: dict[tuple[str, str], list[list[str]]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name[:1].isupper():
                    names = [argument.arg for argument in part.args.args[1:]]
                    found.setdefault((node.name, part.name), []).append(names)
    return found


@pytest.fixture(scope="module")
def stubs() -> dict[tuple[str, str], list[list[str]]]:
    files = importlib.metadata.files("fusionscript-stubs") or []
    path = next(file for file in files if file.name == "fusionscript.pyi")
    return signatures(Path(str(path.locate())).read_text("utf-8"))


def double() -> dict[tuple[str, str], list[list[str]]]:
    found: dict[tuple[str, str], list[list[str]]] = {}
    for name in ("app", "pool", "timeline"):
        found.update(signatures((HERE / "double" / f"{name}.py").read_text("utf-8")))
    return found


@pytest.mark.parametrize("which", ["double", "protocols"])
def test_every_method_and_parameter_is_in_the_stubs(stubs: dict[tuple[str, str], list[list[str]]], which: str) -> None:
    ours = double() if which == "double" else signatures(API.read_text("utf-8"))
    assert len(ours) > 70
    wrong = []
    for method, (names, *_) in ours.items():
        official = [list(OVERLAY[method])] if method in OVERLAY else stubs.get(method)
        if official is None:
            wrong.append(f"{method} isn't in the stubs")
            continue
        if method in USED:
            assert USED[method] in official, method
            official = [USED[method]]
        fits = any(
            names == other[: len(names)] and set(other[len(names) :]) <= OPTIONAL | {"Bool"} for other in official
        )
        if not fits:
            wrong.append(f"{method} has {names}, the stubs have {official}")
    assert not wrong, wrong


def test_the_double_has_what_the_scripts_use() -> None:
    ours, needed = double(), signatures(API.read_text("utf-8"))
    assert not set(needed) - set(ours)


def test_the_double_takes_what_the_protocols_give() -> None:
    ours, needed = double(), signatures(API.read_text("utf-8"))
    assert [m for m, (names, *_) in needed.items() if names != ours[m][0][: len(names)]] == []


def test_the_overlay_is_short_and_not_in_the_stubs(stubs: dict[tuple[str, str], list[list[str]]]) -> None:
    assert not set(OVERLAY) & set(stubs)
    assert all(SINCE[method] > (21, 0, 0) for method in OVERLAY)


def test_scripts_ask_before_using_what_a_version_may_lack() -> None:
    """A method that came later is asked for by `can`, in the file that calls it or in one that it relies on."""
    # render.py, which has keep.py keep them, and checks.py ask for GetMarkInOut first; the three came together.
    marks = {"keep.py", "checks.py"}
    asked_elsewhere = {"GetMarkInOut": marks, "SetMarkInOut": marks, "ClearMarkInOut": marks}
    asked_elsewhere["AddTransition"] = {"dissolve.py", "checks.py"}  # `can_dissolve` asks.
    wrong = []
    for path in sorted(API.parent.rglob("*.py")):
        source = path.read_text("utf-8")
        for kind, method in SINCE:
            if method == "GetMediaPoolItem":  # Items always have it; of the timeline's it is asked.
                continue
            if (
                f".{method}(" in source
                and f'"{method}")' not in source
                and path.name not in asked_elsewhere.get(method, set())
            ):
                wrong.append(f"{path.name} calls {kind}.{method}")
    assert not wrong, wrong
