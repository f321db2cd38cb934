"""Propagation against known truths: python tests/benchmarks/propagation.py [--bench FOLDER] [--sheet FOLDER] ...

A style that is a fixed filter of the frame is known for every frame, so what propagation makes of keys can be scored.
With --bench the clips, styles and scores are those of a folder that has a bench.py (METHODS, load, score) and recorded
figures of EbSynth (ebsynth.json).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate, propose_fade
from restrip.timeline import Crossfade, FrameRange, mix_at

Pictures = list[np.ndarray]


class Window:
    """A list of RGB pictures as a window; the range may start anywhere."""

    def __init__(self, pictures: Sequence[np.ndarray], frames: FrameRange) -> None:
        self._pictures, self.frames = pictures, frames
        self.size = pictures[0].shape[1], pictures[0].shape[0]

    def frame(self, n: int) -> Frame:
        return Frame(self._pictures[n])


def carry(pictures: Pictures, keys: dict[int, np.ndarray], fade: str | int, baked: bool, **settings: Any) -> Pictures:
    """Every frame as the editor plays it (strips and proposed fades), or as the baked movie has it; all RGB uint8."""
    out: list[np.ndarray] = [np.empty(0)] * len(pictures)
    numbers = sorted(keys)
    for a, b in pairwise(numbers):
        window = Window(pictures, FrameRange(a, b))
        left, right = (StyledKey(k, Frame(pictures[k]), Frame(keys[k])) for k in (a, b))
        asked = PropagateSettings(joint=baked, **settings)
        frames = propose_fade(window, (left, right), fade, asked, silent)
        asked = PropagateSettings(fade=frames, joint=baked, **settings)
        for n, one in zip(window.frames, propagate(window, (left, right), asked, silent), strict=True):
            if baked:
                out[n] = one.joint.rgb
            else:
                mix = mix_at(Crossfade(0, 1, frames), n)
                out[n] = cv2.addWeighted(one.left.rgb, 1 - mix, one.right.rgb, mix, 0)
    out[numbers[-1]] = keys[numbers[-1]]
    return out


def method(fade: str | int = "gap", baked: bool = False, **settings: Any) -> Callable[..., Pictures]:
    """A method of bench.py: (frames, {key: picture}, context) -> pictures, BGR."""

    def run(frames: Pictures, keys: dict[int, np.ndarray], context: dict[str, Any]) -> Pictures:
        swap = lambda p: np.ascontiguousarray(p[..., ::-1])  # noqa: E731
        pictures = [swap(f) for f in frames]
        begin = time.perf_counter()
        out = carry(pictures, {k: swap(p) for k, p in keys.items()}, fade, baked, **settings)
        context["secs"] = (time.perf_counter() - begin) / max(1, len(frames) - len(keys))
        return [swap(p) for p in out]

    return run


METHODS = {
    "played": method("gap"),
    "auto": method("auto"),
    "baked": method("gap", baked=True),
    "unshaded": method("gap", shading=0.0),
    "independent": method("gap", lean=0.0),
}


def load_bench(folder: str) -> ModuleType:
    """The module bench.py of `folder`."""
    sys.path.insert(0, folder)
    return importlib.import_module("bench")


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--bench")
    ask.add_argument("-c", default="run,wolf,redhead,carturn,layers")
    ask.add_argument("-s", default="recolor,paint")
    ask.add_argument("-m", default="played,baked")
    ask.add_argument("-k", type=int, default=20)
    ask.add_argument("-n", type=int, default=21)
    given = ask.parse_args()
    bench = load_bench(given.bench)
    recorded = {(r["clip"], r["style"]): r for r in json.loads((Path(given.bench) / "ebsynth.json").read_text())}
    gains: dict[str, list[tuple[float, float]]] = {}
    for clip in given.c.split(","):
        frames = bench.load(clip, given.n)
        for style in ["painted"] if clip == "layers" else given.s.split(","):
            truth = bench.layers(given.n)[1] if clip == "layers" else [bench.STYLES[style](f) for f in frames]
            numbers = sorted(set(range(0, given.n - given.k // 2, given.k)) | {given.n - 1})
            for name in given.m.split(","):
                bench._flows.clear()
                context: dict[str, Any] = {}
                out = METHODS[name](frames, {k: truth[k] for k in numbers}, context)
                s = bench.score(out, truth, frames, set(numbers))
                e = recorded.get((clip, style))
                if e is None:  # no figure to compare with
                    continue
                gains.setdefault(name, []).append((s["psnr"] - e["psnr"], s["ssim"] - e["ssim"]))
                print(
                    f"{clip:8s} {style:8s} {name:12s} {s['psnr']:.2f} ({gains[name][-1][0]:+.2f}) ssim {s['ssim']:.4f} "
                    f"({gains[name][-1][1]:+.4f}) worst {s['worst5']:.2f} seam {s['seam_psnr']:.2f} "
                    f"warp {s['warp_ratio']:.2f} {context['secs']:.2f} s",
                    flush=True,
                )
    for name, all_gains in gains.items():
        mean = np.mean(all_gains, 0)
        print(f"{name}: {mean[0]:+.2f} dB, {mean[1]:+.4f} over ebsynth, least {np.min(all_gains, 0)[0]:+.2f}")


if __name__ == "__main__":
    main()
