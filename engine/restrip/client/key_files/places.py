"""Where the painted keys of a job lie: pictures that keys name, and the folder of a look of painted keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from restrip.client.job import JobSpec
from restrip.timeline import Key
from restrip.timeline.key_names import painted_in_folder

PAINTED = ("keys", "painted")
"""What the names of looks of painted keys begin with."""


def folder_of(look: str) -> str:
    """The folder of a look of painted keys; "" for other looks."""
    prefix, _, folder = look.partition(":")
    return folder.strip() if prefix in PAINTED else ""


@dataclass(frozen=True)
class KeyPlaces:
    """The pictures that single keys name, and the folder, "" for none. Frame 0 is numbered `first` in the folder.

    `frames` are those of the folder's pictures that are keys; None when each of them is one.
    """

    images: tuple[str, ...] = ()
    folder: str = ""
    first: int = 0
    frames: frozenset[int] | None = None

    @classmethod
    def of(cls, spec: JobSpec, *, all_in_folder: bool = False) -> KeyPlaces:
        """Those of a job; `all_in_folder` when the job's keys are whatever pictures its folder has."""
        frames = frozenset(key.frame for key in spec.keys if not key.image)
        return cls.at(spec.look, spec.settings, spec.keys, None if all_in_folder else frames)

    @classmethod
    def at(
        cls, look: str, settings: Mapping[str, Any], keys: Iterable[Key], frames: frozenset[int] | None = None
    ) -> KeyPlaces:
        """Those of keys in a look, before there is a job."""
        images = tuple(dict.fromkeys(key.image for key in keys if key.image))
        return cls(images, folder_of(look), int(settings.get("first_number") or 0), frames)

    def __bool__(self) -> bool:
        return bool(self.images or self.folder)

    def wants(self, number: int) -> bool:
        """Whether the folder's picture of this number is a key."""
        return self.frames is None or number - self.first in self.frames

    def with_frames(self, frames: Iterable[int]) -> KeyPlaces:
        """The same with more frames that are keys, such as those of shots without a marker."""
        return self if self.frames is None else replace(self, frames=self.frames.union(frames))

    def to_json(self) -> dict[str, Any]:
        """For a pipe; `from_json` reads it."""
        frames = None if self.frames is None else sorted(self.frames)
        return {"images": list(self.images), "folder": self.folder, "first": self.first, "frames": frames}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> KeyPlaces:
        """What `to_json` wrote."""
        frames = None if body["frames"] is None else frozenset(body["frames"])
        return cls(tuple(body["images"]), body["folder"], body["first"], frames)

    def painted_as(self, key: Key) -> str:
        """The file that a key is painted in: its own picture, else the folder's document or picture for its frame;
        "" when there is none. Raises OSError.
        """
        if key.image or not self.folder:
            return key.image or ""
        return os.fspath(painted_in_folder(self.folder, key.frame + self.first) or "")
