"""Paths as users type them."""

from __future__ import annotations

import os
from pathlib import Path


def typed_path(text: str | os.PathLike[str]) -> Path:
    """The absolute path that is meant: ~ is the user's home. A ~ that is nobody's stays as it is, and isn't there.

    Raises FileNotFoundError when the folder that one is in is gone.
    """
    return Path(os.path.expanduser(text)).absolute()
