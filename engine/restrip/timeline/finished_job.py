"""What a finished job looks like to this package; `restrip.client`'s Manifest, KeyResult and StripFile fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from restrip.timeline.clip import ClipRange
from restrip.timeline.key import Key
from restrip.timeline.range import FrameRange
from restrip.timeline.segment import Crossfade


class KeyMade(Protocol):
    """A key and the file of its picture."""

    @property
    def key(self) -> Key:
        """What was asked for."""

    @property
    def picture(self) -> str:
        """An absolute path, or "" when the picture isn't kept."""


class StripMade(Protocol):
    """A strip and its file."""

    @property
    def key(self) -> int:
        """The index of its key; in mode every, of its first key."""

    @property
    def frames(self) -> FrameRange:
        """The frames of the clip that the file holds."""

    @property
    def file(self) -> str:
        """The absolute path of a movie, or of a folder of numbered pictures."""

    @property
    def timecode(self) -> str:
        """What the file says of its first frame; "" when it says nothing."""


class JobMade(Protocol):
    """A finished job."""

    @property
    def job_id(self) -> str:
        """Its name in the engine."""

    @property
    def clip(self) -> ClipRange:
        """What was restyled."""

    @property
    def look(self) -> str:
        """The look's name."""

    @property
    def keys(self) -> Sequence[KeyMade]:
        """In order of their frames."""

    @property
    def strips(self) -> Sequence[StripMade]:
        """In order of their frames."""

    @property
    def fades(self) -> Sequence[Crossfade]:
        """One between each two neighbouring strips."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """May hold "media", what a probe says of the source: `frames`, `rate`, `timecode`, `audio`."""
