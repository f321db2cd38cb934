"""Where keys are worth it, as an interactive job."""

from __future__ import annotations

from typing import Any

from restrip.client.job import clip_from_json
from restrip.jobs.tasks.registry import Assignment, read_own
from restrip.media import ClipReader, fit_picture
from restrip.media.frame import Frame
from restrip.propagate.suggestions import suggest
from restrip.timeline import FrameRange

LONG_SIDE_PX = 480


class _Small:
    """A clip's frames, small: where motion and content change is seen at that size too."""

    def __init__(self, reader: ClipReader, length: int) -> None:
        scale = min(1.0, LONG_SIDE_PX / max(reader.size))
        self.size = (max(2, round(reader.size[0] * scale)), max(2, round(reader.size[1] * scale)))
        self.frames = FrameRange(0, length)
        self._reader = reader

    def frame(self, n: int) -> Frame:
        """Frame n of the clip."""
        return fit_picture(self._reader.frame(n), self.size).with_depth(False)


def suggest_keys(task: Assignment) -> dict[str, Any]:
    """Suggest keys. Returns {"keys": [{"frame", "reason", "error"}]}."""
    body = read_own(task.folder / "job.json")
    clip = clip_from_json(body["source"])
    with ClipReader(clip) as reader:
        window = _Small(reader, clip.length)
        wanted = {name: body[name] for name in ("count", "error") if body.get(name) is not None}
        found = suggest(window, **wanted, report=lambda done, total, note="": task.report("reading", done, total))
    return {"keys": [{"frame": key.frame, "reason": key.reason, "error": round(key.error, 2)} for key in found]}
