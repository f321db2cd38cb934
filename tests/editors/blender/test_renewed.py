"""The extension disabled, enabled and updated while Blender runs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from restrip.client.client import Client

Blender = Callable[..., Any]
OLD, NEW = "0.1.0", "99.0.0"


def test_off_and_on_leaves_pictures_and_offers_whole(blender: Blender, engine: Client, carphone: Path) -> None:
    told = blender("renewed.off_and_on", path=str(carphone))
    assert told["before"] == ["waiting", 26, "Blue Night (19)"]
    assert told["after"] == ["waiting", 26, "shot"]
    assert told["pictures"] == [27, 26], "the first also has the newest keyframe"
    assert told["one of each"] == [True, True]
    assert told["placed"] == ["shot", "shot restyled"]
    assert told["selected"] == ["shot"], "what is new isn't selected"


def test_an_update_is_whole_without_a_restart(blender: Blender, package: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.zip"
    renew(package, newer)
    try:
        told = blender("renewed.updated", package=str(newer))
    finally:
        blender("install.install", package=str(package))
    assert told["before"] == ["5 s", False]
    assert told["after"] == ["renewed", True]
    assert told["drawn with"] == "renewed"
    assert told["timer"] and told["jobs"]


def renew(package: Path, newer: Path) -> None:
    """The same package with another version number, another word, and another core."""
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(newer, "w") as new:
        for entry in old.infolist():
            name, content = entry.filename, old.read(entry)
            if name.startswith("wheels/restrip_link"):
                name, content = name.replace(OLD, NEW), renewed_core(content)
            elif name == "blender_manifest.toml":
                content = content.replace(OLD.encode(), NEW.encode())
            elif name == "words.py":
                content += b'\n\ndef time_said(seconds: float) -> str:\n    return "renewed"\n'
            new.writestr(name, content)


def renewed_core(wheel: bytes) -> bytes:
    """The core's wheel in another version."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            content = old.read(entry).replace(OLD.encode(), NEW.encode())
            new.writestr(
                entry.filename.replace(OLD, NEW),
                content + (b"\nUPDATED = True\n" if entry.filename == "restrip/errors.py" else b""),
            )
    return made.getvalue()
