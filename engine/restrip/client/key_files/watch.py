"""Watches the pictures of keys while they are painted in other programs. Looks only, by `stat`: network drives work.

    saved ──► still for QUIET_S, and whole ──► another content? ──► told, with all else that was saved meanwhile
    gone ───► back within GONE_S: a program that deletes and writes anew ──► as saved
         └──► longer: told once, waited for; what was known of it is kept

Files under temporary names, hidden ones, and pictures without a frame in their names are never looked at.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from restrip.client.key_files.news import KeyFileGone, KeyFolderGone, KeyHalfSaved, KeyNews
from restrip.client.key_files.places import KeyPlaces
from restrip.client.key_files.whole import is_whole
from restrip.errors import RestripError
from restrip.timeline.key_names import key_number, keys_in_folder

POLL_S = 0.5
QUIET_S = 1.0
GONE_S = 3.0
MOST_WAIT_S = 10.0
"""What is ready isn't held up for longer by others that are still being written."""
SETTLED_S = 3.0
"""Within that of a change another one may have the same time: file systems' clocks are as coarse as 2 s."""

Stamp = tuple[int, int, int]
"""Size in bytes, time of change, and of the last change of anything; inodes of network drives come and go."""


@dataclass
class _Known:
    """A picture as it was taken over. `sha256` is "" while it was never read; `sure` that no later change can hide
    behind the stamp.
    """

    stamp: Stamp
    sha256: str = ""
    sure: bool = True
    read_at: float = 0.0


@dataclass
class _Moving:
    """A picture that was written to: its last stamp, since when it has it, since when it isn't the known one."""

    stamp: Stamp
    since: float
    began: float


