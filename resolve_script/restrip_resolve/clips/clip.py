"""A timeline item as Restrip sees it: where it lies, what of it is used, and whether its file can be read as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.timeline import PICTURE_ENDINGS, BadRate, FrameRange, Rate
from restrip_resolve.api import MediaPoolItem, TimelineItem, can, listed, need, uid, whole
from restrip_resolve.clips.grade import colour_reasons
from restrip_resolve.session import Session

STILLS = PICTURE_ENDINGS | {".gif"}
_SEQUENCE = re.compile(r"(.*)\[(\d+)-(\d+)\](\.\w+)")

# Properties that change the picture, with the value that leaves it alone.
_NEUTRAL: Mapping[str, float] = {
    "Pan": 0.0,
    "Tilt": 0.0,
    "ZoomX": 1.0,
    "ZoomY": 1.0,
    "RotationAngle": 0.0,
    "Pitch": 0.0,
    "Yaw": 0.0,
    "FlipX": 0.0,
    "FlipY": 0.0,
    "CropLeft": 0.0,
    "CropRight": 0.0,
    "CropTop": 0.0,
    "CropBottom": 0.0,
    "Distortion": 0.0,
    "RetimeProcess": 0.0,  # Chosen for retimed clips: a speed ramp of 100 % on average tells no other sign.
    "MotionEstimation": 0.0,
}
_HOW_IT_MIXES = {"Opacity": "an opacity", "CompositeMode": "a composite mode"}


class MediaOffline(BadInput):
    """The clip's file isn't there."""

    code = "media-offline"

    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            f"The media of {name} is offline: {path} isn't there.",
            "Connect the drive or relink the clip, then run the script again.",
            path=path,
        )


@dataclass(frozen=True)
class Media:
    """The file behind a clip, as Resolve sees it: `rate` is the one that Resolve plays it at, None when unknown."""

    paths: tuple[str, ...]
    rate: Rate | None
    frames: int


@dataclass(frozen=True)
class SourceClip:
    """An item of a video track.

        media      |--left--[          length          ]------|
        timeline            ^ start   [ used )

    `start` counts absolutely; `left` and `length` are frames of the timeline; `used` counts from the item's first
    frame. `render` says why the file alone doesn't show what the timeline shows; empty when it does.
    """

    item: TimelineItem
    uid: str
    name: str
    track: int
    start: int
    length: int
    left: int
    used: FrameRange
    media: Media | None
    render: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def first_used(self) -> int:
        """The absolute frame at which the used range begins."""
        return self.start + self.used.first

    def using(self, absolute: FrameRange) -> SourceClip:
        """The same clip with only the part of it that lies in `absolute` used."""
        whole_item = FrameRange(self.start, self.start + self.length)
        return replace(self, used=absolute.within(whole_item).shifted(-self.start))


def read_clip(session: Session, item: TimelineItem, track: int) -> SourceClip:
    """Look at an item. Raises MediaOffline, ResolveRefused."""
    start = whole(item.GetStart(), "tell where the clip starts")
    length = whole(item.GetDuration(), "tell how long the clip is")
    left = whole(item.GetLeftOffset(), "tell where the clip starts in its media")
    name = str(item.GetName() or "clip")
    pool_item = item.GetMediaPoolItem()
    media = media_of(pool_item, name) if pool_item else None
    reasons: list[str] = []
    notes: list[str] = []
    if media is None:
        reasons.append("it is built in Resolve (compound clip, generator, title or adjustment)")
    elif len(media.paths) == 1 and Path(media.paths[0]).suffix.lower() in STILLS:
        reasons.append("it is a still picture")
    elif _retimed(session, item, (left, length), media):
        reasons.append("its speed is changed")
    elif len(media.paths) > 1 and media.rate != session.rate:
        reasons.append("its pictures play at another rate than the timeline")
    changed = _changed_properties(item, _NEUTRAL)
    if changed:
        reasons.append(f"it is transformed ({', '.join(changed)})")
    if can(item, "GetFusionCompCount") and whole(item.GetFusionCompCount(), "count its Fusion compositions"):
        reasons.append("it has a Fusion composition")
    reasons += colour_reasons(session, item)
    notes += _kept_by_hand(item, name)
    if item.GetClipEnabled() is False:
        notes.append(f"{name} is disabled in the timeline; the new strips are not.")
    return SourceClip(
        item=item,
        uid=uid(item),
        name=name,
        track=track,
        start=start,
        length=length,
        left=left,
        used=FrameRange(0, length),
        media=media,
        render=tuple(reasons),
        notes=tuple(notes),
    )


def media_of(pool_item: MediaPoolItem, name: str) -> Media | None:
    """The file or the pictures of a clip; None for what has no file. Raises MediaOffline."""
    path = str(pool_item.GetClipProperty("File Path") or "")
    if not path:
        return None
    sequence = _SEQUENCE.fullmatch(path)
    if sequence:
        head, first, last, tail = sequence.groups()
        paths = tuple(f"{head}{n:0{len(first)}d}{tail}" for n in range(int(first), int(last) + 1))
    else:
        paths = (path,)
    for needed in (paths[0], paths[-1]):
        if not Path(needed).is_file():
            raise MediaOffline(name, needed)
    frames = str(pool_item.GetClipProperty("Frames") or "")
    return Media(paths, _rate(pool_item.GetClipProperty("FPS")), int(frames) if frames.isdigit() else 0)


def _rate(value: Any) -> Rate | None:
    try:
        return Rate.parse(str(value))
    except BadRate:
        return None


def _retimed(session: Session, item: TimelineItem, place: tuple[int, int], media: Media) -> bool:
    """Whether the clip plays at another speed than its own, backwards, or frozen."""
    left, length = place
    if can(item, "GetSpeed"):
        speed = item.GetSpeed() or {}
        if "Percentage" in speed:
            return abs(float(speed["Percentage"]) - 100.0) > 0.01
    if media.rate is None:
        return True
    ratio = media.rate.fraction / session.rate.fraction
    if can(item, "GetSourceStartFrame") and can(item, "GetSourceEndFrame"):
        first = whole(item.GetSourceStartFrame(), "tell the clip's first source frame")
        end = whole(item.GetSourceEndFrame(), "tell the clip's last source frame")
        if (first, end) != (0, 0):  # What some imported timelines say; it means nothing.
            return abs((end - first) - length * ratio) > 1 + ratio
    right = whole(item.GetRightOffset(), "tell where the clip ends in its media")
    # The offsets are counted at the clip's own speed: together they tell the media's length only at 100 percent.
    return media.frames > 0 and abs(Fraction(left + length + right) - media.frames / ratio) > 2


def _kept_by_hand(item: TimelineItem, name: str) -> list[str]:
    """What of an item can't be rendered into its result, since it mixes with what lies below: it is said."""
    changed = [_HOW_IT_MIXES[key] for key in _changed_properties(item, {"Opacity": 100.0, "CompositeMode": 0.0})]
    if not changed:
        return []
    return [f"{name} has {' and '.join(changed)} of its own; the new strips have none: set it in the Inspector."]


