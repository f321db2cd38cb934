"""Processes of this machine by their numbers."""

from __future__ import annotations

import os
import sys


def alive(pid: int) -> bool:
    """Whether a process of this number runs. One that ends is alive until its last thread has let its files go."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return not os.path.exists("/proc/self")  # No /proc here; else it ended just now.
    # A process that nobody has waited for keeps its number. While threads of it end, so do its lock and its ports.
    state, threads = fields[0], int(fields[17])
    return state not in ("Z", "X") or threads > 1


def _alive_on_windows(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    limited, still_active = 0x1000, 259
    handle = kernel.OpenProcess(limited, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    try:
        return bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == still_active
    finally:
        kernel.CloseHandle(handle)
