"""What the live check works with: an empty timeline, a clip, and the list of its questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from restrip_resolve.api import MediaPoolItem, TimelineItem, done, uid
from restrip_resolve.session import Session

LENGTH = 20
"""How many frames the checks place at a time; the clip needs four times as many."""


@dataclass(frozen=True)
class Bench:
    """An empty timeline to try things on, and a clip with its file and length."""

    session: Session
    media: MediaPoolItem
    path: str
    frames: int

    def append(self, at: int, *, first: int = 10, length: int = LENGTH, track: int = 1) -> list[TimelineItem]:
        """Append frames of the clip at a frame counted from the timeline's start; returns what is new on any track."""
        before = {uid(item) for item in self.items()}
        self.session.pool.AppendToTimeline(
            [
                {
                    "mediaPoolItem": self.media,
                    "startFrame": first,
                    "endFrame": first + length,
                    "recordFrame": self.session.first + at,
                    "trackIndex": track,
                    "mediaType": 1,
                }
            ]
        )
        return [item for item in self.items() if uid(item) not in before]

    def items(self) -> list[TimelineItem]:
        """Everything on the timeline."""
        return [i for n in range(1, self.session.video_tracks() + 1) for i in self.session.items(n)]

    def clear(self) -> None:
        """Back to one empty track; clips are deleted on the Edit page only."""
        done(self.session.resolve.OpenPage("edit"), "open the Edit page")
        timeline = self.session.timeline
        items = self.items()
        if items:
            done(timeline.DeleteClips(items, False), "clear the scratch timeline")
        for track in range(self.session.video_tracks(), 1, -1):
            done(timeline.DeleteTrack("video", track), "delete a scratch track")


@dataclass(frozen=True)
class Check:
    """A question, how it is asked, the answers that the scripts can do with, and what to do after another one."""

    name: str
    question: str
    ask: Callable[[Bench], str]
    fine: tuple[str, ...]
    otherwise: str


CHECKS: list[Check] = []

OTHERWISE = {
    "seams": "Set `seams = baked`: that needs none of it.",
    "report": "Don't place by script yet: import the job's .otio, and send the report.",
    "covered": "Nothing is lost: titles above the clip are covered, and the script says so.",
    "grade": "Set `with_grade = never`, and put rendered clips on the timeline where it matters.",
    "marks": "Set `mark_out_inclusive = no` when the out frame is left out.",
    "nested": "Don't use `seams = nested`.",
    "moved": "Nothing to set: strips are known by their files then. Don't move the results' folder.",
}


def check(
    name: str, *fine: str, otherwise: str = "report"
) -> Callable[[Callable[[Bench], str]], Callable[[Bench], str]]:
    """Put a function into the list; its docstring is the question."""

    def listed_(ask: Callable[[Bench], str]) -> Callable[[Bench], str]:
        CHECKS.append(Check(name, (ask.__doc__ or "").strip(), ask, fine, otherwise))
        return ask

    return listed_
