"""How often the system ended processes because memory ran out, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def memory_kills(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """How often the system has ended a process here because memory ran out; 0 where it doesn't say.

    It only grows: one that was larger after a worker's end than at its start tells of its cause. Of this process's own
    control group where that counts; else of the whole computer, where the death may have been another program's.
    """
    found = [
        count for path in _groups(proc / "self" / "cgroup", groups) if (count := _counter(path, "oom_kill")) is not None
    ]
    return sum(found) if found else _counter(proc / "vmstat", "oom_kill") or 0


def _groups(path: Path, groups: Path) -> list[Path]:
    """The files that count for a process's control groups, of either version; a container shows its own as the root."""
    files = []
    for line in _lines(path):
        controllers, _, place = line.partition(":")[2].partition(":")
        inside = place.strip().lstrip("/")
        if not controllers:
            named = [groups / inside / "memory.events", groups / "memory.events"]
        elif "memory" in controllers.split(","):
            named = [groups / "memory" / p / "memory.oom_control" for p in (inside, "")]
        else:
            continue
        files += [next((file for file in named if file.exists()), named[0])]
    return files


def _counter(path: Path, name: str) -> int | None:
    for line in _lines(path):
        key, _, value = line.partition(" ")
        if key == name and value.strip().isdigit():
            return int(value)
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except OSError:
        return []
