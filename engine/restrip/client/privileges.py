"""Whether a process may do more than it should."""

from __future__ import annotations

import os

AS_ROOT = (
    "The engine runs as root: what it reads, writes and loads, files of strangers among it, it may all do as root."
)
NOT_AS_ROOT = "Run Restrip as an ordinary user: 'restrip engine stop', then start it as that user."


def is_root() -> bool:
    """Whether this process is root's; never on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
