"""The rows whose truth is known, beside those of looks: a change may not win here and lose there unseen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from propagation import carry
from truths import Bench, Footage

FAST = {"redhead paint", "run recolor", "layers painted", "carphone paint", "bunny recolor"}
BOUNDS = {"psnr": 0.1, "ssim": 0.002}
"""How far a row may fall before it is pointed out."""


def truth_rows(
    bench: Path | None, fast: bool, before: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Print PSNR, SSIM and warp ratio a row, as played, keys 20 apart; return them by row."""
    suite = Bench(str(bench)) if bench else Footage()
    found: dict[str, dict[str, float]] = {}
    styles = {"redhead": ["paint"]} if bench else {}
    print(f"{'truth':18s}   psnr         ssim            warp ratio")
    for clip in suite.clips:
        asked = [
            s for s in styles.get(clip, ["recolor", "paint"]) if not fast or f"{clip} {s}" in FAST or clip == "layers"
        ]
        for case in suite.cases([clip], asked, 21, 20) if asked else ():
            score = suite.score(case, carry(case, "auto"))
            name = f"{clip} {case.style}"
            found[name] = {key: float(score[key]) for key in ("psnr", "ssim", "warp_ratio")}
            print(_line(name, found[name], before.get(name, {})), flush=True)
    if found:
        mean = {key: float(np.mean([one[key] for one in found.values()])) for key in ("psnr", "ssim", "warp_ratio")}
        print(_line("mean", mean, {}))
    return found


def _line(name: str, now: Mapping[str, float], before: Mapping[str, float]) -> str:
    cells = []
    for key, digits in (("psnr", 2), ("ssim", 4), ("warp_ratio", 2)):
        change = f" ({now[key] - before[key]:+.{digits}f})" if key in before else ""
        cells.append(f"{now[key]:.{digits}f}{change}")
    lost = [key for key, bound in BOUNDS.items() if key in before and now[key] < before[key] - bound]
    return f"{name:18s} {'   '.join(cells)}" + (f"   LOST: {', '.join(lost)}" if lost else "")
