"""How a key lies beside its frame, and whether that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.registration.cells import CellMoves, Pair
from restrip.registration.colours import with_colours
from restrip.registration.correction import Comparison
from restrip.registration.elsewhere import elsewhere
from restrip.registration.leaning import with_leans
from restrip.registration.placing import STRETCHED, placed, way_of, weight_of
from restrip.registration.plainest import plainest, strokes_px
from restrip.registration.refine import (
    AFFINE,
    SIMILAR,
    SOFT,
    affine_of,
    refine_affine,
    refine_bend,
    step_of,
)
from restrip.registration.search import SEARCH_PX, Guess, guesses
from restrip.registration.structure import Floats
from restrip.registration.warp import Shift, Warp, places

Rgb = npt.NDArray[np.uint8]

COARSE_PX, MIDDLE_PX, FINE_PX = 240, 480, 1080
"""Long sides at which a first guess is refined."""

GUESSES, TRIED = 6, 3
"""How many first guesses are refined at the coarse size, and how many of what they come to further."""

LEAST_PX = 48
BEND_CELLS = 12
ENOUGH, SURELY_ENOUGH = 0.13, 0.2
CLEAR = 0.02
"""How well edges must agree for a judgement, better where the map is stretched, as those are that chance finds; and by
how much better than anywhere else."""

FEWEST_COVERED = 0.4
LOST_PX = 2.0
"""Two pictures of one scene lead back to within a fraction of a pixel, chance's maps lead elsewhere."""

ALIKE, STILL_PX = 0.97, 0.05
BROAD_PX = 0.1
"""Where strokes pretend more than this, colours are asked beside edges."""

TELLING = 0.5
"""How well the frame's colours must tell the key's to move one that lies right by its edges."""

LEAST_BEND_PX = 0.25
MOST_BEND, MOST_BEND_PX = 0.005, 3.5
"""Of the long side, and at least: what is bent by more was drawn anew, in another pose."""

SOFT_ROUNDS, STRAYS_PX = 7, 2.0
"""How often a bend is made finer where colours tell it, too, and how far it may get from what edges tell."""

OTHER_SHARE, OTHER_PX = 0.4, 6.0
"""So much of the edges agreeing with nothing is another pose, unless the key was moved by more than a pose moves."""

POSED = 0.06
"""So much of them is another pose when they lie elsewhere."""


def compare(frame: Frame, key: Frame) -> Comparison:
    """Compare a key of any size with its frame. One of another shape is laid on it as it agrees best."""
    rgb = frame.rgb8()
    way = way_of(rgb, key)
    laid, known = placed(key, frame.size, way)
    found = find(rgb, laid.rgb8(), weight_of(laid, known))
    if found.verdict == "unlike":
        way = STRETCHED
    return replace(found, way=way, size=key.size)


