"""Whether the engine that runs is still the one that is installed."""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path

from restrip.client.build import PACKAGE, build_id, is_whole, stamp

GONE_S = 5.0
"""An upgrade takes the old files away before it puts the new ones there: so long they may be missing."""


class Now(Enum):
    """What is on the disk, compared with what runs."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    UNCLEAR = "unclear"


class Installed:
    """The engine's own files, looked at now and then. A glance costs a few milliseconds as long as nothing changed."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self._package = package
        self._stamp = stamp(package)
        self.build = build_id(package)
        self._gone = 0.0

    def look(self) -> Now:
        """The files as they are. Files that were rewritten with the same content count as unchanged."""
        if not is_whole(self._package):
            self._gone = self._gone or time.monotonic()
            return Now.GONE if time.monotonic() - self._gone >= GONE_S else Now.UNCLEAR
        self._gone = 0.0
        seen = stamp(self._package)
        if seen == self._stamp:
            return Now.SAME
        build = build_id(self._package)
        if not build or stamp(self._package) != seen:
            return Now.UNCLEAR  # It is being written.
        if build != self.build:
            return Now.CHANGED
        self._stamp = seen
        return Now.SAME

    @property
    def differs(self) -> bool:
        """Whether anything is otherwise than at the start, at this moment."""
        return self.look() is not Now.SAME
