"""Resolve's own cross dissolves (Studio, from 21.1 on), read back from the timeline."""

from __future__ import annotations

from collections.abc import Sequence

from restrip.errors import RestripError
from restrip.timeline import FrameRange
from restrip_resolve.api import TimelineItem, need, uid
from restrip_resolve.clips.survey import Spot, spot_of
from restrip_resolve.placing.plan import Plan
from restrip_resolve.session import Session


class DissolveElsewhere(RestripError):
    """Resolve put a transition on other frames than asked for."""

    code = "dissolve-elsewhere"

    def __init__(self, asked: FrameRange, got: Spot | None) -> None:
        where = "nowhere" if got is None else f"at {got.start} to {got.start + got.length}"
        super().__init__(
            f"Resolve put the dissolve for frames {asked.first} to {asked.end} {where}.",
            "Set `seams = baked` or `fusion` in the settings.",
        )
        self.rounding = got is not None and got.length == len(asked) and len(asked) % 2 == 1


def add_dissolves(session: Session, plan: Plan, placed: Sequence[TimelineItem], track: int) -> dict[str, Spot]:
    """Put the plan's dissolves between the placed strips; returns their ids and places.

    Raises DissolveElsewhere, ResolveRefused.
    """
    found: dict[str, Spot] = {}
    for dissolve in plan.dissolves:
        before = {uid(item) for item in session.items(track)}
        need(
            placed[dissolve.left].AddTransition(
                {
                    "type": "Cross Dissolve",
                    "category": "simple",
                    "position": "end",
                    "alignment": "center",
                    "duration": len(dissolve.frames),
                }
            ),
            "add a cross dissolve",
        )
        new = {uid(item): spot_of(item, track) for item in session.items(track) if uid(item) not in before}
        spots = list(new.values())
        wanted = Spot(track, dissolve.frames.first, len(dissolve.frames))
        if spots != [wanted]:
            raise DissolveElsewhere(dissolve.frames, spots[0] if spots else None)
        found.update(new)
    return found
