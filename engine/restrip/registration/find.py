"""How a key lies beside its frame, and whether that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from restrip.registration.correction import Comparison
from restrip.registration.refine import CellMoves, refine_affine, refine_bend, step_of, votes
from restrip.registration.search import guesses
from restrip.registration.structure import Floats, structure_of
from restrip.registration.warp import Shift, Warp, dense, places

Rgb = npt.NDArray[np.uint8]
Code = TypeVar("Code", bound=np.generic)

SEARCH_PX, COARSE_PX, MIDDLE_PX, FINE_PX = 160, 240, 480, 1080
"""Long sides at which a first guess is made and refined."""

LEAST_PX = 48
BEND_CELLS = 12
ENOUGH = 0.19
CLEAR = 0.02
"""How well edges must agree for a judgement, and by how much better than anywhere else."""

FEWEST_COVERED = 0.4
ALIKE, STILL_PX = 0.97, 0.05
LEAST_BEND_PX = 0.25
OTHER_SHARE, OTHER_PX = 0.4, 6.0
"""So much of the edges lying elsewhere is another pose, if the key wasn't moved by more than a pose moves things."""


@dataclass(frozen=True, eq=False)
class _Level:
    """The structure of both pictures at one size."""

    frame: Floats
    key: Floats

    @classmethod
    def of(cls, frame: Rgb, key: Rgb, alpha: Floats | None, long_side: int) -> _Level:
        height, width = frame.shape[:2]
        scale = min(1.0, long_side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        ours, theirs = (structure_of(_small(picture, size)) for picture in (frame, key))
        return cls(ours, theirs if alpha is None else theirs * _small(alpha, size)[..., None])

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.shape[1], self.frame.shape[0]

    def votes(self, warp: Warp) -> CellMoves:
        return votes(self.frame, self.key, warp.scaled(self.size))

    def affine(self, warp: Warp, rounds: int, *, similar: bool = False) -> Warp:
        return refine_affine(self.frame, self.key, warp.scaled(self.size), rounds=rounds, similar=similar)


def find(frame: Rgb, key: Rgb, alpha: Floats | None = None) -> Comparison:
    """Compare a key with its frame, both [H, W, 3] uint8 of one size; `alpha` [H, W] in 0..1 is the key's."""
    height, width = frame.shape[:2]
    if min(height, width) < LEAST_PX:
        return Comparison("unlike", f"which is only {width}x{height}")
    fine = _Level.of(frame, key, alpha, FINE_PX)
    if _lies_right(fine):
        return Comparison(agreement=1.0)
    small = _Level.of(frame, key, alpha, SEARCH_PX)
    found = guesses(small.frame, small.key)
    clear = found[0].score - max((g.score for g in found[1:] if _apart(found[0].warp, g.warp)), default=0.0)
    tried = [guess.warp for guess in found[:2]] + [Warp.still(small.size)]
    coarse, middle = (_Level.of(frame, key, alpha, side) for side in (COARSE_PX, MIDDLE_PX))
    tried = [middle.affine(coarse.affine(warp, 6, similar=True), 6) for warp in tried]
    warp = max(tried, key=lambda one: _agreement(middle.votes(one)))
    warp = fine.affine(warp, 12)
    said = fine.votes(warp)
    agreement, doubt = _agreement(said), _doubt(said, warp)
    if agreement < ENOUGH or clear < CLEAR:
        return Comparison("unlike", "their edges agree too little", agreement=agreement)
    other = _other(said)
    if other > OTHER_SHARE and Shift.of(warp).mean < OTHER_PX:
        return Comparison("other", f"about {other:.0%}", agreement=agreement)
    bent = refine_bend(fine.frame, fine.key, warp, (BEND_CELLS, max(3, round(BEND_CELLS * height / width))))
    if bent.bend is not None and float(np.linalg.norm(dense(bent.bend, bent.size), axis=-1).mean()) > LEAST_BEND_PX:
        warp = bent
    return _judged(warp.scaled((width, height)), warp, said, doubt, fine)


def _judged(whole: Warp, warp: Warp, said: CellMoves, doubt: float, fine: _Level) -> Comparison:
    """What comes of a measured map: `whole` at the frame's size, `warp` at the one that it was measured at."""
    shift, off, agreement = Shift.of(whole), Shift.of(warp).mean, _agreement(said)
    strong = float(np.median(said.agreement[said.strength > np.median(said.strength)]))
    # Strokes move edges to and fro; what doesn't exceed that is left alone.
    least = 0.2 + 1.2 * max(0.0, 0.75 - strong)
    if warp.bend is None and off < max(least, 2 * doubt):
        return Comparison(agreement=agreement)
    cycle = _cycle(warp, fine)
    words, facts = shift.words(), {"off_px": shift.mean, "agreement": agreement, "cycle_px": cycle}
    surely = cycle <= min(1.0, max(0.4, 0.05 * off)) and off > 2 * doubt and _covered(whole) >= FEWEST_COVERED
    return (
        Comparison("moved", words, whole.to_json(), **facts) if surely else Comparison("unsure", words, None, **facts)
    )


def _lies_right(fine: _Level) -> bool:
    """Whether the key has the frame's own edges, and they would stay where they are: most keys need no search."""
    still = Warp.still(fine.size)
    said = fine.votes(still)
    if _agreement(said) < ALIKE:
        return False
    step, _ = step_of(said, still)
    return Shift.of(Warp(fine.size, still.affine + step)).mean < STILL_PX


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
    steps = [step_of(said, warp, some)[0] for some in (half, ~half)]
    apart = Warp(warp.size, np.eye(2, 3) + steps[0] - steps[1])
    return float(np.linalg.norm(apart.field() - places(warp.size), axis=-1).mean()) / 2


def _cycle(warp: Warp, fine: _Level, steps: int = 6) -> float:
    """How far, in pixels, the way from frame to key and back misses on average, the way back found by itself."""
    linear = np.linalg.inv(warp.affine[:, :2])
    back = Warp(warp.size, np.hstack([linear, -linear @ warp.affine[:, 2:]]))
    back = refine_affine(fine.key, fine.frame, back, rounds=steps)
    around = Warp(warp.size, warp.affine).at(back.at(places(warp.size)[::8, ::8].astype(np.float64)))
    return float(np.linalg.norm(around - places(warp.size)[::8, ::8], axis=-1).mean())


def _covered(warp: Warp) -> float:
    """The share of the frame that the key shows."""
    field = warp.field()
    return float(((field >= 0) & (field <= np.array(warp.size) - 1)).all(-1).mean())


def _small(picture: npt.NDArray[Code], size: tuple[int, int]) -> npt.NDArray[Code]:
    return picture if picture.shape[1::-1] == size else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
