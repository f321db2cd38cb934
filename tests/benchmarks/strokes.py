"""Do strokes stay crisp between two keys that are painted differently?

    python tests/benchmarks/strokes.py [CLIP:FIRST:LAST ...] [--size 448x256] [--anchor]

The two frames are painted by tiny-sd, each with a seed of its own (with --anchor the second against the first), and
carried into the frames between; once with all details averaged, once with strokes kept apart. A row each: gradient
energy at eighths of the gap, of what the keys' own comes to there in proportion; how much consecutive frames differ
along the motion, on average and at most; how far the two strips differ. Without clips, Big Buck Bunny.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from unittest import mock

import cv2
import numpy as np
from agreement import BASE, bundled, read
from flicker import Window

from restrip.looks import open_look
from restrip.looks.diffusion.consistency.agreement import agreement, gradients
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.timeline import FrameRange, Key

EIGHTHS = (1, 2, 3, 4, 5, 6, 7)


def painted(frames: list[Frame], anchored: bool) -> tuple[StyledKey, StyledKey]:
    """The first and the last frame as keys."""
    width, height = frames[0].size
    look = open_look("sd:tiny", {**BASE, "width": width, "height": height, "anchor": anchored})
    ends = [frames[0], frames[-1]]
    keys = [Key(0), Key(len(frames) - 1)] if anchored else [Key(0, seed=1), Key(len(frames) - 1, seed=2)]
    made = look.stylize(ends, keys, silent, (ends[0], keys[0]) if anchored else None)
    left, right = (StyledKey(k.frame, f, one.picture) for k, f, one in zip(keys, ends, made, strict=True))
    return left, right


def row(frames: list[Frame], keys: tuple[StyledKey, StyledKey]) -> str:
    """What there is to say of the joint rendition."""
    window, last = Window(frames), len(frames) - 1
    window.frames = FrameRange(0, last)
    carried = list(propagate(window, keys, PropagateSettings(strokes="smooth", baked=True), silent))
    baked = [one.baked.rgb8() for one in carried if one.baked] + [keys[1].picture.rgb8()]
    strips = [(one.left.rgb8().astype(int), one.right.rgb8()) for one in carried[1:] if one.left and one.right]
    energy = [float((gradients(picture) ** 2).mean()) for picture in baked]
    at = [round(last * n / 8) for n in EIGHTHS]
    kept = [energy[n] / np.interp(n, [0, last], [energy[0], energy[-1]]) for n in at]
    sources = [frame.rgb8() for frame in frames]
    steps = [agreement(a, b).disagreement for a, b in zip(pairwise(sources), pairwise(baked), strict=True)]
    apart = float(np.mean([np.abs(left - right).mean() for left, right in strips]))
    return (
        " ".join(f"{value:.2f}" for value in kept) + f" | {np.mean(steps):.2f}, at most {max(steps):.2f} | {apart:.2f}"
    )


def main() -> None:
    """Print the table."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", default=[f"{bundled('bigbuckbunny.mp4')}:30:46"], metavar="CLIP:FIRST:LAST")
    parser.add_argument("--size", default="448x256")
    parser.add_argument("--anchor", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    width, height = map(int, options.size.split("x"))
    print("gradient energy at eighths of the gap | frame to frame | strips apart, code values")
    for clip in options.clips:
        path, first, last = clip.rsplit(":", 2)
        frames = read(path, list(range(int(first), int(last) + 1)), (width, height))
        keys = painted(frames, options.anchor)
        print(f"{path}, keys {first} and {last}")
        with mock.patch.object(Strokes, "of", lambda *sides: None):
            print("  averaged   ", row(frames, keys), flush=True)
        print("  kept apart ", row(frames, keys), flush=True)


if __name__ == "__main__":
    main()
