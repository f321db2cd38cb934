"""Keys: the frames that a look makes and that propagation carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from restrip.errors import BadInput
from restrip.timeline.range import FrameRange


class KeyOutside(BadInput):
    """A key that was asked for by number lies outside the clip's range."""

    code = "key-outside"

    def __init__(self, frames: Sequence[int], length: int, first: int = 0) -> None:
        named = ", ".join(map(str, frames))
        super().__init__(
            f"Key frame {named} lies outside the clip, which has frames {first} to {first + length - 1}.",
            "Give keys inside that range.",
            frames=list(frames),
            first=first,
            length=length,
        )


@dataclass(frozen=True)
class Key:
    """A key frame, counted from the clip's first visible frame, with what differs from the job's settings.

    `prompt` and `seed` override the job's; `image` is the path of a picture painted for this frame, used instead of
    the look; `name` is the marker's.
    """

    frame: int
    prompt: str | None = None
    seed: int | None = None
    image: str | None = None
    name: str = ""

    @property
    def said(self) -> str:
        """What a note calls it that is kept with its picture, wherever the clip lies: by its marker's name."""
        return f"the key {self.name}" if self.name else "a key"


def check_keys(keys: Iterable[Key], length: int, first: int = 0) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """Keys as asked for by number: sorted, one a frame. Returns them with notes. Raises KeyOutside.

    What is said counts frames as the editor's timeline does, on which the clip's first frame is `first`.
    """
    given = list(keys)
    outside = [first + key.frame for key in given if key.frame not in FrameRange(0, length)]
    if outside:
        raise KeyOutside(outside, length, first)
    return _one_a_frame(given, first)


def keys_from_markers(
    markers: Iterable[Key], length: int, first: int = 0, painted: Collection[int] = ()
) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """Markers as keys: those outside [0, length) are left out, and the middle frame serves when none is left, or of
    the frames that are `painted` the nearest to it.

    Returns the keys and a note for each thing that was done to them, in which the clip's first frame is `first`.
    """
    given = list(markers)
    inside = [key for key in given if key.frame in FrameRange(0, length)]
    notes = []
    if len(inside) < len(given):
        outside = len(given) - len(inside)
        lie = (
            "1 marker lies outside the strip and was"
            if outside == 1
            else f"{outside} markers lie outside the strip and were"
        )
        notes.append(f"{lie} not used.")
    if not inside:
        frame, middle = _serving(FrameRange(0, length), painted)
        inside = [Key(frame)]
        serves = f"its middle frame, {first + frame}," if middle else f"frame {first + frame}, which is painted,"
        notes.append(f"No marker lies inside the strip: {serves} is the key.")
    keys, more = _one_a_frame(inside, first)
    return keys, (*notes, *more)


def keys_for_shots(
    keys: Sequence[Key], length: int, cuts: Sequence[int], first: int = 0, painted: Collection[int] = ()
) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """Add the middle frame of every shot that has no key, or of its frames that are `painted` the nearest to it.

    `cuts` are the first frames of new shots. In the notes the clip's first frame is `first`.
    """
    edges = [0, *sorted(set(cuts)), length]
    served = [
        _serving(FrameRange(begin, end), painted)
        for begin, end in pairwise(edges)
        if begin < end and not any(begin <= key.frame < end for key in keys)
    ]
    notes = [
        f"The shot around frame {first + frame} has no key: its middle frame is one."
        if middle
        else f"The shot around frame {first + frame} has no key: that frame, which is painted, is one."
        for frame, middle in served
    ]
    added = [Key(frame, name="shot") for frame, _ in served]
    return tuple(sorted([*keys, *added], key=lambda key: key.frame)), tuple(notes)


def _serving(shot: FrameRange, painted: Collection[int]) -> tuple[int, bool]:
    """The frame that is a shot's key when none was named, and whether it is its middle."""
    middle = (shot.first + shot.end) // 2
    frame = min((frame for frame in painted if frame in shot), key=lambda frame: abs(frame - middle), default=middle)
    return frame, frame == middle


def _one_a_frame(keys: Sequence[Key], start: int) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """Sort; of several on a frame the first counts, with what the others add."""
    merged: dict[int, Key] = {}
    notes = []
    for key in keys:
        first = merged.get(key.frame)
        if first is None:
            merged[key.frame] = key
            continue
        notes.append(f"Two keys are on frame {start + key.frame}: they count as one.")
        merged[key.frame] = replace(
            first,
            prompt=first.prompt if first.prompt is not None else key.prompt,
            seed=first.seed if first.seed is not None else key.seed,
            image=first.image if first.image is not None else key.image,
        )
    return tuple(merged[frame] for frame in sorted(merged)), tuple(notes)
