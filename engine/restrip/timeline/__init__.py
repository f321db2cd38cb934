"""Pure arithmetic on frames: ranges, keys, segments, strips, crossfades. Standard library only."""

from restrip.timeline.clip import ClipRange
from restrip.timeline.key import Key, KeyOutside, check_keys, keys_for_shots, keys_from_markers
from restrip.timeline.marker_text import MarkerText, read_marker, read_noted
from restrip.timeline.numbered_files import gaps_of, pictures_of, with_held
from restrip.timeline.picture_files import PICTURE_ENDINGS, files_in, is_picture, pictures_in
from restrip.timeline.range import BadRange, FrameRange
from restrip.timeline.rate import BadRate, Rate
from restrip.timeline.segment import (
    Crossfade,
    Segment,
    Strip,
    mix_at,
    seams_of,
    segments_of,
    strips_of,
    visible_of,
)

__all__ = [
    "PICTURE_ENDINGS",
    "BadRange",
    "BadRate",
    "ClipRange",
    "Crossfade",
    "FrameRange",
    "Key",
    "KeyOutside",
    "MarkerText",
    "Rate",
    "Segment",
    "Strip",
    "check_keys",
    "files_in",
    "gaps_of",
    "is_picture",
    "keys_for_shots",
    "keys_from_markers",
    "mix_at",
    "pictures_in",
    "pictures_of",
    "read_marker",
    "read_noted",
    "seams_of",
    "segments_of",
    "strips_of",
    "visible_of",
    "with_held",
]
