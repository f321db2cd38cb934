"""How far keys are from those that are guided at each step, where that is done at every second or third one only.

    python tests/benchmarks/guidance.py CLIP:FRAME ...

tiny-sd, 384x288, 30 steps at .5, CFG 7. The mean difference of pictures in code values, as a share of what another seed
changes; gradient energy; CPU seconds a key; and the same for a walk of two thirds as many steps, which saves as much.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from agreement import read

from restrip.looks import open_look
from restrip.looks.diffusion.consistency.agreement import gradients
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

SETTINGS: dict[str, Any] = {
    "width": 384, "height": 288, "steps": 30, "denoising_strength": 0.5, "cfg_scale": 7.0, "anchor": False,
    "prompt": "oil painting", "seed": 3,
}  # fmt: skip
ROWS: dict[str, dict[str, Any]] = {
    "every 2": {"guided_every": 2},
    "every 3": {"guided_every": 3},
    "20 steps": {"steps": 20},
    "another seed": {"seed": 4},
}


def made(frame: Frame, **more: Any) -> tuple[Any, float]:
    """A picture and its CPU seconds."""
    look, begun = open_look("sd:tiny", {**SETTINGS, **more}), time.process_time()
    picture = look.stylize([frame], [Key(0)], silent)[0].picture.rgb
    return picture, time.process_time() - begun


def main() -> None:
    """Print a table of each frame."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", nargs="+", metavar="CLIP:FRAME")
    torch.set_num_threads(1)
    for asked in parser.parse_args().frames:
        path, _, number = asked.rpartition(":")
        [frame] = read(path, [int(number)], (384, 288))
        made(frame, steps=2)  # loads the model
        truth, seconds = made(frame)
        energy = float((gradients(truth) ** 2).mean())
        print(f"{asked}: {seconds:.1f} CPU s a key")
        for name, more in ROWS.items():
            picture, took = made(frame, **more)
            off = float(np.abs(picture.astype(float) - truth).mean())
            sharp = float((gradients(picture) ** 2).mean()) / energy
            print(
                f"  {name:14s}{off:6.2f} of 255   gradients {sharp:.3f} x   {took / seconds:.2f} of the time",
                flush=True,
            )


if __name__ == "__main__":
    main()
