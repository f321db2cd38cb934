"""The messages that a worker may send; one that sends anything else is at fault and is ended.

ready                                   it listens
progress   id, phase, done, total       may come at any time while a task is at work
result     id, result                   the task is done; what a result holds depends on the task's kind
error      id, error                    the task failed with a named error
crash      id, what, cause              the worker is about to end
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restrip.client.messages import MAX_BYTES, BadMessage, decode
from restrip.errors import RestripError

MOST_BYTES = MAX_BYTES * 3 // 4
"""Of one message: what a result holds has to fit into a front-end's message with the rest of a job's status."""
MOST_NUMBER = 10**12
MOST_TEXT = 100_000
KINDS = ("ready", "progress", "result", "error", "crash")
CAUSES = ("", "memory", "import", "exception")
"""What a worker may say of its own end."""

Report = Mapping[str, Any]

FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a mistake in the engine's own code raises: it costs one task or one answer, and never the engine."""


class BadReport(RestripError):
    """A worker said something that no worker says."""

    code = "worker-fault"

    def __init__(self, why: str, kind: str = "") -> None:
        what = f" while it did '{kind}'" if kind else ""
        super().__init__(
            f"The worker{what} said something that can't be understood: {why}. It was ended.",
            "That is a fault of the engine's: 'restrip engine log' has more. What was finished is kept.",
            kind=kind,
            why=why,
        )


def read_line(line: bytes) -> Report:
    """A line of a worker's as an object: bounded, JSON, not too deep. Raises BadReport."""
    if len(line) > MOST_BYTES:
        raise BadReport(f"a message of {len(line)} bytes")
    try:
        # Two levels deeper: a front-end reads it inside a job's status, in the body of a message.
        inside = decode(b'{"job":{"said":' + line + b"}}")
    except BadMessage as error:
        raise BadReport("a message that is no JSON, or too deep") from error
    said = inside["job"].get("said")
    if inside != {"job": {"said": said}}:
        raise BadReport("more than one message in a line")
    if not isinstance(said, dict):
        raise BadReport("a message that is no object")
    return said


def check_report(said: Report) -> None:
    """Raise BadReport unless this is something that a worker says."""
    if said.get("t") not in KINDS:
        raise BadReport("a message of no known kind")
    texts = ("id", "phase", "note", "loaded", "what", "cause", "machine", "preview", "picture")
    for name in texts:
        if not (isinstance(said.get(name, ""), str) or (name == "note" and said[name] is None)):
            raise BadReport(f"{name} is no text")
        if len(said.get(name) or "") > MOST_TEXT:
            raise BadReport(f"{name} has {len(said[name])} characters")
    for name in ("done", "total", "segment", "frame"):
        if name in said and not is_number(said[name]):
            raise BadReport(f"{name} is no number")
    if said.get("cause", "") not in CAUSES:
        raise BadReport("a cause of no known kind")
    for name in ("facts", "result", "error"):
        if not isinstance(said.get(name, {}), dict):
            raise BadReport(f"{name} is no object")
    needed = {"progress": ("phase",), "result": ("result",), "error": ("error",)}.get(said["t"], ())
    for name in needed:
        if name not in said:
            raise BadReport(f"{said['t']} without {name}")
    if said["t"] == "error":
        _check_error(said["error"])


def check_result(kind: str, result: Mapping[str, Any]) -> None:
    """Raise BadReport unless a task of this kind may have this result."""
    if kind in ("keys", "part"):
        if not is_number(result.get("rendered", 0)) or result.get("rendered", 0) < 0:
            raise BadReport("rendered is no count", kind)
    elif kind == "prepare":
        frames = result.get("part_frames")
        if not (isinstance(frames, list) and all(is_number(n) and n > 0 for n in frames)):
            raise BadReport("part_frames are no counts", kind)
        size = result.get("size", [1, 1])
        if not (isinstance(size, list) and len(size) == 2 and all(is_number(n) and n > 0 for n in size)):
            raise BadReport("size is no size", kind)
        for name, end in (("missing_keys", MOST_NUMBER), ("missing_parts", len(frames))):
            listed = result.get(name)
            if not (isinstance(listed, list) and all(is_number(n) and 0 <= n < end for n in listed)):
                raise BadReport(f"{name} are no indices", kind)


def is_number(value: object) -> bool:
    """Whether this is a whole number of a size that counts have."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_NUMBER


def _check_error(error: Mapping[str, Any]) -> None:
    if not all(isinstance(error.get(name, ""), str) for name in ("code", "message", "remedy")):
        raise BadReport("an error without words")