def find(frame: Rgb, key: Rgb, alpha: Floats | None = None) -> Comparison:
    """Compare a key with its frame, both [H, W, 3] uint8 of one size; `alpha` [H, W] in 0..1 is the key's."""
    height, width = frame.shape[:2]
    if min(height, width) < LEAST_PX:
        return Comparison("unlike", f"which is only {width}x{height}")
    fine = Pair.of(frame, key, alpha, FINE_PX)
    if _lies_right(fine):
        return Comparison(agreement=1.0)
    small = Pair.of(frame, key, alpha, SEARCH_PX)
    found = guesses(small.frame, small.key, GUESSES)
    clear = found[0].score - max((g.score for g in found[1:3] if _apart(found[0].warp, g.warp)), default=0.0)
    coarse, middle = (Pair.of(frame, key, alpha, side) for side in (COARSE_PX, MIDDLE_PX))
    tried = [_affine(coarse, warp, 6, free=SIMILAR) for warp in _starts(found)]
    tried.sort(key=lambda one: -_agreement(coarse.votes(one)))
    tried = [_affine(middle, warp, 6) for warp in _different(tried)[:TRIED]]
    warp = max(tried, key=lambda one: _agreement(middle.votes(one.scaled(middle.size))))
    fine, whole = with_leans(fine, _affine(fine, warp, 12))
    warp, free = plainest(fine, whole)
    said = fine.votes(warp)
    agreement, doubt = _agreement(said), _doubt(said, warp)
    if agreement < (SURELY_ENOUGH if free == AFFINE else ENOUGH):
        return Comparison("unlike", "their edges agree too little", agreement=agreement)
    other = _other(said) if agreement > SURELY_ENOUGH and Shift.of(warp).mean < OTHER_PX else 0.0
    posed = elsewhere(middle, warp.scaled(middle.size))
    if clear < CLEAR or other > OTHER_SHARE or posed > POSED:
        return Comparison("other", _share(max(other, posed)), agreement=agreement)
    cycle = _cycle(warp, fine, free)
    if cycle > LOST_PX:
        return Comparison("unlike", "their edges agree too little", agreement=agreement, cycle_px=cycle)
    broad = strokes_px(said)
    if broad > BROAD_PX:
        fine, alike = with_colours(fine, frame, key, warp)
        if alike < TELLING and Shift.of(warp).mean < _least(said, doubt):
            return Comparison(agreement=agreement)  # By its edges; drawn lines have no colours to ask.
        fine = fine.where_known(whole)
        fine, whole = with_leans(fine, _affine(fine, whole, 6))
        warp, free = plainest(fine, whole, broad)
    bent = _bent(fine, whole, frame, key) if broad <= BROAD_PX else refine_bend(fine, whole, bend_cells(fine))
    if bent.bend is not None:
        # What a bend has beyond the plainest map, of which it took a part for itself.
        bend = np.linalg.norm(bent.field() - warp.field(), axis=-1)
        most = max(MOST_BEND_PX, MOST_BEND * max(bent.size))
        if float(bend.max()) > most:
            return Comparison("other", _share(float((bend > most / 2).mean())), agreement=agreement)
        warp = bent if float(bend.mean()) > LEAST_BEND_PX + 0.2 * broad else warp
    return _judged(warp.scaled((width, height)), warp, said, doubt, cycle)


def bend_cells(pair: Pair) -> tuple[int, int]:
    """How many cells across and down a bend has."""
    width, height = pair.size
    return BEND_CELLS, max(3, round(BEND_CELLS * height / width))


def _bent(fine: Pair, whole: Warp, frame: Rgb, key: Rgb) -> Warp:
    """The map with a bend, if edges tell one: areas without edges are then bent as their colours tell."""
    bent = refine_bend(fine, whole, bend_cells(fine))
    if bent.bend is None:
        return bent
    coloured, alike = with_colours(fine, frame, key, bent)
    if alike < TELLING:
        return bent
    soft = refine_bend(coloured, bent, bend_cells(fine), rounds=SOFT_ROUNDS, stiffnesses=SOFT)
    strays = np.abs(soft.field() - bent.field()).max(-1)[_shown(bent)]
    return soft if float(strays.max(initial=0.0)) < STRAYS_PX else bent


def _share(other: float) -> str:
    return f"about {other:.0%} of it" if other >= 0.01 else "parts of it"


def _judged(whole: Warp, warp: Warp, said: CellMoves, doubt: float, cycle: float) -> Comparison:
    """What comes of a measured map: `whole` at the frame's size, `warp` at the one that it was measured at."""
    shift, off, agreement = Shift.of(whole), Shift.of(warp).mean, _agreement(said)
    if warp.bend is None and off < _least(said, doubt):
        return Comparison(agreement=agreement)
    surely = cycle <= min(1.0, max(0.4, 0.05 * off)) and off > 2 * doubt and _covered(whole) >= FEWEST_COVERED
    verdict, used = ("moved", whole.to_json()) if surely else ("unsure", None)
    return Comparison(verdict, shift.words(), used, off_px=shift.mean, agreement=agreement, cycle_px=cycle)


