"""Peak memory of reading a clip, doing nothing to it, and writing it: long against short.

    python tests/benchmarks/memory.py [--frames 1000,10000] [--size 1920x1080] [--format h264] [--backwards]

Each length runs in a process of its own. Printed is the peak resident set beyond what the imports take; it must not
grow with the length (5 % are allowed) nor pass 1.5 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_MIB = 1536
GROWTH = 0.05
GROUP = 50


def peak_mib() -> float:
    """The most memory that this process had, in MiB."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def make_source(path: Path, frames: int, size: tuple[int, int]) -> None:
    """A moving gradient with grain: one group of pictures, joined as often as it takes."""
    import numpy as np

    from restrip.media import Frame, MovieWriter, join
    from restrip.timeline import Rate

    width, height = size
    rng = np.random.default_rng(0)
    x, y = np.linspace(0, 200, width), np.linspace(0, 50, height)[:, None]
    grain = rng.integers(-4, 5, (height, width, 3))
    group = path.with_name("group.mp4")
    with MovieWriter(group, size, Rate.of(25), "h264") as writer:
        for n in range(min(frames, GROUP)):
            plane = (x + y + 4 * n) % 220 + 10
            rgb = np.roll(grain, 8 * n, axis=1) + plane[..., None]
            writer.write(Frame(rgb.clip(0, 255).astype(np.uint8)))
    join([group] * -(-frames // GROUP), path)


def work(source: str, frames: int, format_name: str, backwards: bool) -> dict[str, float]:
    """Read and write; what it took."""
    import cv2

    from restrip.media import ClipReader, MovieWriter
    from restrip.media.formats import FORMATS
    from restrip.timeline import ClipRange, Rate

    cv2.setNumThreads(1)
    before, start = peak_mib(), time.process_time()
    out = Path(source).with_name(f"out{frames}{FORMATS[format_name].extension}")
    clip = ClipRange((source,), Rate.of(25), frames)
    with (
        ClipReader(clip) as reader,
        MovieWriter(out, reader.size, clip.rate, format_name, reader.info.colour) as writer,
    ):
        for n in reversed(range(frames)) if backwards else range(frames):
            writer.write(reader.frame(n))
    return {"peak_mib": peak_mib(), "beyond_mib": peak_mib() - before, "cpu_s": time.process_time() - start}


def measure(frames: int, options: argparse.Namespace) -> dict[str, float]:
    """One length, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mp4"
        make = [sys.executable, __file__, "--make", str(source), "--frames", str(frames), "--size", options.size]
        subprocess.run(make, check=True)
        flags = ["--backwards"] if options.backwards else []
        argv = [sys.executable, __file__, "--work", str(source), "--frames", str(frames), "--format", options.format]
        return dict(json.loads(subprocess.run([*argv, *flags], check=True, capture_output=True).stdout))


def main() -> int:
    """Measure every length, print them, and judge the growth from the first to the last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", default="1000,10000")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--format", default="h264")
    parser.add_argument("--backwards", action="store_true", help="walk from the last frame to the first")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    options = parser.parse_args()
    lengths = [int(text) for text in options.frames.split(",")]
    width, _, height = options.size.partition("x")
    if options.make:
        make_source(Path(options.make), lengths[0], (int(width), int(height)))
        return 0
    if options.work:
        print(json.dumps(work(options.work, lengths[0], options.format, options.backwards)))
        return 0
    found = []
    for frames in lengths:
        found.append(measure(frames, options))
        facts = "  ".join(f"{name} {value:.1f}" for name, value in found[-1].items())
        print(f"{frames:6} frames of {options.size} as {options.format}:  {facts}", flush=True)
    growth = found[-1]["peak_mib"] / found[0]["peak_mib"] - 1
    print(f"growth {growth:+.1%} (allowed {GROWTH:.0%}), limit {LIMIT_MIB} MiB")
    return int(growth > GROWTH or max(each["beyond_mib"] for each in found) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
