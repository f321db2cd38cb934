"""Peak memory of a whole job: a long clip against a short one.

    python tests/benchmarks/memory.py [--frames 1000,10000] [--size 1920x1080] [--format h264]
                                      [--what job|carry|backwards] [--folder FOLDER]

job        a whole job in a worker's process: cuts, a key, its parts, strip and preview. The look changes nothing and
           propagation hands the frames through, so that 10,000 frames take minutes and not days.
carry      the same job, and the key is really carried: slower by far. Lengths to be compared must fill the blocks that
           readers keep (256 MiB of pictures), or their filling is what is measured.
backwards  a reader that walks from the last frame to the first, and a writer.

Each length runs in a process of its own. Printed are its peak resident set (VmHWM) and how much of that is beyond what
the imports take. The peak must not grow with the length (5 % are allowed) nor pass 1.5 GiB.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LIMIT_MIB = 1536
GROWTH = 0.05
GROUP = 60


def peak_mib() -> float:
    """The most memory that this process had, in MiB."""
    try:
        # getrusage would count what the process had as a copy of its parent.
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
        assert found
        return int(found[1]) / 1024
    except OSError:
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def make_source(path: Path, frames: int, size: tuple[int, int]) -> None:
    """A still gradient that a block moves over, cheap to encode: one group of pictures, joined as often as it takes."""
    import numpy as np

    from restrip.media import Frame, MovieWriter, join
    from restrip.timeline import Rate

    width, height = size
    ramp = (np.linspace(0, 200, width) + np.linspace(0, 50, height)[:, None]).astype(np.uint8)
    still = np.repeat(ramp[..., None], 3, axis=2)
    group = path.with_name("group.mp4")
    with MovieWriter(group, size, Rate.of(25), "h264") as writer:
        for n in range(GROUP):
            rgb = still.copy()
            left = abs(2 * n - GROUP) * (width - height // 4) // GROUP
            rgb[height // 3 : height // 2, left : left + height // 4] = (250, 20, 90)
            writer.write(Frame(rgb))
    join([group] * -(-frames // GROUP), path)


def do_job(source: str, frames: int, format_name: str, carry: bool) -> None:
    """A job of one painted key, which is the source's own frame, as a worker does it."""
    from restrip.client.job import JobSpec, Output
    from restrip.jobs.tasks import segments
    from restrip.jobs.tasks.registry import WorkerMemory, run_task
    from restrip.media import ClipReader, write_picture
    from restrip.storage import json_files
    from restrip.timeline import ClipRange, Key, Rate

    folder = Path(source).parent
    clip = ClipRange((source,), Rate.of(25), frames)
    key = frames // 3
    (folder / "keys").mkdir()
    with ClipReader(clip) as reader:
        write_picture(folder / "keys" / f"{key:06d}.png", reader.frame(key))
    output = Output(format=format_name, preview=True)
    spec = JobSpec("memory", clip, (Key(key),), f"keys:{folder / 'keys'}", output=output)
    job = folder / "state" / "jobs" / spec.job_id
    job.mkdir(parents=True)
    json_files.write_json(job / "job.json", {"kind": "render", **spec.to_json()})
    if not carry:
        segments.propagate = _handed_through
    shop = WorkerMemory()

    def task(kind: str, **body: Any) -> dict[str, Any]:
        message = {"kind": kind, "job": str(job), "state_dir": str(folder / "state"), "body": body}
        return run_task(shop, message, lambda *_, **__: None)

    found = task("prepare")
    task("keys", keys=found["missing_keys"])
    for part in found["missing_parts"]:
        task("part", part=part)
    task("finish", retries=[], made={})


def _handed_through(window: Any, keys: Any, settings: Any, report: Any) -> Iterator[Any]:
    """Every frame as it is, in the renditions that a segment with these keys has."""
    from restrip.propagate import CarriedFrame

    left, right = keys
    for n in window.frames:
        frame = window.frame(n)
        yield CarriedFrame(frame if left else None, frame if right else None, frame if settings.baked else None)


def walk_backwards(source: str, frames: int, format_name: str) -> None:
    """Read from the last frame to the first, and write."""
    from restrip.media import ClipReader, MovieWriter
    from restrip.media.formats import FORMATS
    from restrip.timeline import ClipRange, Rate

    out = Path(source).with_name(f"out{FORMATS[format_name].extension}")
    clip = ClipRange((source,), Rate.of(25), frames)
    with (
        ClipReader(clip) as reader,
        MovieWriter(out, reader.size, clip.rate, format_name, reader.info.colour) as writer,
    ):
        for n in reversed(range(frames)):
            writer.write(reader.frame(n))


def work(options: argparse.Namespace, frames: int) -> dict[str, float]:
    """What is asked for; what it took."""
    import cv2

    import restrip.jobs.tasks.segments  # what a worker has loaded before it knows the clip

    assert restrip.jobs.tasks.segments
    cv2.setNumThreads(1)
    before, start = peak_mib(), time.process_time()
    if options.what == "backwards":
        walk_backwards(options.work, frames, options.format)
    else:
        do_job(options.work, frames, options.format, options.what == "carry")
    return {"peak_mib": peak_mib(), "beyond_mib": peak_mib() - before, "cpu_s": time.process_time() - start}


def measure(frames: int, options: argparse.Namespace) -> dict[str, float]:
    """One length, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source = Path(folder) / "source.mp4"
        asked = ["--frames", str(frames), "--size", options.size, "--format", options.format, "--what", options.what]
        subprocess.run([sys.executable, __file__, "--make", str(source), *asked], check=True)
        run = subprocess.run(
            [sys.executable, __file__, "--work", str(source), *asked], check=True, stdout=subprocess.PIPE
        )
        return dict(json.loads(run.stdout))


def main() -> int:
    """Measure every length, print them, and judge the growth from the first to the last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", default="1000,10000")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--format", default="h264")
    parser.add_argument("--what", choices=("job", "carry", "backwards"), default="job")
    parser.add_argument("--folder", help="where to put the files while it works")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    options = parser.parse_args()
    lengths = [int(text) for text in options.frames.split(",")]
    width, _, height = options.size.partition("x")
    if options.make:
        make_source(Path(options.make), lengths[0], (int(width), int(height)))
        return 0
    if options.work:
        print(json.dumps(work(options, lengths[0])))
        return 0
    found = []
    for frames in lengths:
        found.append(measure(frames, options))
        facts = "  ".join(f"{name} {value:.1f}" for name, value in found[-1].items())
        print(f"{options.what}, {frames} frames of {options.size} as {options.format}:  {facts}", flush=True)
    growth = found[-1]["peak_mib"] / found[0]["peak_mib"] - 1
    print(f"growth {growth:+.1%} (allowed {GROWTH:.0%}), limit {LIMIT_MIB} MiB")
    return int(growth > GROWTH or max(each["peak_mib"] for each in found) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
