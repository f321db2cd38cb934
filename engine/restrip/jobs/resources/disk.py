"""Is there room on the disk for a job? Asked before it starts, from its plan. Loads no numerics.

cache     every missing segment task, in each of its renditions
folder    the strips (each task again in the strip of either key), a baked movie, a preview
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import RestripError
from restrip.jobs.model.plan import Plan, SegmentTask
from restrip.media.formats import FORMATS

# Bytes a pixel as measured on frames that a built-in look painted, which are harder to store than most footage:
# of 8 bit, of more, and of alpha beside them.
BYTES_A_PIXEL = {
    "h264": (0.4, 0.4, 0.0),
    "hevc": (0.4, 0.4, 0.0),
    "prores4444": (0.9, 0.9, 2.0),
    "prores422hq": (0.6, 0.6, 0.0),
    "dnxhr_hqx": (0.45, 0.45, 0.0),
    "ffv1": (2.0, 5.3, 0.1),
    "png": (2.3, 5.2, 1.0),
    "tiff": (3.1, 7.2, 0.7),
    "exr": (4.5, 4.5, 0.1),
}
PREVIEW_BYTES_A_PIXEL = 0.6
SPARE_MIB = 64
"""What stays free in any case: keys, plans, scratch files."""
GUEST_SPARE_MIB = 1024
"""MiB that a guest's job leaves free: the disk belongs to the engine's owner."""


class NoRoom(RestripError):
    """A disk that has less room than a job will take."""

    code = "no-room"

    def __init__(self, folder: Path, need_mib: float, free_mib: float, spare_mib: int = SPARE_MIB) -> None:
        missing = math.ceil(need_mib + spare_mib - free_mib)
        super().__init__(
            f"The job needs about {_mib(need_mib)} MiB at {folder}, beside {spare_mib} MiB that are kept spare; "
            f"{math.floor(free_mib)} MiB are free.",
            f"Make room for {max(1, missing)} MiB more, render smaller or in another format, then resume the job.",
            path=str(folder),
            need_mib=round(need_mib, 1),
            spare_mib=spare_mib,
            free_mib=round(free_mib, 1),
        )


def _mib(size: float) -> str:
    return f"{size:.1f}" if size < 10 else f"{size:.0f}"


@dataclass(frozen=True)
class Room:
    """The MiB that a job will take: of missing segment tasks in the cache, and of its files in its folder."""

    cache_mib: float
    folder_mib: float

    @property
    def mib(self) -> float:
        """Both together."""
        return self.cache_mib + self.folder_mib


def room_of(plan: Plan, missing: list[int], *, baked: bool = False, preview: bool = False) -> Room:
    """What the plan will take when these of its segment tasks are missing in the cache."""
    plain, deep, alpha = BYTES_A_PIXEL[plan.format]
    a_pixel = (deep if plan.deep else plain) + (alpha if plan.alpha else 0.0)
    rendered = sum(_renditions(plan, plan.segment_tasks[n]) * len(plan.segment_tasks[n].frames) for n in missing)
    everything = sum(len(segment_task.frames) for segment_task in plan.segment_tasks)
    left = sum(len(strip.frames) for strip in plan.strips) + (everything if baked else 0)
    mpx = plan.size[0] * plan.size[1] / 2**20
    shown = everything * PREVIEW_BYTES_A_PIXEL if preview else 0.0
    return Room(rendered * a_pixel * mpx, (left * a_pixel + shown) * mpx)


def check_room(state_dir: Path, folder: Path, room: Room, plan: Plan, *, spare_mib: int = SPARE_MIB) -> None:
    """Raise NoRoom when the cache's disk or the folder's has too little; both may be one. `folder` exists."""
    one_disk = os.stat(state_dir).st_dev == os.stat(folder).st_dev
    # The pictures of a sequence are linked to those in the cache, not copied, on one disk.
    left = 0.0 if one_disk and FORMATS[plan.format].sequence else room.folder_mib
    wanted = {state_dir: room.cache_mib + left} if one_disk else {state_dir: room.cache_mib, folder: left}
    for place, need in wanted.items():
        free = free_mib(place)
        if need and need + spare_mib > free:
            raise NoRoom(place, need, free, spare_mib)


def free_mib(folder: Path) -> float:
    """The free room on a folder's disk."""
    return shutil.disk_usage(folder).free / 2**20


def _renditions(plan: Plan, segment_task: SegmentTask) -> int:
    """How many files a frame of the task goes into."""
    return 1 if plan.every else len(segment_task.segments[0].sides) + plan.baked
