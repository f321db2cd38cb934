"""How well are given keys laid on their frames?

    python tests/benchmarks/registration.py [--clips bunny,bikes] [--styles recolor,paint,neural:11] [--moves all,...]
                                            [--strips] [--floors] [--footage FOLDER]

A frame in a style is moved by a known amount, compared with its frame, and set back. A row each: what was found, how
far places lie from where they should on average (before and after, in pixels, where the key shows the frame, and after
where it can be judged: not painted over, with edges of the frame near by), PSNR of the key against the unmoved one
there and over all, CPU seconds; with --floors how far off the measure lies on the key that wasn't moved at all, when it
has to find something: a shift, an affine map, a bend; with --strips the PSNR of what the key is carried to,
ten frames on, against that of the unmoved key, over all and away from the borders that the key doesn't show. Then keys
of other clips and of other moments, and a locked cast.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from moved_keys import MOVES, cast, inside, judged, moved
from truths import STYLES, Footage, Picture, clip_of

from restrip.looks import open_look
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.registration.cells import Pair
from restrip.registration.colours import with_colours
from restrip.registration.correct import corrected
from restrip.registration.correction import Correction
from restrip.registration.find import FINE_PX, bend_cells, find
from restrip.registration.leaning import with_leans
from restrip.registration.refine import AFFINE, SHIFT, _System, refine_affine
from restrip.registration.warp import Warp
from restrip.timeline import FrameRange, Key

SPAN = 11
FLOOR_STIFFNESS, FLOOR_ROUNDS = 0.5, 4
FILTERS: dict[str, Callable[[Picture], Picture]] = {
    "outlined": lambda rgb: cv2.stylization(rgb, sigma_s=60, sigma_r=0.45),
    "pencil": lambda rgb: cv2.pencilSketch(rgb, sigma_s=60, sigma_r=0.07, shade_factor=0.05)[1],
}
MORE = {"wolf": "wolf.mp4", "car": "car-turn.mp4"}


def styled(name: str) -> Callable[[Picture], Picture]:
    """A style of the truths, a filter that draws outlines, or a look."""
    if name in STYLES or name in FILTERS:
        return STYLES.get(name) or FILTERS[name]
    look = cache(lambda size: open_look(name, {}, size=size))
    return lambda rgb: look(rgb.shape[1::-1]).stylize([Frame(rgb)], [Key(0)], silent)[0].picture.rgb8()


def psnr(a: Picture, b: Picture, where: np.ndarray | slice = slice(None)) -> float:
    """In dB, over some of the pixels."""
    return float(10 * np.log10(255**2 / max(1e-3, np.mean((a[where].astype(float) - b[where]) ** 2))))


class Shown:
    """Frames as propagation reads them."""

    def __init__(self, frames: list[Picture]) -> None:
        self.frames, self._all = FrameRange(0, len(frames)), [Frame(frame) for frame in frames]
        self.size = self._all[0].size

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return self._all[n]


def strip(frames: list[Picture], key: Picture) -> list[Picture]:
    """What a key of the first frame is carried to."""
    left = StyledKey(0, Frame(frames[0]), Frame(key))
    carried = propagate(Shown(frames), (left, None), PropagateSettings(), silent)
    return [one.left.rgb8() for one in carried if one.left is not None]


def row(frames: list[Picture], style: Callable[[Picture], Picture], name: str, strips: bool) -> str:
    """One key moved, found and set back."""
    frame, truth = frames[0], style(frames[0])
    key, field = moved(truth, MOVES[name])
    began = time.process_time()
    found = find(frame, key)
    took = time.process_time() - began
    size = frame.shape[1], frame.shape[0]
    still = Warp.still(size)
    warp = still if found.warp is None else Warp.from_json(found.warp)
    shown = inside(field)
    off, left = (float(np.linalg.norm(one.field() - field, axis=-1)[shown].mean()) for one in (still, warp))
    told = judged(frame, field, MOVES[name].painted_over)
    sure = float(np.linalg.norm(warp.field() - field, axis=-1)[told].mean()) if told.any() else float("nan")
    made = corrected(Frame(key), Frame(frame), Correction(found.warp))[0].rgb8()
    text = f"{found.verdict:7} {off:6.2f} {left:5.2f} px, {sure:5.2f} judged | "
    text += f"{psnr(key, truth, shown):5.1f} {psnr(made, truth, shown):5.1f} "
    text += f"{psnr(made, truth):5.1f} dB | {took:4.1f} s"
    if strips:
        # What was painted over stays so: the truth has it, too.
        meant = moved(truth, MOVES["painted over"])[0] if MOVES[name].painted_over else truth
        last, ideal = (strip(frames, one)[-1] for one in (made, meant))
        goal, well = style(frames[-1]), cv2.erode(shown.astype(np.uint8), np.ones((33, 33), np.uint8)) > 0
        text += f" | strip {psnr(last, goal):5.1f} of {psnr(ideal, goal):5.1f} dB"
        text += f", {psnr(last, goal, well):5.1f} of {psnr(ideal, goal, well):5.1f}"
    return f"{text} | {found.said}"


def floors(frame: Picture, key: Picture) -> str:
    """How far strokes pretend that an unmoved key lies, in pixels on average: all, and where it can be judged."""
    still = Warp.still((frame.shape[1], frame.shape[0]))
    fine = Pair.of(frame, key, None, FINE_PX)
    fine, _ = with_leans(fine, refine_affine(fine, Warp.still(fine.size)))
    pair, _ = with_colours(fine, frame, key, Warp.still(fine.size))
    pair, _ = with_leans(pair, refine_affine(pair, Warp.still(fine.size)))
    shift, affine = (refine_affine(pair, Warp.still(fine.size), free=free) for free in (SHIFT, AFFINE))
    bent = Warp(fine.size, affine.affine, np.zeros([count + 3 for count in bend_cells(pair)[::-1]] + [2]))
    for _ in range(FLOOR_ROUNDS):  # As refining does, but for asking whether it holds.
        system = _System.of(pair.votes(bent), bent.size, bend_cells(pair))
        bent = replace(bent, bend=bent.bend + system.solved(FLOOR_STIFFNESS, bent.bend))
    told, said = judged(frame, still.field(), False), []
    for warp in (shift, affine, bent):
        off = np.linalg.norm(warp.scaled(still.size).field() - still.field(), axis=-1)
        said.append(f"{off.mean():.2f} ({off[told].mean():.2f})")
    leans = "lean {:.2f}, of colours {:.2f}".format(*pair.leans)
    return f"{leans}, shift {said[0]}, affine {said[1]}, bend {said[2]}; {told.mean():.0%} can be judged"


def others(clips: dict[str, list[Picture]]) -> None:
    """Keys that show something else."""
    names = list(clips)
    for ours, theirs in zip(names, names[1:] + names[:1], strict=True):
        frame = clips[ours][0]
        key = cv2.resize(STYLES["paint"](clips[theirs][0]), frame.shape[1::-1], interpolation=cv2.INTER_AREA)
        print(f"{ours:8} key of {theirs:8} {find(frame, key).note(0)}")


def casts(clips: dict[str, list[Picture]]) -> None:
    """A part changed, a cast over all: locked and put back."""
    for name, frames in clips.items():
        frame = frames[0]
        height, width = frame.shape[:2]
        part = np.zeros((height, width), np.float32)
        cv2.ellipse(part, (width // 2, int(height * 0.6)), (width // 5, height // 5), 0, 0, 360, 1, -1)
        part = cv2.GaussianBlur(part, (0, 0), 2)[..., None]
        meant = (frame * (1 - part) + STYLES["recolor"](frame) * part).round().astype(np.uint8)
        key, apart = cast(meant), part[..., 0] < 1e-3
        for lock, put in ((True, False), (True, True)):
            made, notes = corrected(Frame(key), Frame(frame), Correction(None, lock, put))
            same = float((made.rgb[apart] == frame[apart]).all(-1).mean())
            print(
                f"{name:8} lock {lock:d} put back {put:d}: outside {psnr(key, frame, apart):.1f} -> "
                f"{psnr(made.rgb8(), frame, apart):.1f} dB, {same:.1%} to the bit; "
                f"inside {psnr(key, meant, ~apart):.1f} -> {psnr(made.rgb8(), meant, ~apart):.1f} dB {' '.join(notes)}"
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", default=",".join(Footage.clips))
    parser.add_argument("--styles", default="recolor,paint,neural:3,neural:11,neural:19")
    parser.add_argument("--moves", default=",".join(MOVES))
    parser.add_argument("--strips", action="store_true")
    parser.add_argument("--floors", action="store_true", help="how far off unmoved keys are measured")
    parser.add_argument("--footage", help=f"a folder with {', '.join(MORE.values())}")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    footage = Footage()
    clips = {
        name: clip_of(str(Path(options.footage) / MORE[name]), 0, SPAN) if name in MORE else footage._frames(name, SPAN)
        for name in options.clips.split(",")
    }
    print("clip style move: verdict | off before, after | key's PSNR before, after, with its edges")
    for clip, frames in clips.items():
        for style in options.styles.split(","):
            made = cache_of(styled(style))
            if options.floors:
                print(f"{clip:8} {style:9} unmoved, but measured: {floors(frames[0], made(frames[0]))}", flush=True)
            for move in filter(None, options.moves.split(",")):
                print(f"{clip:8} {style:9} {move:12} {row(frames, made, move, options.strips)}", flush=True)
    others(clips)
    casts(clips)


def cache_of(style: Callable[[Picture], Picture]) -> Callable[[Picture], Picture]:
    """A style that remembers what it made of a picture."""
    known: dict[int, Picture] = {}

    def made(rgb: Picture) -> Picture:
        if id(rgb) not in known:
            known[id(rgb)] = style(rgb)
        return known[id(rgb)]

    return made


if __name__ == "__main__":
    main()
