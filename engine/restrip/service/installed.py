"""Whether the engine that runs is still the one that is installed."""

from __future__ import annotations

import re
from pathlib import Path

import restrip

_VERSION = re.compile(r'^__version__ = "([^"\n]+)"', re.MULTILINE)


def installed_version(package: Path = Path(restrip.__file__)) -> str:
    """The version of the package on the disk now; "" when it can't be read, as in the middle of an upgrade."""
    try:
        found = _VERSION.search(package.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return found.group(1) if found else ""
