"""The plan of a job: its keys, its segment tasks, and the hashes under which both are cached. Loads no numerics.

mode keys                              mode every, step 3
keys      K0       K1       K2         keys   K0 K1 K2 K3 K4 ...
tasks  [ ][   s   ][   s   ][  ]       tasks  [ s  s  s  s ][ s  s ...
files     left, right a task           files    joint a task
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from restrip import codec
from restrip.jobs.model.input_files import Seen
from restrip.registration.correction import Correction
from restrip.storage.json_files import digest
from restrip.timeline import Crossfade, FrameRange, Key, Segment, Strip, seams_of, strips_of


@dataclass(frozen=True)
class SegmentTask:
    """The unit of work and of the cache: one segment, or in mode every a run of them, as one set of files.

    `hash` says what is in them but for where they were carried, which only who does it knows.
    """

    hash: str = field(kw_only=True)
    segments: tuple[Segment, ...]

    @property
    def frames(self) -> FrameRange:
        """The frames that the task's files hold."""
        return FrameRange(self.segments[0].frames.first, self.segments[-1].frames.end)

    def filed(self, device: str, baked: bool) -> str:
        """The cache key of the task when it was carried on `device`, "cpu" or "cuda": their pictures differ a
        little. `baked` is for the baked rendition beside the strips'.
        """
        made = self.hash if device == "cpu" else digest({"device": device, "part": self.hash})
        return digest({"joint": made}) if baked else made

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys that it is rendered from."""
        return tuple(sorted({index for segment in self.segments for index in segment.sides}))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a job comes down to. `size` is (width, height) of what is rendered; `anchor` the key that the others of
    the job are made against, None when the look needs none; `previous` is for each key the one whose finished picture
    it is made from too, if any. `every` says that tasks have one baked rendition;
    `format` names what is written, `deep` (more than 8 bit) and `alpha` say what of it is kept; `source` stands
    for the media's content; `devices` are where tasks may be carried, the better one first; `inputs` are the job's
    files as they were when it was planned; `corrections` say for each key what is done with a picture given for it,
    and are none when that is nothing; `highlights` that light beyond white is kept;
    `hardware` names what encodes instead of the processor (`restrip.media.movies.hardware`).
    `models` is what the manifest says of the job's weights.
    `full_size` is there in a draft alone: what the full job would be rendered at.
    """

    keys: tuple[Key, ...]
    key_hashes: tuple[str, ...]
    cuts: tuple[int, ...]
    segment_tasks: tuple[SegmentTask, ...] = field(metadata=codec.at("parts"))
    size: tuple[int, int]
    anchor: int | None
    every: bool
    baked: bool = field(metadata=codec.at("joint"))
    format: str
    source: str
    notes: tuple[str, ...]
    look_identity: Mapping[str, Any]
    previous: tuple[int | None, ...] = ()
    deep: bool = False
    alpha: bool = False
    devices: tuple[str, ...] = ("cpu",)
    inputs: Mapping[str, Seen] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    full_size: tuple[int, int] | None = None
    highlights: bool = False
    hardware: str = ""
    models: tuple[Mapping[str, Any], ...] = ()

    @property
    def draft(self) -> bool:
        """Whether it is a draft."""
        return self.full_size is not None

    @property
    def key_size(self) -> tuple[int, int]:
        """(width, height) of the frames that keys are made from: also for a draft those of the full job."""
        return self.full_size or self.size

    @property
    def shrunk(self) -> float:
        """The length of a pixel of the full job in pixels of what is rendered: 1 unless it is a draft."""
        return max(self.size) / max(self.key_size)

    def correction(self, index: int) -> Correction:
        """What is done with the picture that was given for a key."""
        return self.corrections[index] if self.corrections else Correction()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, in order."""
        return tuple(segment for segment_task in self.segment_tasks for segment in segment_task.segments)

    @property
    def strips(self) -> tuple[Strip, ...]:
        """A strip for each key, or in mode every for each shot. `Strip.segments` are indices of segment tasks."""
        if not self.every:
            return strips_of(self.keys, self.segments)
        strips = []
        edges = [0, *self.cuts, self.segment_tasks[-1].frames.end]
        for first, end in pairwise(edges):
            mine = tuple(
                n for n, segment_task in enumerate(self.segment_tasks) if first <= segment_task.frames.first < end
            )
            strips.append(Strip(self.segment_tasks[mine[0]].keys[0], FrameRange(first, end), mine))
        return tuple(strips)

    @property
    def seams(self) -> tuple[Crossfade, ...]:
        """Where strips hand over, before fades are proposed."""
        if not self.every:
            return seams_of(self.keys, self.segments)
        return tuple(
            Crossfade(a.key, b.key, FrameRange(b.frames.first, b.frames.first)) for a, b in pairwise(self.strips)
        )

    def to_json(self) -> dict[str, Any]:
        """The content of plan.json."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote, and plans of older versions, which are still kept from pruning. Raises Misfit."""
        return codec.read(cls, body)