def _least(said: CellMoves, doubt: float) -> float:
    """Strokes move edges to and fro; by what doesn't exceed that, in pixels, a key is left alone."""
    return max(0.2 + strokes_px(said), 2 * doubt)


def _lies_right(fine: Pair) -> bool:
    """Whether the key has the frame's own edges, and they would stay where they are: most keys need no search."""
    still = Warp.still(fine.size)
    said = fine.votes(still)
    if _agreement(said) < ALIKE:
        return False
    return Shift.of(Warp(fine.size, still.affine + affine_of(step_of(said, still), still))).mean < STILL_PX


def _affine(pair: Pair, warp: Warp, rounds: int, free: Sequence[int] = AFFINE) -> Warp:
    return refine_affine(pair, warp.scaled(pair.size), rounds=rounds, free=free)


def _different(warps: Sequence[Warp]) -> list[Warp]:
    """Those of some maps that aren't the same as one before."""
    kept: list[Warp] = []
    for warp in warps:
        corners = np.array(warp.size) * np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
        if all(float(np.abs(warp.at(corners) - one.at(corners)).max()) > 1 for one in kept):
            kept.append(warp)
    return kept


def _starts(found: Sequence[Guess]) -> list[Warp]:
    """Where refining starts: each guess, each without its shift, which is only as fine as the small picture's pixels,
    and no move at all.
    """
    size = found[0].warp.size
    middle = np.array([[1, 1, 0], [1, 1, 0]], np.float64)
    starts = [guess.warp for guess in found]
    return [*starts, *_different([Warp(size, warp.affine * middle) for warp in starts]), Warp.still(size)]


def _apart(one: Warp, other: Warp) -> bool:
    """Whether two guesses mean different places rather than the same one at another zoom."""
    return float(np.hypot(*(one.affine[:, 2] - other.affine[:, 2]))) > 4


def _agreement(said: CellMoves) -> float:
    """How well edges agree, the strong ones counting most."""
    return float((said.strength * np.clip(said.agreement, 0, 1)).sum() / (said.strength.sum() + 1e-9))


def _other(said: CellMoves) -> float:
    """The share of strong edges that agree with nothing, where others agree well."""
    usual = float(np.quantile(said.agreement, 0.8))
    return float((said.strength * (said.agreement < 0.3 * usual)).sum() / (said.strength.sum() + 1e-9))


def _doubt(said: CellMoves, warp: Warp, block_px: int = 96) -> float:
    """How far apart, in pixels, maps lie that two halves of the picture would choose each by itself, over two."""
    half = (said.middles // block_px).astype(int).sum(-1) % 2 == 0
    one, other = (affine_of(step_of(said, warp, some), warp) for some in (half, ~half))
    apart = Warp(warp.size, np.eye(2, 3) + one - other)
    return float(np.linalg.norm(apart.field() - places(warp.size), axis=-1).mean()) / 2


def _cycle(warp: Warp, fine: Pair, free: Sequence[int], steps: int = 6) -> float:
    """How far, in pixels, the way from frame to key and back misses on average, the way back found by itself."""
    linear = np.linalg.inv(warp.affine[:, :2])
    back = Warp(warp.size, np.hstack([linear, -linear @ warp.affine[:, 2:]]))
    _, back = with_leans(fine.back, refine_affine(fine.back, back, rounds=steps, free=free), free=free)
    around = Warp(warp.size, warp.affine).at(back.at(places(warp.size)[::8, ::8].astype(np.float64)))
    return float(np.linalg.norm(around - places(warp.size)[::8, ::8], axis=-1).mean())


def _covered(warp: Warp) -> float:
    """The share of the frame that the key shows."""
    return float(_shown(warp).mean())


def _shown(warp: Warp) -> npt.NDArray[np.bool_]:
    """Which places of the frame the key shows, [H, W]."""
    field = warp.field()
    return np.asarray(((field >= 0) & (field <= np.array(warp.size) - 1)).all(-1))
