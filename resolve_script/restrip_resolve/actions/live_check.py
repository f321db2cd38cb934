"""Live check: ask this Resolve what isn't documented, on a scratch timeline, and write a report to send back."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from restrip.client.discovery import state_dir
from restrip.errors import BadInput
from restrip_resolve.actions.context import Context
from restrip_resolve.api import ResolveRefused, done, need, uid, whole
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.journal import Guard, Journal
from restrip_resolve.live_check.bench import LENGTH, OTHERWISE, Bench, Check
from restrip_resolve.live_check.checks import CHECKS
from restrip_resolve.placing.nest import timelines_of
from restrip_resolve.session import Session

NAME = "Restrip live check"


class NoTestClip(BadInput):
    """The clip at the playhead can't serve for the checks."""

    code = "no-test-clip"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} can't serve for the check.",
            f"Move the playhead over a movie of the timeline's own rate with at least {4 * LENGTH} frames.",
        )


def run(context: Context) -> None:
    """The menu entry."""
    session = context.session()
    clip = source_clips(session)[0]
    lines = [f"Restrip live check, {time.strftime('%Y-%m-%d %H:%M')}", *_facts(session)]
    with Journal(session.console) as journal:
        bench = _bench(session, journal, clip)
        for check in CHECKS:
            line = _asked(bench, check)
            context.console.say(line)
            lines.append(line)
    report = state_dir() / "resolve" / "live-check.txt"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join(lines) + "\n", "utf-8")
    context.open_file(report)
    context.console.say(f"The report is {report}. Please send it back.")


def _facts(session: Session) -> list[str]:
    return [
        session.title,
        f"Python {sys.version.split()[0]} on {sys.platform}",
        f"timeline rate {session.rate}, drop frame {session.drop}, first frame {session.first}",
        f"page {session.resolve.GetCurrentPage()}",
        "",
    ]


def _asked(bench: Bench, check: Check) -> str:
    """A line of the report; whatever a check does or raises, the next one finds an empty timeline."""
    answer = ""
    with Guard() as guard:
        answer = check.ask(bench)
    if guard.error is not None:
        answer = f"{type(guard.error).__name__}: {guard.error}"
    with Guard():
        bench.clear()
    if isinstance(guard.error, BadInput):
        # The project isn't ready for the question: no answer about Resolve, so no advice from it either.
        return f"[NOT ASKED] {check.name}: {check.question} {guard.error.message} {guard.error.remedy}"
    if answer in check.fine:
        return f"[fine]    {check.name}: {answer}"
    return f"[DIFFERS] {check.name}: {check.question} {answer} {OTHERWISE[check.otherwise]}"


def _bench(session: Session, journal: Journal, clip: SourceClip) -> Bench:
    """A timeline of our own in a bin of our own; both are gone afterwards. Raises NoTestClip."""
    media = clip.item.GetMediaPoolItem()
    if clip.media is None or len(clip.media.paths) != 1 or not media or clip.media.rate != session.rate:
        raise NoTestClip(clip.name)
    frames = clip.media.frames
    if frames < 4 * LENGTH:
        raise NoTestClip(clip.name)
    project, pool = session.project, session.pool
    before = need(pool.GetCurrentFolder(), "tell the current bin")
    page = need(session.resolve.GetCurrentPage(), "tell which page is open")
    journal.always("The page", lambda: _back_to_page(session, page))
    journal.always("The current bin", lambda: done(pool.SetCurrentFolder(before), "open your bin again"))
    root = need(pool.GetRootFolder(), "give the root bin")
    own = need(pool.AddSubFolder(root, f"{NAME} {time.strftime('%H%M%S')}"), "make a bin")
    journal.always("The bin of the check", lambda: done(pool.DeleteFolders([own]), "delete the bin"))
    done(pool.SetCurrentFolder(own), "open the bin")
    known = set(timelines_of(session))
    journal.always("The timelines of the check", lambda: _delete_new(session, known))
    journal.always("The current timeline", lambda: done(project.SetCurrentTimeline(session.timeline), "open yours"))
    timeline = need(pool.CreateEmptyTimeline(f"{NAME} {uid(own)[-6:]}"), "make a timeline")
    done(project.SetCurrentTimeline(timeline), "open the timeline of the check")
    scratch = replace(session, timeline=timeline, first=whole(timeline.GetStartFrame(), "tell its first frame"))
    return Bench(scratch, media, str(Path(clip.media.paths[0])), frames)


def _delete_new(session: Session, known: set[str]) -> None:
    new = [timeline for name, timeline in timelines_of(session).items() if name not in known]
    if new:
        done(session.pool.DeleteTimelines(new), "delete the timelines of the check")


def _back_to_page(session: Session, page: str) -> None:
    session.resolve.OpenPage(page)
    if session.resolve.GetCurrentPage() != page:
        raise ResolveRefused(f"go back to the {page} page")
