"""Which GPU this machine has, asked of the driver's own tool: torch is not loaded for it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
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
    # A worker that was given one GPU of several tells of that one.
    own = _named(os.environ)[:1]
    if not own and "CUDA_VISIBLE_DEVICES" in os.environ:
        return None
    which = [f"--id={own[0]}"] if own else []
    return read_answer(_ask([tool, *which, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]))


def list_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that work may use, as CUDA_VISIBLE_DEVICES names them: those that it names, or all of this machine."""
    if "CUDA_VISIBLE_DEVICES" in environment:
        return _named(environment)
    tool = shutil.which("nvidia-smi")
    return read_list(_ask([tool, "--list-gpus"])) if tool is not None else []


def read_list(text: str) -> list[str]:
    """The UUIDs in the answer to `nvidia-smi --list-gpus`; of a GPU that is divided, those of its parts."""
    found: list[str] = []
    parts: list[str] = []
    for line in text.splitlines():
        match = re.search(r"UUID: ((?:GPU|MIG)-[^)\s]+)", line)
        if match:
            (parts if match[1].startswith("MIG") else found).append(match[1])
    # CUDA shows a process one part at most, and no whole GPU beside it.
    return parts or found


def _named(environment: Mapping[str, str]) -> list[str]:
    """What CUDA_VISIBLE_DEVICES names; CUDA itself stops at the first that is none."""
    named = []
    for entry in environment.get("CUDA_VISIBLE_DEVICES", "").split(","):
        if not re.fullmatch(r"\d+|(?:GPU|MIG)-\S+", entry.strip()):
            break
        named.append(entry.strip())
    return named


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
