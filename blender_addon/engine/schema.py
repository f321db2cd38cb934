"""The engine's settings as this Blender knows them: from the engine, or from the last time that it was heard.

Also the defaults for strips that have no values of their own: those of the last job.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from restrip.client.schema import Schema
from restrip.client.setting import Setting

from .. import PACKAGE, values
from ..timeline import vse
from . import engine_calls

OWN_SETTINGS = (
    Setting(
        "keys.markers",
        "choice",
        "all",
        "Keys from",
        "Which timeline markers are keyframes.",
        choices=(("all", "All markers"), ("named", "Markers named K…")),
        group="keyframes",
        when=("mode", ("keys",)),
    ),
    Setting(
        "keys.mode",
        "choice",
        "keys",
        "Mode",
        "Paint the keyframes and carry them along the motion, or paint every frame.",
        choices=(("keys", "Keyframes"), ("every", "Every frame")),
        group="keyframes",
    ),
    Setting(
        "keys.step",
        "int",
        1,
        "Every Nth",
        "Paint each Nth frame, and carry it along the motion over those between.",
        1,
        100,
        group="keyframes",
        when=("mode", ("every",)),
    ),
    Setting(
        "keys.watch",
        "bool",
        False,
        "Watch Keys",
        "A painted key that is saved again redoes its two segments, and its strips show it.",
        group="keyframes",
        when=("mode", ("keys",)),
    ),
    Setting(
        "matte.kind",
        "choice",
        "none",
        "Matte",
        "What limits the look to a part of the picture: white is restyled, black stays as it is.",
        choices=(("none", "None"), ("file", "Picture or movie"), ("strip", "Strip"), ("mask", "Mask")),
        group="matte",
    ),
    Setting(
        "matte.file",
        "path",
        "",
        "File",
        "A picture, or a movie that runs along with the strip's file.",
        group="matte",
        when=("matte.kind", ("file",)),
    ),
    Setting(
        "matte.strip",
        "text",
        "",
        "Strip",
        "A strip that is white where the look shows. It may be muted.",
        group="matte",
        when=("matte.kind", ("strip",)),
    ),
    Setting(
        "matte.mask",
        "text",
        "",
        "Mask",
        "A mask drawn in the Movie Clip or Image editor; animated ones run with the timeline.",
        group="matte",
        when=("matte.kind", ("mask",)),
    ),
)


DRAFT = "draft"
"""The engine's setting that makes a job a draft."""

_known: Schema | None = None
_looked = False


def known() -> Schema | None:
    """The schema; None before the engine was ever heard."""
    global _known, _looked
    if _known is None and not _looked:
        _looked = True
        body = _load(folder() / "settings.json")
        if body:
            try:
                _known = Schema.from_json(body)
            except (KeyError, TypeError, ValueError):
                _known = None
    return _known


def current() -> tuple[Setting, ...]:
    """The engine's settings; empty before it was ever heard."""
    found = known()
    return found.settings if found is not None else ()


def learn(new: Schema) -> bool:
    """Take the engine's answer; whether it differs from what was known."""
    global _known
    before = known()
    if before is not None and before.etag == new.etag:
        return False
    _known = new
    _save(folder() / "settings.json", engine_calls.schema_json(new))
    return True


def deep(used: Mapping[str, Any]) -> bool:
    """Whether the chosen output format has more than 8 bit."""
    found = known()
    name = used.get("format", "h264")
    kind: Mapping[str, Any] = next((one for one in (found.formats if found else ()) if one.get("name") == name), {})
    return bool(kind.get("deep"))


def values_of(strip: Any) -> Mapping[str, Any]:
    """What is set for a strip, or for the one that it is an effect on; else the last job's values."""
    own = values.read(vse.base_of(strip).restrip.values) if strip is not None else {}
    found = known()
    return values.with_present_names(own or defaults(), found.looks if found is not None else ())


_defaults: Mapping[str, Any] | None = None


def defaults() -> Mapping[str, Any]:
    """The values of the last job."""
    global _defaults
    if _defaults is None:
        _defaults = _load(folder() / "defaults.json")
    return _defaults


def remember(used: Mapping[str, Any]) -> None:
    """Make these the defaults."""
    global _defaults
    if used != defaults():
        _defaults = dict(used)
        _save(folder() / "defaults.json", _defaults)


def presets_folder() -> Path:
    """Where presets are kept, one JSON file each, to be shared by copying."""
    return folder() / "presets"


def folder() -> Path:
    """Where the extension keeps what belongs to the user."""
    return Path(bpy.utils.extension_path_user(PACKAGE, path="", create=True))


def _load(path: Path) -> Mapping[str, Any]:
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def _save(path: Path, body: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    aside.write_text(json.dumps(body, indent=1), "utf-8")
    os.replace(aside, path)