class KeyWatch:
    """Watches from the moment that it is made. `look` is to be called about every POLL_S, from one thread."""

    def __init__(self, places: KeyPlaces, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.places = places
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._moving: dict[str, _Moving] = {}
        self._missing: dict[str, float] = {}
        self._troubled: set[str] = set()
        self._unused: dict[str, None] = {}
        self._no_folder: tuple[float, str] | None = None
        try:
            present, self._unused = self._present()
        except OSError as error:
            self._no_folder = clock(), _why(error)
            present, _ = self._images(), None
        self._known = {path: _Known(stamp) for path, stamp in present.items()}

    def follow(self, places: KeyPlaces) -> None:
        """Watch these from now on; of pictures that were watched until now nothing is missed."""
        if places == self.places:
            return
        self.places = places
        try:
            present, self._unused = self._present()
        except OSError:
            present = self._images()
        for path, stamp in present.items():
            self._known.setdefault(path, _Known(stamp))
        for path in [path for path in self._known if path not in present and not self._wanted(path)]:
            self._known.pop(path)
            self._missing.pop(path, None)

    def look(self) -> KeyNews:
        """What is new. Never raises, and never tells the same twice."""
        now = self._clock()
        troubles: list[RestripError] = []
        well: list[str] = []
        present, unused = self._listed(now, troubles, well)
        for path, stamp in present.items():
            self._see(path, stamp, now, well)
        for path in [path for path in self._moving if path not in present]:
            del self._moving[path]
        self._drop_replaced(present)
        for path in self._known:
            if path in present or (self._no_folder is not None and path not in self.places.images):
                self._missing.pop(path, None)
            else:
                self._missing.setdefault(path, now)
        saved, added = self._finished(now, troubles)
        removed = self._lost(now, troubles)
        return KeyNews(saved, added, removed, unused, tuple(troubles), tuple(well))

    def _listed(
        self, now: float, troubles: list[RestripError], well: list[str]
    ) -> tuple[dict[str, Stamp], tuple[str, ...]]:
        """What is there, and new pictures of no key; a folder that is gone keeps what was known of it."""
        try:
            present, others = self._present()
            ours = [path for path in self._known if path not in self.places.images]
            if ours and not any(path not in self.places.images for path in present) and len(ours) > 1 and not others:
                raise FileNotFoundError("has no picture of a key any more")
        except OSError as error:
            since, why = self._no_folder or (now, _why(error))
            self._no_folder = since, why
            if now - since >= GONE_S and self.places.folder not in self._troubled:
                self._troubled.add(self.places.folder)
                troubles.append(KeyFolderGone(self.places.folder, why))
            return self._images(), ()
        if self._no_folder is not None:
            self._no_folder = None
            if self.places.folder in self._troubled:
                self._troubled.discard(self.places.folder)
                well.append(f"The folder {self.places.folder} is back.")
        new = tuple(path for path in others if path not in self._unused)
        self._unused = others
        return present, new

    def _see(self, path: str, stamp: Stamp, now: float, well: list[str]) -> None:
        """Note one picture that is there."""
        self._missing.pop(path, None)
        known, moving = self._known.get(path), self._moving.get(path)
        if f"gone {path}" in self._troubled:
            self._troubled.discard(f"gone {path}")
            well.append(f"{os.path.basename(path)} is back.")
        if known is not None and known.stamp == stamp:
            self._moving.pop(path, None)
            if known.sure or now - known.read_at < SETTLED_S:
                return
            self._moving[path] = _Moving(stamp, now - QUIET_S, now - QUIET_S)
        elif moving is None or moving.stamp != stamp:
            self._moving[path] = _Moving(stamp, now, moving.began if moving else now)

    def _drop_replaced(self, present: Mapping[str, Stamp]) -> None:
        """What isn't the key any more, since the frame was painted in another file, isn't missed."""
        numbers = {key_number(path) for path in present if path not in self.places.images}
        for path in [path for path in self._known if path not in present and path not in self.places.images]:
            if key_number(path) in numbers:
                del self._known[path]
                self._missing.pop(path, None)
                self._troubled.discard(f"gone {path}")

    def _finished(self, now: float, troubles: list[RestripError]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Those that were saved, and those that are new, once nothing moves any more."""
        waited = [moving.since for moving in self._moving.values()]
        waited += [since + GONE_S - QUIET_S for since in self._missing.values() if now - since < GONE_S]
        quiet = all(now - since >= QUIET_S for since in waited)
        saved, added = [], []
        for path, moving in list(self._moving.items()):
            if now - moving.since < QUIET_S or not (quiet or now - moving.began >= MOST_WAIT_S):
                continue
            if not is_whole(path) or not (sha256 := _sha256(path)):
                if now - moving.since >= MOST_WAIT_S and f"half {path}" not in self._troubled:
                    self._troubled.add(f"half {path}")
                    troubles.append(KeyHalfSaved(path))
                continue
            if _stamp(path) != moving.stamp:
                continue  # Written to while it was read: the next look sees it.
            known = self._known.get(path)
            self._known[path] = _Known(moving.stamp, sha256, _settled(moving.stamp), now)
            self._troubled.discard(f"half {path}")
            del self._moving[path]
            if known is None:
                added.append(path)
            elif known.sha256 != sha256:
                saved.append(path)
        return tuple(saved), tuple(added)

    def _lost(self, now: float, troubles: list[RestripError]) -> tuple[str, ...]:
        """Those that were taken away, of the keys that the folder alone makes; others are waited for."""
        removed = []
        for path, since in list(self._missing.items()):
            if now - since < GONE_S:
                continue
            if self.places.frames is None and path not in self.places.images:
                del self._missing[path], self._known[path]
                removed.append(path)
            elif f"gone {path}" not in self._troubled:
                self._troubled.add(f"gone {path}")
                troubles.append(KeyFileGone(path))
        return tuple(removed)

    def _present(self) -> tuple[dict[str, Stamp], dict[str, None]]:
        """The pictures of keys with their stamps, and the others of the folder. Raises OSError."""
        found, others = self._images(), dict[str, None]()
        for number, paths in keys_in_folder(self.places.folder).items() if self.places.folder else ():
            for path in map(os.fspath, paths):
                if not self.places.wants(number):
                    others[path] = None
                elif (stamp := _stamp(path)) is not None:
                    found[path] = stamp
        return found, others

    def _wanted(self, path: str) -> bool:
        """Whether this is a picture of a key, by its name and place."""
        number = key_number(path) if os.path.dirname(path) == self.places.folder.rstrip(os.sep) else None
        of_folder = number is not None and self.places.wants(number)
        return path in self.places.images or of_folder

    def _images(self) -> dict[str, Stamp]:
        seen = ((path, _stamp(path)) for path in self.places.images)
        return {path: stamp for path, stamp in seen if stamp is not None}


def _stamp(path: str) -> Stamp | None:
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _settled(stamp: Stamp) -> bool:
    return abs(time.time_ns() - stamp[1]) > SETTLED_S * 1e9


def _sha256(path: str) -> str:
    """Of the content; "" when it can't be read now."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and error.errno is not None:
        return "isn't there any more"
    return f"can't be listed: {error.strerror.lower()}" if error.strerror else str(error)
