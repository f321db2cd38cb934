"""How fast is img2img? Stock diffusers one frame at a time, this engine, and the ceiling, in one run.

    python tests/benchmarks/img2img.py                  on a CPU, with tiny-sd: not slower than stock a frame
    python tests/benchmarks/img2img.py --device cuda    full-size random weights, made on the GPU
    python tests/benchmarks/img2img.py --rehearse       the GPU's run on the CPU, with networks of a few channels
    python tests/benchmarks/img2img.py --count          what a key costs without and with an anchor, on shapes alone
    python tests/benchmarks/img2img.py --memory         live memory of the full-size networks, counted on shapes alone
    python tests/benchmarks/img2img.py --memory --real  SD 1.5's networks run once on the CPU: counted against grown

On a GPU each case is timed each of --ways (as it is; blocks compiled; steps recorded; both), with and without an
anchor, at each of --batches, cold (a new pipeline, its first call) and warm; a batch that is watched says where its
time goes, and its pictures how far they are from those in float32. Weights don't matter to the time, so random ones
serve; a row is refused when a picture had to be made again. --out keeps the rows, one JSON object a line.

Goals on one H100: SD 1.5 at 512 with 15 evaluations and CFG >= 15 frames/s (8.5 times stock), 4 evaluations without CFG
and a small VAE >= 140, SDXL at 1024 >= 1.9; anchored keys >= .85 of the speed without an anchor.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import img2img_networks
import numpy as np
import torch
import transformers
from img2img_memory import memory, memory_for_real
from img2img_networks import CASES, TINY_CASE, Case, ceiling, cost, frames, full_size, place, seconds, stock

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.runtime.speed.compiled import Compiled
from restrip.looks.look import Styled
from restrip.progress import silent
from restrip.timeline import Key

BATCHES_A_RUN = 4
WAYS = {
    "plain": {"compile": "off", "replay": False},
    "compiled": {"compile": "on", "replay": False},
    "recorded": {"compile": "off", "replay": True},
    "both": {"compile": "on", "replay": True},
}
# The run whose first pictures are compared with float32's.
COMPARED, COMPARED_KEYS = 9, 3


class Refused(Exception):
    """A row that isn't true: pictures were made more than once."""


@dataclass(frozen=True)
class Measured:
    """Frames a second of one row, cold and warm, and seconds a key of a watched batch by where they go; how far its
    pictures are from float32's, on average and at most, in code values; what it couldn't do.
    """

    cold: float
    warm: float
    where: dict[str, float]
    off: tuple[float, float]
    notes: tuple[str, ...]


Pictures = list[np.ndarray[Any, np.dtype[np.float32]]]


def clips(count: int, case: Case, run: int) -> list[Task]:
    """New frames for each run: nothing of them is known."""
    first = run * 1000
    return [Task(frame, Key(first + n)) for n, frame in enumerate(frames(count, case.size, first))]


def styled(at: Pipeline, tasks: list[Task], *, anchored: bool) -> list[Styled]:
    """Make keys, of which the first one is the anchor. Raises Refused."""
    at.anchors.clear()
    made = at.stylize(tasks, silent, Round(tasks[0] if anchored else None))
    again = [one.facts["retries"] for one in made if one.facts["retries"]]
    if again:
        facts = made[0].facts
        raise Refused(
            f"{len(again)} of {len(made)} pictures were made again ({max(again)} times; UNet {facts['unet_dtype']}, "
            f"VAE {facts['vae_dtype']}): no true figure"
        )
    return made


def shown(made: list[Styled]) -> Pictures:
    """The first pictures, in code values."""
    return [one.picture.rgb.astype(np.float32) for one in made[:COMPARED_KEYS]]


