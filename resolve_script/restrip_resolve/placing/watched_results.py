"""Results that a watch placed, and that later ones took the place of: all but the newest are deleted.

saved ─► result 1 ─► saved ─► result 2 ─► ...    stays: what any timeline of the project shows, the newest KEPT (for
                                                 undo), what nobody's watch made, and what the user took elsewhere

Resolve doesn't tell what lies inside of compound clips. So a result goes only if all of its strips lay where they were
placed when the next one replaced them, and its clips are still in their bin.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from restrip.client.job import Manifest
from restrip.client.key_files.made import KEPT, MadeResult
from restrip.errors import RestripError
from restrip_resolve import ledger
from restrip_resolve.api import done, listed, need, uid
from restrip_resolve.clips.own import OwnItem, own_items
from restrip_resolve.clips.survey import items_of
from restrip_resolve.engine import Engine
from restrip_resolve.journal import Guard
from restrip_resolve.placing.bins import OWN_BIN, clips_by_path, named_bin
from restrip_resolve.placing.nest import timelines_of
from restrip_resolve.placing.place import free_name
from restrip_resolve.session import Session


@dataclass(frozen=True)
class _Placed:
    """A result as it was placed: the item of its clip, its strips' ids, and the files that they show."""

    result: MadeResult
    clip: str
    bin_name: str
    strips: frozenset[str]
    shown: frozenset[str]


@dataclass
class WatchedResults:
    """Those of one watch: the newest of each clip, and those that were replaced, oldest first."""

    _now: dict[str, _Placed] = field(default_factory=dict)
    _replaced: list[_Placed] = field(default_factory=list)
    _out: set[str] = field(default_factory=set)
    """Jobs whose clips are out of the media pool, but whose files couldn't be deleted yet."""

    def leave(self, session: Session, clip: str) -> None:
        """The clip's result is about to be replaced. Raises ResolveRefused."""
        placed = self._now.pop(clip, None)
        if placed is not None and placed.strips <= {uid(own.item) for own in _strips(session, placed.result.job_id)}:
            self._replaced.append(placed)

    def came(self, session: Session, clip: str, manifest: Manifest) -> None:
        """This result of the clip was placed. Raises ResolveRefused."""
        strips = _strips(session, manifest.job_id)
        shown = frozenset(filter(None, (_file(own) for own in strips)))
        name = free_name(manifest.clip.name or "clip", manifest.job_id)
        ids = frozenset(uid(own.item) for own in strips)
        if shown:
            self._now[clip] = _Placed(MadeResult.of(manifest), clip, name, ids, shown)

    def tidy(self, session: Session, engine: Engine) -> None:
        """Delete what is over. What Resolve or the disk refuses stays, and is tried again the next time."""
        over = self._replaced[: max(0, len(self._replaced) + len(self._now) - KEPT)]
        with Guard():
            used = _used(session) if over else frozenset()
            for placed in over:
                job_id = placed.result.job_id
                if not used.isdisjoint(placed.shown) or not (job_id in self._out or _out_of_pool(session, placed)):
                    continue
                self._out.add(job_id)
                if placed.result.delete():
                    self._replaced.remove(placed)
                    ledger.forget(job_id)
                    with Guard():
                        engine.discard(job_id)


def _strips(session: Session, job_id: str) -> list[OwnItem]:
    return [own for own in own_items(session) if own.job_id == job_id]


def _file(own: OwnItem) -> str:
    media = own.item.GetMediaPoolItem()
    return ledger.normal(str(media.GetClipProperty("File Path") or "")) if media else ""


def _used(session: Session) -> frozenset[str]:
    """The files that the video tracks of all timelines show. Raises ResolveRefused."""
    media = (item.GetMediaPoolItem() for one in timelines_of(session).values() for item, _ in items_of(one))
    return frozenset(ledger.normal(str(clip.GetClipProperty("File Path") or "")) for clip in media if clip)


def _out_of_pool(session: Session, placed: _Placed) -> bool:
    """Take a result's clips and their bin out of the media pool; whether they are out."""
    try:
        own = named_bin(need(session.pool.GetRootFolder(), "give the root bin"), OWN_BIN)
        bin_ = named_bin(own, placed.bin_name) if own is not None else None
        if own is None or bin_ is None or set(clips_by_path(bin_)) != placed.shown:
            return False
        if listed(bin_.GetSubFolderList(), "list the bins"):
            return False
        done(session.pool.DeleteClips(list(clips_by_path(bin_).values())), "delete the clips of an old result")
        if clips_by_path(bin_):
            return False
        with Guard():
            session.pool.DeleteFolders([bin_])
    except RestripError as error:
        session.console.log(f"an old result stays: {error!r}")
        return False
    return True