def _changed_properties(item: TimelineItem, neutral_values: Mapping[str, float]) -> list[str]:
    properties = item.GetProperty() if can(item, "GetProperty") else None
    if not isinstance(properties, Mapping):
        return []
    changed = []
    for name, neutral in neutral_values.items():
        value = properties.get(name, neutral)
        if isinstance(value, bool | int | float) and abs(float(value) - neutral) > 1e-4:
            changed.append(name)
    return changed


def track_of(session: Session, item: TimelineItem) -> int | None:
    """The video track on which an item lies; None when it is no item of a video track."""
    if can(item, "GetTrackTypeAndIndex"):
        kind, index = need(item.GetTrackTypeAndIndex(), "tell the clip's track")
        return int(index) if kind == "video" else None
    wanted = uid(item)
    for track in range(1, session.video_tracks() + 1):
        if any(uid(other) == wanted for other in session.items(track)):
            return track
    return None


def is_transition(session: Session, item: TimelineItem, track: int) -> bool:
    """Whether an item is a transition: it has no media and no properties, and another item ends or begins inside it."""
    if item.GetMediaPoolItem() or item.GetProperty():
        return False
    first = whole(item.GetStart(), "tell where the item starts")
    end = first + whole(item.GetDuration(), "tell how long the item is")
    own = uid(item)
    for other in listed(session.timeline.GetItemListInTrack("video", track), f"list video track {track}"):
        start = whole(other.GetStart(), "tell where the item starts")
        stop = start + whole(other.GetDuration(), "tell how long the item is")
        if uid(other) != own and (first < start < end or first < stop < end):
            return True
    return False