def in_full_precision(model: Model, case: Case, *, anchored: bool) -> Pictures:
    """The pictures that all ways are compared with."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        at = place(model, case, batch=1, anchor=anchored, precision="float32", compile="off")
        at.maker.ladder = (torch.float32,)
        return shown(styled(at, clips(COMPARED_KEYS, case, COMPARED), anchored=anchored))
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def measured(model: Model, case: Case, row: tuple[int, bool, str], truth: Pictures, *, short: bool) -> Measured:
    """One row: a batch size, with an anchor or without, a way. Raises Refused."""
    batch, anchored, way = row
    at = place(model, case, batch=batch, anchor=anchored, **WAYS[way])
    count = batch * (2 if short else BATCHES_A_RUN)
    times = []
    for run in range(2 if short else 3):
        tasks = clips(count, case, run)
        begun = wall(model.device)
        styled(at, tasks, anchored=anchored)
        times.append(wall(model.device) - begun)
    with watched(at) as spent:
        begun = wall(model.device)
        made = styled(at, clips(count, case, COMPARED), anchored=anchored)
        whole = wall(model.device) - begun
    differences = [np.abs(mine - one) for mine, one in zip(shown(made), truth, strict=False)]
    off = float(np.mean(differences)), float(np.max(differences))
    where = {name: value / count for name, value in spent.items()}
    where["host"] = whole / count - where["UNet"] - where["VAE"]
    return Measured(count / times[0], count / min(times[1:]), where, off, at.compiled.notes())


def wall(device: torch.device) -> float:
    """Seconds of the wall, once a GPU has done all."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


