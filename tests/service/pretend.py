"""An engine whose workers only pretend: what is left is the supervisor, and that is what is tested and measured.

python pretend.py engine PROGRESS      the engine; each keys task tells of its progress so many times
python pretend.py worker PROGRESS      its worker, by the engine itself. A part of a job named "hog" never ends:
                                       three threads hold Python's lock in turn
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

PLAN = {"missing_keys": [0], "missing_parts": [0], "part_frames": [10], "size": [64, 48]}


def be_engine(progress: str) -> int:
    """Serve until told to quit."""
    from restrip.service import supervisor

    supervisor.WORKER = (__file__, "worker", progress)  # type: ignore[assignment]
    return supervisor.serve(False)


def be_worker(progress: int) -> None:
    """Say at once that everything is done."""

    def say(**what: Any) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    say(t="ready")
    for line in sys.stdin:
        task = json.loads(line)
        if task["t"] != "task":
            continue
        here = {"id": task["id"], "loaded": ""}
        results: dict[str, Any] = {"prepare": PLAN, "keys": {"rendered": 1}, "part": {"rendered": 1}}
        if task["kind"] == "keys":
            for n in range(progress):  # A change of phase is always told.
                say(t="progress", phase=("keys", "loading")[n % 2], done=n, total=progress, **here)
        if task["kind"] == "part" and task["job"].endswith("hog"):
            say(t="progress", phase="propagating", done=0, total=10, **here)
            for _ in range(3):
                threading.Thread(target=hog, daemon=True).start()
            hog()
        say(t="result", result=results.get(task["kind"], {"manifest": ""}), **here)


def hog() -> None:
    """Hold a processor, and Python's lock."""
    n = 0
    while True:
        n = (n * 31 + 7) % 1_000_003


if __name__ == "__main__":
    if sys.argv[1] == "engine":
        sys.exit(be_engine(sys.argv[2]))
    be_worker(int(sys.argv[2]))
