"""From a manifest to what has to lie where: one plan for each way of making seams.

transitions, nested   one track   [==A====]x[==B====]x[==C====]    cut in the middle of each fade, dissolves over it
fusion                lower track [==A=======]    [==C=======]
                      upper track        /==B=======\\              B fades in and out over the lower strips
baked                 one track   [========one movie=========]
cuts                  one track   [==A====][==B====][==C====]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from restrip.client.job import Manifest, StripFile
from restrip.errors import BadInput
from restrip.timeline import Crossfade, FrameRange


class SeamsUnavailable(BadInput):
    """The chosen way of making seams isn't possible here."""

    code = "seams-unavailable"

    def __init__(self, method: str, why: str) -> None:
        super().__init__(f"Seams can't be made as {method}: {why}.", "Set `seams = auto` in the settings.")


@dataclass(frozen=True)
class Piece:
    """A strip on the timeline: file frames [first, first + length) shown from the absolute frame `record` on.

    `layer` 0 is the lower track. `opacity` are (frame, value) pairs counted from the piece's first frame, linear in
    between and held outside; empty when it is opaque throughout.
    """

    file: str
    file_frames: int
    layer: int
    record: int
    first: int
    length: int
    opacity: tuple[tuple[int, float], ...] = ()

    @property
    def end(self) -> int:
        """The absolute frame after the last."""
        return self.record + self.length


@dataclass(frozen=True)
class Dissolve:
    """A transition at the end of piece `left`, over absolute `frames`."""

    left: int
    frames: FrameRange


@dataclass(frozen=True)
class Plan:
    """Everything to place; `size` is the files' (width, height)."""

    method: str
    layers: int
    pieces: tuple[Piece, ...]
    dissolves: tuple[Dissolve, ...]
    size: tuple[int, int]

    @property
    def span(self) -> FrameRange:
        """The absolute frames that the pieces cover."""
        return FrameRange(min(p.record for p in self.pieces), max(p.end for p in self.pieces))


def plan_of(manifest: Manifest, start: int, method: str, *, late: bool = False) -> Plan:
    """What to place so that clip frame 0 shows at the absolute frame `start`.

    `late` puts the cut under a transition of odd length one frame later: Resolve's own rounding isn't documented.
    Raises SeamsUnavailable.
    """
    plan = PLANNERS[method](manifest, start, late)
    if any(piece.first < 0 or piece.first + piece.length > piece.file_frames for piece in plan.pieces):
        raise SeamsUnavailable(method, "a strip shows more than its file holds")
    covered = sorted((piece.record, piece.end) for piece in plan.pieces)
    reached = start
    for first, end in covered:
        if first > reached:
            raise SeamsUnavailable(method, f"the result has a gap at frame {reached - start}")
        reached = max(reached, end)
    if reached != start + manifest.clip.length:
        raise SeamsUnavailable(method, "the result is shorter than the clip")
    return plan


def _butted(manifest: Manifest, start: int, late: bool, method: str = "transitions") -> Plan:
    """Strips end to end; each cut lies under the middle of its fade."""
    begins = {fade.right: _cut(fade, late) for fade in manifest.fades}
    ends = {fade.left: _cut(fade, late) for fade in manifest.fades}
    pieces = []
    for strip in manifest.strips:
        first = begins.get(strip.key, strip.visible.first)
        end = ends.get(strip.key, strip.visible.end)
        pieces.append(_piece(strip, FrameRange(first, end), start, 0))
    by_key = {strip.key: index for index, strip in enumerate(manifest.strips)}
    dissolves = tuple(
        Dissolve(by_key[fade.left], fade.frames.shifted(start)) for fade in manifest.fades if len(fade.frames) > 1
    )
    return Plan(method, 1, tuple(pieces), dissolves, manifest.size)


def _nested(manifest: Manifest, start: int, late: bool) -> Plan:
    return _butted(manifest, start, late, "nested")


def _cuts(manifest: Manifest, start: int, late: bool) -> Plan:
    plan = _butted(manifest, start, late)
    return Plan("cuts", 1, plan.pieces, (), plan.size)


def _cut(fade: Crossfade, late: bool) -> int:
    """The first frame of the right strip. A fade of one frame shows only the left strip on it."""
    length = len(fade.frames)
    return fade.frames.first + (length + 1 if late or length == 1 else length) // 2


def _alternating(manifest: Manifest, start: int, late: bool) -> Plan:
    """Every second strip on the upper track, with its fades as opacity."""
    fade_in = {fade.right: fade.frames for fade in manifest.fades}
    fade_out = {fade.left: fade.frames for fade in manifest.fades}
    pieces = []
    for number, strip in enumerate(manifest.strips):
        upper = number % 2 == 1
        opacity: list[tuple[int, float]] = []
        if upper:
            for frames, values in ((fade_in.get(strip.key), (0.0, 1.0)), (fade_out.get(strip.key), (1.0, 0.0))):
                if frames is not None and len(frames):
                    first, end = frames.first - strip.visible.first, frames.end - strip.visible.first
                    opacity += [(first, values[0]), (end, values[1])]
        pieces.append(_piece(strip, strip.visible, start, int(upper), tuple(dict(opacity).items())))
    layers = 2 if any(piece.layer for piece in pieces) else 1
    return Plan("fusion", layers, tuple(pieces), (), manifest.size)


def _baked(manifest: Manifest, start: int, late: bool) -> Plan:
    if not manifest.baked:
        raise SeamsUnavailable("one baked movie", "the job was rendered without it")
    length = manifest.clip.length
    return Plan("baked", 1, (Piece(manifest.baked, length, 0, start, 0, length),), (), manifest.size)


def _piece(
    strip: StripFile, shown: FrameRange, start: int, layer: int, opacity: tuple[tuple[int, float], ...] = ()
) -> Piece:
    return Piece(
        file=str(Path(strip.file)),
        file_frames=len(strip.frames),
        layer=layer,
        record=start + shown.first,
        first=shown.first - strip.frames.first,
        length=len(shown),
        opacity=opacity,
    )


PLANNERS: Mapping[str, Callable[[Manifest, int, bool], Plan]] = {
    "transitions": _butted,
    "baked": _baked,
    "fusion": _alternating,
    "nested": _nested,
    "cuts": _cuts,
}


def methods(manifest: Manifest, choice: str, *, dissolves: bool) -> tuple[str, ...]:
    """The ways to try, best first; `dissolves` says whether this Resolve places transitions by script.

    Raises SeamsUnavailable for a choice that can't be.
    """
    if choice == "transitions" and not dissolves:
        raise SeamsUnavailable("transitions", "they need DaVinci Resolve Studio 21.1 or later")
    if choice == "baked" and not manifest.baked:
        raise SeamsUnavailable("one baked movie", "the job was rendered without it")
    if choice != "auto":
        return (choice,)
    if not manifest.strips and manifest.baked:
        return ("baked",)
    if not any(len(fade.frames) > 1 for fade in manifest.fades) and manifest.strips:
        return ("cuts",)
    found = ["transitions"] if dissolves else []
    if manifest.baked:
        found.append("baked")
    return (*found, "fusion")
