"""Which files leave this computer for a job that another one does, in words."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping, Sequence
from typing import Any

MOST_NAMED = 8


def in_words(travels: Sequence[Mapping[str, Any]], to: str) -> str:
    """What `check` says of them ({"path", "bytes", ...} each) as a sentence; "" when nothing leaves."""
    if not travels:
        return ""
    named = [f"{ntpath.basename(str(file['path']))} ({size_said(int(file['bytes']))})" for file in travels]
    few = ", ".join(named[:MOST_NAMED]) + (f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else "")
    return f"These files are sent to {to}: {few}."


def size_said(count: int) -> str:
    """A number of bytes, for a person."""
    mib = count / 2**20
    if mib >= 1024:
        return f"{mib / 1024:.1f} GiB"
    return f"{mib:.1f} MiB" if mib >= 0.1 else f"{max(1, count >> 10)} KiB"
