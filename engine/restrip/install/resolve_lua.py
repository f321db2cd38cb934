"""restrip.lua, for editions of Resolve whose menu lists no Python scripts: the template with this machine's paths."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from restrip.client.discovery import state_dir

TEMPLATE = "console.lua"
NAME = "restrip.lua"


def exported_folder() -> Path:
    """Where the script has timelines exported to, and imports them from."""
    return state_dir() / "resolve" / "exported"


def write(source: Path, home: Path, interpreter: str) -> Path:
    """Fill the template of the package in `source` in; `interpreter` is the Python that has Restrip."""
    folder = exported_folder()
    log = folder.parent / "lua.log"
    # Resolve's own PYTHONHOME and the folder that it runs in are none of ours.
    words = [interpreter, "-E", "-P", "-X", "utf8", "-m", "restrip_resolve.exported", str(folder)]
    before, after = around(words, str(log), sys.platform)
    text = (source / TEMPLATE).read_text("utf-8")
    filled = {"FOLDER": f"{folder}{os.sep}", "BEFORE": before, "AFTER": after, "LOG": str(log)}
    for name, value in filled.items():
        text = text.replace(f"@{name}@", lua_text(value))
    target = home / NAME
    target.write_text(text, "utf-8")
    return target


def line(home: Path) -> str:
    """What to paste into Resolve's console."""
    return f"dofile({lua_text(str(home / NAME))})"


def around(words: Sequence[str], log: str, platform: str) -> tuple[str, str]:
    """What stands before and after a command's last word, for the shell that C's system() starts on a platform."""
    if platform == "win32":
        # cmd takes the outermost quotes away, and no path has any in it.
        return '"' + " ".join(f'"{word}"' for word in words) + " ", f' > "{log}" 2>&1"'
    return shlex.join(words) + " ", f" > {shlex.quote(log)} 2>&1"


def lua_text(text: str) -> str:
    """A text as Lua's long string, in which nothing is an escape."""
    level = ""
    while f"]{level}]" in f"{text}]":
        level += "="
    return f"[{level}[{text}]{level}]"