@contextmanager
def watched(at: Pipeline) -> Iterator[dict[str, float]]:
    """Seconds that go into networks, each waited for, and into work beside them in other threads."""
    device, lock = at.model.device, threading.Lock()
    spent = dict.fromkeys(("UNet", "VAE", "motion", "finish"), 0.0)
    parts: list[tuple[Any, str, str, Callable[[], float]]] = [
        (at.model.backbone, "output", "UNet", lambda: wall(device)),
        (at.vae, "encode", "VAE", lambda: wall(device)),
        (at.vae, "decode", "VAE", lambda: wall(device)),
        (at.finish, "moved", "motion", time.thread_time),
        (at.finish, "frame", "finish", time.thread_time),
    ]

    def timed(work: Callable[..., Any], name: str, now: Callable[[], float]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            begun = now()
            done = work(*args, **more)
            with lock:
                spent[name] += now() - begun
            return done

        return call

    for owner, part, name, now in parts:
        setattr(owner, part, timed(getattr(owner, part), name, now))
    try:
        yield spent
    finally:
        for owner, part, _, _ in parts:
            delattr(owner, part)


def on_gpu(options: argparse.Namespace) -> int:
    """All rows; how many were refused."""
    rehearsing = img2img_networks.rehearsing
    if rehearsing:
        torch.set_num_threads(1)
        sys.path.insert(0, str(Path(__file__).parents[1] / "looks" / "diffusion"))
        import recorders

        Compiled.backend, Compiled.recorder = "eager", staticmethod(recorders.StandIn())
    device = torch.device("cpu" if rehearsing else "cuda")
    most, refused = ceiling(device), 0
    machine = "rehearsal" if rehearsing else f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    print(f"{machine}, {most / 1e12:.1f} TFLOP/s in a large bfloat16 product")
    for case in CASES:
        if rehearsing:
            case = replace(case, size=(128, 128))
        if options.only and options.only not in case.name:
            continue
        model = full_size(case, device)
        price = cost(model, case)
        one = frames(1, case.size)[0]
        run = stock(model, case)
        before = 1 / seconds(lambda run=run, one=one: run(one), device, 1 if rehearsing else 3)
        print(f"\n{case.name}: stock {before:.2f} frames/s one at a time, ceiling {most / price.plain:.1f}", end="")
        print(f", goal {case.goal:g}" if case.goal else "")
        head = "of stock  ceiling    off float32, most    ms a key: UNet, extra attention, VAE, host; motion, finish"
        print(f"{'':32s}{'cold':>8s}{'warm':>8s}  {head}", flush=True)
        refused += rows_of(model, case, (most, before), options)
        if device.type == "cuda":
            print(f"{'':32s}{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB at most", flush=True)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    return refused


def rows_of(model: Model, case: Case, rates: tuple[float, float], options: argparse.Namespace) -> int:
    """The rows of a case; how many were refused."""
    refused, unet = 0, dict[tuple[int, str], float]()
    price, (most, before) = cost(model, case), rates
    truths = {anchored: in_full_precision(model, case, anchored=anchored) for anchored in (False, True)}
    for way in options.ways:
        for batch in options.batches:
            for anchored in (False, True):
                name = f"{'anchored' if anchored else 'alone':9s} batch {batch:2d}, {way}"
                row: dict[str, Any] = {"case": case.name, "row": name, "machine": str(model.device)}
                try:
                    one = measured(model, case, (batch, anchored, way), truths[anchored], short=options.short)
                except Refused as error:
                    print(f"{name:32s}refused: {error}", flush=True)
                    refused += 1
                    continue
                where = {f"{part}_ms": round(1000 * value, 3) for part, value in one.where.items()}
                plain = unet.setdefault((batch, way), one.where["UNet"])
                extra = 1000 * max(0.0, one.where["UNet"] - plain) if anchored else 0.0
                limit = most / (price.anchored if anchored else price.plain)
                print(
                    f"{name:32s}{one.cold:8.2f}{one.warm:8.2f}{one.warm / before:8.1f} x{one.warm / limit:8.0%}    "
                    f"{one.off[0]:8.2f} {one.off[1]:6.1f}    "
                    f"{where['UNet_ms'] - extra:.1f}, {extra:.1f}, {where['VAE_ms']:.1f}, {where['host_ms']:.1f}; "
                    f"{where['motion_ms']:.1f}, {where['finish_ms']:.1f}",
                    flush=True,
                )
                for note in one.notes:
                    print(f"{'':32s}{note}", flush=True)
                row |= {"cold": one.cold, "warm": one.warm, "extra_ms": extra, "off": one.off, **where}
                if options.out:
                    with options.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    return refused


def count() -> None:
    """What a key costs, on shapes alone, beside three others in a batch."""
    print(f"{'TFLOP a key':40s} UNet   extra attention   VAE   without anchor over with one")
    for case in CASES:
        price = cost(full_size(case, torch.device("meta")), case)
        print(
            f"{case.name:40s} {price.unet / 1e12:5.2f} {price.extra / 1e12:12.2f} {price.vae / 1e12:10.2f} "
            f"{price.plain / price.anchored:16.3f}",
            flush=True,
        )


def on_cpu() -> None:
    torch.set_num_threads(1)
    device = torch.device("cpu")
    model = open_model(find_checkpoint("tiny"))
    one = frames(1, TINY_CASE.size)[0]
    run = stock(model, TINY_CASE)
    case = replace(TINY_CASE, batch=1)
    at = place(model, case)
    # In turns, so that another program's noise hits both.
    theirs, mine = [], []
    for n in range(4):
        theirs.append(seconds(lambda: run(one), device) if n == 0 else timed(lambda: run(one)))
        other = frames(1, case.size, n + 2)[0]  # a new frame, so that nothing of it is known
        mine.append(timed(lambda other=other: at.stylize([Task(other, Key(0))], silent, Round())))
    a, b = float(np.median(theirs)), float(np.median(mine[1:]))
    print(f"{case.name}: stock {a:.2f} s a frame, engine {b:.2f} s (CPU time), {a / b:.2f} times as fast")


def timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rehearse", action="store_true", help="see whether the GPU's run works")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--real", action="store_true", help="with --memory: run them on the CPU (Linux)")
    parser.add_argument("--only", help="part of a case's name")
    parser.add_argument("--batches", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4, 8, 16])
    parser.add_argument("--ways", type=lambda text: text.split(","), default=list(WAYS), help="some of them")
    parser.add_argument("--short", action="store_true", help="fewer and smaller runs, for little time on a machine")
    parser.add_argument("--out", type=Path, help="a file that rows are added to")
    options = parser.parse_args()
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    img2img_networks.rehearsing = options.rehearse
    if options.memory:
        (memory_for_real if options.real else memory)()
    elif options.count:
        count()
    elif options.device == "cuda" or options.rehearse:
        return min(on_gpu(options), 1)
    else:
        on_cpu()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
