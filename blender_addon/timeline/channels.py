"""Where a result lies: above its source, below everything that lay above it, on a channel that shows and isn't locked.

channel 4   [ title ]                          channel 4   [ title ]
channel 3      [ picture in picture ]    ──►   channel 3      [ picture in picture ]
channel 2                                      channel 2   [ result                    ]
channel 1   [ source                    ]      channel 1   [ source                    ]

Without a free channel between, one is inserted: what lies above moves up, with its channels' names, mutes and locks,
up to the first channel on which there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from restrip.errors import RestripError
from restrip.timeline import FrameRange

from . import ties, vse

_NUMBERED = re.compile(r"(\D*)(\d+)")


class NoRoom(RestripError):
    """Every channel over the strip is taken somewhere in its range."""

    code = "no-channel"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no free channel over {name} for its whole length.",
            "Free one, then press Place result; the result is kept.",
        )


@dataclass(frozen=True)
class Room:
    """A channel for a result. `until` is 0, or the empty channel up to which what lies on it and above moves up."""

    channel: int
    until: int = 0


def find(owner: Any, span: FrameRange, above: int, name: str, *, apart: Collection[Any] = ()) -> Room:
    """A channel over `above`, below everything that lies higher in `span`. Raises NoRoom; changes nothing.

    `apart` are strips that count only as taking room: what a source is made of may lie above it. A channel that only
    results use is preferred.
    """
    strips = vse.strips_of(owner)
    near = [strip for strip in strips if len(vse.span_of(strip).within(span))]
    top = min((strip.channel for strip in near if strip.channel > above and strip not in apart), default=None)
    taken = {strip.channel for strip in near}
    others = {strip.channel for strip in strips if not ties.is_result(strip)}
    known = vse.channels_of(owner)
    free = [
        channel
        for channel in range(above + 1, min(top or vse.CHANNELS, vse.CHANNELS) + 1)
        if channel not in taken and not known[channel].mute and not known[channel].lock
    ]
    if free:
        return Room(min(free, key=lambda channel: (channel in others, channel)))
    used = {strip.channel for strip in strips}
    empty = [channel for channel in range(above + 1, vse.CHANNELS + 1) if channel not in used]
    if not empty:
        raise NoRoom(name)
    return Room(above + 1, next((channel for channel in empty if _untouched(known[channel], channel)), empty[0]))


def aside(owner: Any, room: Room) -> int:
    """A channel on which nothing is and nothing will be, to build on; the room's own when all are in use."""
    used = {strip.channel for strip in vse.strips_of(owner)} | {room.until}
    return next((channel for channel in range(vse.CHANNELS, 0, -1) if channel not in used), room.channel)


def make(owner: Any, room: Room, apart: Any = None) -> int:
    """Have the room: move up what is in the way, but for the strip that is to come there; returns the channel."""
    if room.until:
        for strip in sorted(vse.strips_of(owner), key=lambda strip: -strip.channel):
            if room.channel <= strip.channel < room.until and strip != apart:
                strip.channel += 1
        _shift(vse.channels_of(owner), room)
    return room.channel


def fits(owner: Any, span: FrameRange, channel: int, apart: Sequence[Any]) -> bool:
    """Whether nothing but `apart` lies on a channel in `span`."""
    return not any(
        strip.channel == channel and len(vse.span_of(strip).within(span)) and strip not in apart
        for strip in vse.strips_of(owner)
    )


def shows(owner: Any, number: int) -> bool:
    """Whether a channel isn't muted."""
    return not vse.channels_of(owner)[number].mute


def _shift(known: Any, room: Room) -> None:
    """Names, mutes and locks go up with what lies on the channels; the new one has none."""
    for number in range(room.until, room.channel, -1):
        below = known[number - 1]
        known[number].mute, known[number].lock = below.mute, below.lock
        known[number].name = _renumbered(below.name, number - 1, number)
    new = known[room.channel]
    new.mute = new.lock = False
    if not _unnamed(new, room.channel):
        new.name = f"Channel {room.channel}"


def _unnamed(channel: Any, number: int) -> bool:
    """Whether a channel has the name that Blender gave it, "Channel 3" in the user's language."""
    said = _NUMBERED.fullmatch(channel.name)
    return said is not None and int(said[2]) == number


def _untouched(channel: Any, number: int) -> bool:
    return _unnamed(channel, number) and not channel.mute and not channel.lock


def _renumbered(name: str, number: int, new: int) -> str:
    said = _NUMBERED.fullmatch(name)
    return f"{said[1]}{new}" if said is not None and int(said[2]) == number else name
