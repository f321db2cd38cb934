"""Which GPU this machine has, asked of the driver's own tool: torch is not loaded for it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

ASK_S = 10.0


@cache
def find_gpu() -> dict[str, Any] | None:
    """{"name", "total_mib"} of the first GPU; None when there is none that is known of here."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return {"name": "Apple GPU", "total_mib": _memory_of_mac()}
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    return read_answer(_ask([tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]))


def read_answer(text: str) -> dict[str, Any] | None:
    """The first line of nvidia-smi's answer, "name, MiB"; None when it is none."""
    name, comma, mib = (text.splitlines() or [""])[0].rpartition(",")
    return {"name": name.strip(), "total_mib": int(mib)} if comma and mib.strip().isdigit() else None


def _memory_of_mac() -> int:
    """The memory that CPU and GPU share, in MiB."""
    answer = _ask(["/usr/sbin/sysctl", "-n", "hw.memsize"]).strip()
    return int(answer) >> 20 if answer.isdigit() else 0


def _ask(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=ASK_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
