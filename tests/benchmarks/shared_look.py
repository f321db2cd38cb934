"""One look for a whole edit: how alike are two shots with an anchor of their own each, and with one look file's?

    python tests/benchmarks/shared_look.py [--look sd:tiny] [--size 384x288] [--sheet FOLDER] [--pair CLIP:N,N CLIP:N,N]

Two shots of one clip, pairs of clips, and two cameras. The first key of the first shot is the look's anchor. Told of
the other shot's keys against that anchor: all that style_measures.py has, and

    moved      how differently both paint what both frames show, along the motion, in code values

What is told of each, of separate anchors and then of the look file: the distance, and the look file's share of the
separate anchors'. `frames` are the same distances of the frames themselves, where that says anything.

`itself` is how differently the anchor paints what is alike in its own two halves (style_measures.py). `coloured` are
separate keys that were given the anchor's colours as a whole: what of a share is colours alone.

Even the anchor's own picture isn't at 0: a camera nearer by sees more of one colour, less of another, and a look paints
blocks that are alike in several ways. So for the second camera a third row tells them of the anchor's own picture, cut
as that camera cuts its frames, and how much of what separate anchors have beyond it is left.

Goal: with the look file at most half of what separate anchors have, in `colours`, and in `alike` where frames show much
that is. Pairs are chosen by frames alone: two clips that have nothing of a kind say nothing of `alike`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from agreement import BASE, bundled, read
from style_measures import itself, measures

from restrip.looks import Look, open_look
from restrip.looks.diffusion.consistency.agreement import agreement
from restrip.looks.look_file.archive import FRAME, PICTURE, write_archive
from restrip.looks.look_file.pictures import png_of
from restrip.looks.look_file.record import SUFFIX, AnchorUsed, LookRecord
from restrip.looks.palette import Palette, shift_between
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

Bytes = npt.NDArray[np.uint8]
Shot = tuple[str, tuple[int, ...]]

CASES: dict[str, tuple[Shot, Shot]] = {
    "two shots of one clip": (("bigbuckbunny.mp4", (10, 16)), ("bigbuckbunny.mp4", (104, 112))),
    "two clips": (("bigbuckbunny.mp4", (10, 16)), ("bikes.mp4", (20, 40))),
    "two clips, other way": (("bikes.mp4", (20, 40)), ("carphone_pristine.mp4", (5, 60))),
    "two clips, of a kind": (("bikes.mp4", (212,)), ("carphone_pristine.mp4", (12,))),
    "two cameras": (("bigbuckbunny.mp4", (10, 16)), ("bigbuckbunny.mp4", (22, 28))),
}
LEAST_SEEN = 0.02
"""Of the picture: where both frames show less, what is found along the motion is chance."""
SECOND_CAMERA = "two cameras"
"""The case whose second shot is cut and graded as another camera's: two clips, of which both show nearly all."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--look", action="append", default=[])
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--pair", nargs=2, action="append", metavar="CLIP:FRAMES", help="these instead of the cases")
    parser.add_argument("--size", default="384x288")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    size = tuple(map(int, options.size.split("x")))
    cases = CASES
    if options.pair:
        cases = {
            " and ".join(Path(clip.rpartition(":")[0]).stem for clip in pair): _shots(pair) for pair in options.pair
        }
    for look in options.look or ["sd:tiny", "neural:19"]:
        for case, shots in cases.items():
            if options.only in case:
                run(look, case, shots, size, options.sheet)


def _shots(pair: list[str]) -> tuple[Shot, Shot]:
    shots = [(path, tuple(map(int, numbers.split(",")))) for path, _, numbers in (one.rpartition(":") for one in pair)]
    return shots[0], shots[1]


def run(look: str, case: str, shots: tuple[Shot, Shot], size: tuple[int, int], sheet: Path | None) -> None:
    settings = {**BASE, "width": size[0], "height": size[1]} if look.startswith("sd") else {}
    frames = [
        read(name if Path(name).is_absolute() else str(bundled(name)), list(numbers), size) for name, numbers in shots
    ]
    if case == SECOND_CAMERA:
        frames[1] = [other_camera(frame) for frame in frames[1]]
    begun = time.process_time()
    separate = [styled(open_look(look, settings), own) for own in frames]
    with tempfile.TemporaryDirectory() as folder:
        file = look_file(Path(folder), look, settings, frames[0][0], separate[0][0])
        shared = [styled(open_look(look, {**settings, "anchor_file": str(file)}), own, given=True) for own in frames]
    anchor = frames[0][0].rgb, separate[0][0].rgb
    told = [_told(anchor, frames[1], pictures[1]) for pictures in (separate, shared)]
    print(f"{look}, {case}: " + ", ".join(told[0]) + f" ({time.process_time() - begun:.0f} CPU s)")
    print("  frames     ", *(f"{of:13.2f} " for of in _told((anchor[0], anchor[0]), frames[1], frames[1]).values()))
    print(f"  itself      alike {itself(anchor):.2f}")
    coloured = [recoloured(anchor, (f.rgb, p.rgb)) for f, p in zip(frames[1], separate[1], strict=True)]
    other = _told(anchor, frames[1], coloured)
    print("  separate   ", *(f"{of:13.2f} " for of in told[0].values()))
    print("  coloured   ", *(f"{other[of]:6.2f} {other[of] / told[0][of]:6.2f}x" for of in told[0]))
    print("  look file  ", *(f"{told[1][of]:6.2f} {told[1][of] / told[0][of]:6.2f}x" for of in told[0]), flush=True)
    if case == SECOND_CAMERA:
        own = Frame(anchor[0]), Frame(anchor[1])
        least = _told(anchor, [other_camera(own[0])], [nearer(own[1])])
        left = {of: (told[1][of] - least[of]) / (told[0][of] - least[of]) for of in least}
        print("  anchor, cut", *(f"{least[of]:6.2f} {left[of]:6.2f}x" for of in least), "of what is beyond it is left")
    if len(frames[0]) > 1:
        first = agreement([f.rgb for f in frames[0]], [p.rgb for p in shared[0]]).disagreement
        print(f"  within the first shot, with the look file: moved {first:.2f}", flush=True)
    if sheet is not None:
        sheet.mkdir(parents=True, exist_ok=True)
        strips = [np.hstack([f.rgb for shot in of for f in shot]) for of in (frames, separate, shared)]
        name = f"{look}-{case}".replace(":", "-").replace(" ", "-").replace(",", "")
        cv2.imwrite(str(sheet / f"{name}.png"), np.vstack(strips)[..., ::-1])


def _told(anchor: tuple[Bytes, Bytes], frames: list[Frame], pictures: list[Frame]) -> dict[str, float]:
    """The measures of a shot's keys against the anchor, their means."""
    found = []
    for frame, picture in zip(frames, pictures, strict=True):
        both = agreement([anchor[0], frame.rgb], [anchor[1], picture.rgb])
        moved = both.disagreement if both.seen >= LEAST_SEEN else float("nan")
        found.append({**measures(anchor, (frame.rgb, picture.rgb)), "moved": moved})
    return {of: float(np.mean([one[of] for one in found])) for of in found[0]}


def recoloured(anchor: tuple[Bytes, Bytes], key: tuple[Bytes, Bytes]) -> Frame:
    """A key's picture with the anchor's colours as a whole; both are (frame, picture)."""
    floats = [np.float32(picture) / 255 for picture in (*anchor, *key)]
    frame, picture, own, made = map(Palette.of, floats)
    shifted = shift_between((frame, picture), (own, made)).applied(floats[3])
    return Frame((shifted * 255).round().astype(np.uint8))


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


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    main()
