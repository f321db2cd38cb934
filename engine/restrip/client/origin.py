"""Where Restrip was installed from, and the line that installs more of it from there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from restrip.client.discovery import recorded

UNKNOWN = "FOLDER"
"""Stands for the folder or the .whl file of Restrip where nothing tells which one it was."""


def install_line(extra: str) -> str:
    """The command that installs Restrip's part `extra`, ready to be pasted into a terminal.

    It names the Python that Restrip is installed in and the folder, wheel or index name that it was installed from;
    UNKNOWN stands for a folder of which nothing is known.
    """
    return _joined([*_installer(), f"{origin() or UNKNOWN}[{extra}]"])


def set_up() -> tuple[str, str]:
    """The commands that install the engine and start it, for a terminal.

    In an editor, where only the front-end is, they are what the engine or `restrip install` left there; where nobody
    did, they are for the system's Python.
    """
    if importlib.util.find_spec("restrip.service") is not None:
        return install_line("engine"), _joined([sys.executable, "-m", "restrip", "engine", "start"])
    left = recorded("set_up")
    if isinstance(left, list) and len(left) == 2 and all(isinstance(line, str) for line in left):
        return left[0], left[1]
    python = "py" if os.name == "nt" else "python3"
    return f'{python} -m pip install "{UNKNOWN}[engine]"', f"{python} -m restrip engine start"


def origin() -> str:
    """What pip was given when it installed the Restrip that runs here: a folder, a file, a URL or "restrip".

    "" when it wasn't installed at all, or from something that is not there any more.
    """
    try:
        package = importlib.metadata.distribution("restrip")
    except importlib.metadata.PackageNotFoundError:
        return _beside()
    # PEP 610: pip, pipx and uv write where a package came from, unless it was an index.
    text = package.read_text("direct_url.json")
    if text is None:
        return "restrip"
    url = str(json.loads(text).get("url", ""))
    if not url.startswith("file:"):
        return f"restrip @ {url}" if url else ""
    from urllib.request import url2pathname  # Late: it loads much.

    path = url2pathname(urlsplit(url).path)
    return path if os.path.exists(path) else _beside()


def _beside() -> str:
    """The folder of the source that runs, if it is one."""
    folder = Path(__file__).resolve().parents[3]
    return str(folder) if (folder / "pyproject.toml").exists() else ""


def _installer() -> list[str]:
    """pip of the Python that runs here; an environment of uv's has none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    return ["uv", "pip", "install", "--python", sys.executable]


def _joined(words: list[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
