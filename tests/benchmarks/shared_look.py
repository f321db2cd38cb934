"""One look for a whole edit: how alike are two shots with an anchor of their own each, and with one look file's?

    python tests/benchmarks/shared_look.py [--look sd:tiny] [--size 384x288] [--sheet FOLDER]

Two shots of one clip, and two clips. The first key of the first shot is the look's anchor. Told of the other shot's
keys against that anchor:

    colours        distance of their histograms in CIE Lab: how far colours would have to be moved, mean of the axes
    disagreement   where both frames show blocks of one colour and texture, how far apart the pictures are there
    moved          the same along the motion, of what both frames show (two shots of one clip), in code values
    strokes        how coarse and how strong they are, whatever they show: how far the contrast of lightness lies apart
                   in five octaves, from strokes of 2 to 32 pixels, in octaves of contrast (1: twice or half as much)

Even the anchor's own picture isn't at 0 in the first two: a camera nearer by sees more of one colour, less of another,
and a look paints blocks that are alike in several ways. So for the second camera a third row tells them of the anchor's
own picture, cut as that camera cuts its frames, and how much of what separate anchors have beyond it is left.

Goal: with the look file at most half of what separate anchors have, where that can be.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from agreement import BASE, bundled, read

from restrip.looks import Look, open_look
from restrip.looks.diffusion.consistency.agreement import agreement
from restrip.looks.look_file.archive import FRAME, PICTURE, write_archive
from restrip.looks.look_file.pictures import png_of
from restrip.looks.look_file.record import SUFFIX, AnchorUsed, LookRecord
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

Floats = npt.NDArray[np.float32]
Shot = tuple[str, tuple[int, ...]]

CASES: dict[str, tuple[Shot, Shot]] = {
    "two shots of one clip": (("bigbuckbunny.mp4", (10, 16)), ("bigbuckbunny.mp4", (104, 112))),
    "two clips": (("bigbuckbunny.mp4", (10, 16)), ("bikes.mp4", (20, 40))),
    "two clips, other way": (("bikes.mp4", (20, 40)), ("carphone_pristine.mp4", (5, 60))),
    "two cameras": (("bigbuckbunny.mp4", (10, 16)), ("bigbuckbunny.mp4", (22, 28))),
}
SECOND_CAMERA = "two cameras"
"""The case whose second shot is cut and graded as another camera's: two clips, of which both show nearly all."""
NEURAL = {"neural:19": {}, "neural:4": {}}
BLOCK_PX = 16
OCTAVES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""The finer blur of each, in pixels."""
LIKE = 6.0
"""Blocks of two frames are of one kind when their colour and texture differ by no more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--look", action="append", default=[])
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--size", default="384x288")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    size = tuple(map(int, options.size.split("x")))
    print(f"{'':52s} colours       disagreement   moved          strokes        CPU s")
    for look in options.look or ["sd:tiny", "neural:19"]:
        for case, shots in CASES.items():
            if options.only in case:
                run(look, case, shots, size, options.sheet)


def run(look: str, case: str, shots: tuple[Shot, Shot], size: tuple[int, int], sheet: Path | None) -> None:
    settings = {**BASE, "width": size[0], "height": size[1]} if look.startswith("sd") else {}
    frames = [read(str(bundled(name)), list(numbers), size) for name, numbers in shots]
    if case == SECOND_CAMERA:
        frames[1] = [other_camera(frame) for frame in frames[1]]
    begun = time.process_time()
    separate = [styled(open_look(look, settings), own) for own in frames]
    with tempfile.TemporaryDirectory() as folder:
        file = look_file(Path(folder), look, settings, frames[0][0], separate[0][0])
        shared = [styled(open_look(look, {**settings, "anchor_file": str(file)}), own, given=True) for own in frames]
    anchor = frames[0][0].rgb, separate[0][0].rgb
    rows = []
    for name, pictures in (("separate", separate), ("look file", shared)):
        both = [list(pair) for pair in zip(frames[1], pictures[1], strict=True)]
        rows.append(
            (
                np.mean([colours(anchor[1], picture.rgb) for _, picture in both]),
                np.mean([disagreement(anchor, (frame.rgb, picture.rgb)) for frame, picture in both]),
                np.mean([agreement([anchor[0], f.rgb], [anchor[1], p.rgb]).disagreement for f, p in both]),
                np.mean([strokes(anchor[1], picture.rgb) for _, picture in both]),
            )
        )
        of = [f"{now:7.2f} {now / first:5.2f}x" for now, first in zip(rows[-1], rows[0], strict=True)]
        print(f"{look:10s} {case:24s} {name:14s} {'  '.join(of)} {time.process_time() - begun:6.0f}", flush=True)
    if case == SECOND_CAMERA:
        own = Frame(anchor[0]), Frame(anchor[1])
        frame, picture = other_camera(own[0]).rgb, nearer(own[1]).rgb
        least = colours(anchor[1], picture), disagreement(anchor, (frame, picture))
        left = [(shared - of) / (alone - of) for alone, shared, of in zip(*rows, least, strict=False)]
        told = [f"{of:7.2f} {part:5.2f}x" for of, part in zip(least, left, strict=True)]
        print(f"{'':36s}anchor's own     {'  '.join(told)} of what is beyond it is left")
    source = np.mean([colours(anchor[0], frame.rgb) for frame in frames[1]])
    first = agreement([f.rgb for f in frames[0]], [p.rgb for p in shared[0]]).disagreement
    coarse = np.mean([strokes(anchor[0], frame.rgb) for frame in frames[1]])
    print(f"{'':36s} frames: colours {source:.2f}, strokes {coarse:.2f}")
    print(f"{'':36s} within the first shot, with the look file: moved {first:.2f}")
    if sheet is not None:
        sheet.mkdir(parents=True, exist_ok=True)
        strips = [np.hstack([f.rgb for shot in of for f in shot]) for of in (frames, separate, shared)]
        name = f"{look}-{case}".replace(":", "-").replace(" ", "-").replace(",", "")
        cv2.imwrite(str(sheet / f"{name}.png"), np.vstack(strips)[..., ::-1])


