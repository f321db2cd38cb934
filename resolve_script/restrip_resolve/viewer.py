"""Opening a file with whatever the platform shows it in: there is no window of our own inside Resolve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Opener = Callable[[Path], bool]


def open_file(path: Path) -> bool:
    """Open a picture or text in the platform's program; False when that isn't possible."""
    if sys.platform == "win32":
        os.startfile(path)
        return True
    command = ["open", str(path)] if sys.platform == "darwin" else ["xdg-open", str(path)]
    # Resolve puts its own libraries first; the viewer must not load them.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "DYLD_", "QT_", "PYTHON"))}
    try:
        return subprocess.run(command, env=environment, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
