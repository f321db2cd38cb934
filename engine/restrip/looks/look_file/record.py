"""What look.json in a look file says. Loads no numerics.

Version 1 is read for ever. What a later one adds is a field with a default; a change that older versions would
misread raises VERSION, and they refuse such a file by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from restrip import codec
from restrip.errors import BadInput

FORMAT = "restrip look"
VERSION = 1
SUFFIX = ".restriplook"


class LookFileUnreadable(BadInput):
    """A file that should be a look and isn't one, or not a whole one."""

    code = "look-unreadable"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"{path} can't be read as a look: {why}.",
            f"Copy it again from where it was saved; looks are files that end in {SUFFIX}.",
            path=path,
            why=why,
        )


class LookFileTooNew(BadInput):
    """A look file that a newer Restrip wrote."""

    code = "look-too-new"

    def __init__(self, path: str, version: int) -> None:
        super().__init__(
            f"{path} was saved by a newer Restrip (version {version} of such files; this one reads up to {VERSION}).",
            "Update Restrip on this computer. The file is whole and stays as it is.",
            path=path,
            version=version,
        )


@dataclass(frozen=True)
class ModelUsed:
    """A file that the look is made with, and how to know it again on another computer.

    `role` is what it is to the look ("look", "vae", "lora 0"), `name` how the look's settings call it: a file's name
    without folders, or "hub:owner/name". `size` is in bytes. `license` is what its own file says, "" where it says
    nothing. `part` names the file in the archive for one that the look brings along, such as a painting.
    """

    role: str
    name: str
    sha256: str
    size: int = 0
    family: str = ""
    license: str = ""
    part: str = ""


@dataclass(frozen=True)
class AnchorUsed:
    """The key that others are made against: how it was made, and the sha256 of frame.png and picture.png.

    `frame` counts in its own clip, called `clip`.
    """

    frame_sha256: str
    picture_sha256: str
    size: tuple[int, int]
    prompt: str | None = None
    seed: int | None = None
    clip: str = ""
    frame: int = 0


@dataclass(frozen=True)
class LookRecord:
    """A look: `look` is its whole name ("sd:dreamshaper.safetensors") and `settings` its values, files by their names
    without folders. `prompts` are those that single keys of the job had. `engine` is the version that saved it.
    """

    name: str
    look: str
    settings: Mapping[str, Any]
    anchor: AnchorUsed
    models: tuple[ModelUsed, ...] = ()
    prompts: tuple[str, ...] = ()
    engine: str = ""
    created: float = 0.0
    format: str = field(default=FORMAT, kw_only=True)
    version: int = field(default=VERSION, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """The content of look.json."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Any, path: str) -> LookRecord:
        """Read what `to_json` wrote. Raises LookFileTooNew, LookFileUnreadable."""
        if not isinstance(body, Mapping) or body.get("format") != FORMAT:
            raise LookFileUnreadable(path, "it is no look of Restrip's")
        version = body.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise LookFileUnreadable(path, "it has no version")
        if version > VERSION:
            raise LookFileTooNew(path, version)
        return codec.read(cls, body, lambda why: LookFileUnreadable(path, f"in its description {why}"), most=10**15)