def other_camera(frame: Frame) -> Frame:
    """The frame as a camera nearer by has it: lighter, a little warmer."""
    light = 255 * (nearer(frame).rgb.astype(np.float32) / 255) ** 0.9 * np.float32([1.02, 1.0, 0.96])
    return Frame(np.clip(light, 0, 255).round().astype(np.uint8))


def nearer(frame: Frame) -> Frame:
    """Six sevenths of the frame, from the right and below, at its whole size."""
    width, height = frame.size
    left, top = width // 7, height // 7
    return Frame(cv2.resize(frame.rgb[top:, left:], frame.size, interpolation=cv2.INTER_CUBIC))


def styled(look: Look, frames: list[Frame], *, given: bool = False) -> list[Frame]:
    """The pictures of a shot's keys, made against its first one where no look file brings an anchor."""
    keys = [Key(n, prompt=BASE["prompt"], seed=1) for n in range(len(frames))]
    anchor = (frames[0], keys[0]) if look.traits.needs_anchor and not given else None
    return [one.picture for one in look.stylize(frames, keys, silent, anchor)]


def look_file(folder: Path, look: str, settings: dict[str, object], frame: Frame, picture: Frame) -> Path:
    """A look file of this anchor."""
    parts = {FRAME: png_of(frame), PICTURE: png_of(picture)}
    used = AnchorUsed(*(sha256(part) for part in parts.values()), frame.size, prompt=BASE["prompt"], seed=1)
    target = folder / f"look{SUFFIX}"
    write_archive(target, LookRecord("look", look, settings, used), parts)
    return target


def sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def colours(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """How far apart the colours of two pictures are: the mean over the axes of CIE Lab of the distance of their sorted
    values (the first Wasserstein distance of the histograms).
    """
    at = np.linspace(0, 1, 257)
    quantiles = [np.quantile(lab(picture).reshape(-1, 3), at, axis=0) for picture in (a, b)]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())


def strokes(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """How far two pictures' contrasts lie apart, the mean over OCTAVES of |log2| of their ratio."""
    return float(np.abs(np.log2(contrasts(a) / contrasts(b))).mean())


def contrasts(picture: npt.NDArray[np.uint8]) -> Floats:
    """The spread of lightness in each of OCTAVES, [5]: what lies between two blurs of which one is twice as wide."""
    lightness = lab(picture)[..., 0]
    blurs = [cv2.GaussianBlur(lightness, (0, 0), width) for width in (*OCTAVES, 2 * OCTAVES[-1])]
    return np.float32([np.std(fine - coarse) + 0.1 for fine, coarse in pairwise(blurs)])


def disagreement(anchor: tuple[npt.NDArray[np.uint8], ...], key: tuple[npt.NDArray[np.uint8], ...]) -> float:
    """How differently two pictures paint what is alike in their frames, as a distance in CIE Lab."""
    theirs, mine = blocks(anchor[0]), blocks(key[0])
    apart = np.linalg.norm(mine[:, None] - theirs[None], axis=2)
    nearest = apart.argmin(axis=1)
    alike = apart[np.arange(len(mine)), nearest] < LIKE
    if not alike.any():
        return float("nan")
    painted, model = blocks(key[1])[alike, :3], blocks(anchor[1])[nearest[alike], :3]
    return float(np.linalg.norm(painted - model, axis=1).mean())


def blocks(picture: npt.NDArray[np.uint8]) -> Floats:
    """Mean colour in CIE Lab and the spread of its lightness, [blocks, 4]."""
    values = lab(picture)
    height, width = (side - side % BLOCK_PX for side in values.shape[:2])
    cut = values[:height, :width].reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX, 3)
    flat = cut.transpose(0, 2, 1, 3, 4).reshape(-1, BLOCK_PX * BLOCK_PX, 3)
    return np.concatenate([flat.mean(axis=1), flat[..., :1].std(axis=1)], axis=1)


def lab(picture: npt.NDArray[np.uint8]) -> Floats:
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    main()
