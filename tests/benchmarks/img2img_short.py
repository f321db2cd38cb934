"""The rows of img2img.py that matter most, in a minute on a GPU: one process, the most telling rows first.

    python tests/benchmarks/img2img_short.py [--seconds 110] [--out ROWS.jsonl] [--rehearse]

Random weights are made on the device, in half precision; the cases of SD 1.5 share one UNet. Neither stock diffusers
nor a ceiling is timed, and float32's pictures are made last, if time is left. First come recorded rows, alone on the
machine: beside an anchor, without one, four evaluations, SDXL. Then two more processes compile what the compiled rows
find in the cache; a row that is made meanwhile says so. A row is printed as soon as it is measured; one that would not
be done in time isn't begun.

Switches of libraries and of own kernels are tried while others compile; tuned convolutions that gain 2 % stay on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import diffusers
import img2img_networks
import numpy as np
import torch
import transformers
from img2img import COMPARED, COMPARED_KEYS, WAYS, Pictures, Refused, clips, in_full_precision, shown, wall, watched
from img2img_networks import CASES, Case, full_size, place
from torch.nn.attention import SDPBackend, sdpa_kernel

from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.runtime.speed import norms
from restrip.looks.diffusion.runtime.speed.compiled import BatchKind, Compiled
from restrip.looks.look import Styled
from restrip.progress import silent

GAIN = 1.02
# Batches of a timed run; a watched one is one batch.
TIMED = 3

BEGUN = time.perf_counter()


@dataclass
class Bench:
    """The rows so far, until `until` on the clock."""

    until: float
    out: Path | None
    device: torch.device
    ahead: list[subprocess.Popen[bytes]] = field(default_factory=list)
    speeds: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, Pictures] = field(default_factory=dict)
    # What a row of the kind took at last, in seconds.
    takes: float = 8.0

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.perf_counter()

    @property
    def compiling(self) -> bool:
        """Whether other processes compile at this moment."""
        return any(one.poll() is None for one in self.ahead)

    def row(self, name: str, model: Model, case: Case, way: str, *, anchored: bool = False) -> float:
        """Measure and print one; frames a second, 0 where there is no time or no true figure."""
        if self.left < self.takes:
            print(f"{name:46s}not begun: {self.left:.0f} s left", flush=True)
            return 0.0
        begun, beside = time.perf_counter(), self.compiling
        try:
            one = measured(model, case, way, anchored=anchored)
        except Refused as error:
            print(f"{name:46s}refused: {error}", flush=True)
            return 0.0
        beside = beside or self.compiling
        where = "  ".join(f"{part} {1000 * value:.1f}" for part, value in one.where.items())
        note = "".join(f"; {text}" for text in (*one.notes, *(["compiling beside it"] if beside else [])))
        print(f"{name:46s}{one.warm:7.2f} frames/s; first batch {one.first:.1f} s; ms a key: {where}{note}", flush=True)
        self.speeds[name], self.pictures[name] = one.warm, one.pictures
        if self.out:
            ms = {part: 1000 * value for part, value in one.where.items()}
            row = {"row": name, "case": case.name, "way": way, "batch": case.batch, "warm": one.warm}
            row |= {"first_s": one.first, "ms": ms, "compiling beside": beside, "notes": one.notes}
            with self.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
        if way in ("plain", "recorded"):
            self.takes = time.perf_counter() - begun
        return one.warm


@dataclass(frozen=True)
class Row:
    """Seconds of the first batch, frames a second of later ones, seconds a key by where they go, pictures, notes."""

    first: float
    warm: float
    where: dict[str, float]
    pictures: Pictures
    notes: tuple[str, ...]


def measured(model: Model, case: Case, way: str, *, anchored: bool) -> Row:
    """A first batch, a timed run, a watched batch. Raises Refused."""
    at = place(model, case, batch=case.batch, anchor=anchored, **WAYS[way])
    anchor = Round(clips(1, case, COMPARED + 1)[0] if anchored else None)
    begun = wall(model.device)
    made_of(at, clips(case.batch, case, 0), anchor)
    first = wall(model.device) - begun
    if anchored:  # that batch held the anchor; later ones see it
        made_of(at, clips(case.batch, case, 3), anchor)
    tasks = clips(TIMED * case.batch, case, 1)
    begun = wall(model.device)
    made_of(at, tasks, anchor)
    took = wall(model.device) - begun
    with watched(at) as spent:
        begun = wall(model.device)
        made = made_of(at, clips(case.batch, case, COMPARED), anchor)
        whole = wall(model.device) - begun
    where = {name: value / case.batch for name, value in spent.items()}
    where["host"] = whole / case.batch - where["UNet"] - where["VAE"]
    return Row(first, len(tasks) / took, where, shown(made), at.compiled.notes())


def made_of(at: Pipeline, tasks: list[Task], among: Round) -> list[Styled]:
    """Keys, none of which was made again. Raises Refused."""
    made = at.stylize(tasks, silent, among)
    again = sum(one.facts["retries"] > 0 for one in made)
    if again:
        facts = made[0].facts
        raise Refused(f"{again} of {len(made)} pictures were made again ({facts['unet_dtype']}, {facts['vae_dtype']})")
    return made


@contextmanager
def tuned() -> Iterator[None]:
    """cuDNN tries its ways of a convolution once for each shape."""
    torch.backends.cudnn.benchmark = model_cache.TUNED = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = model_cache.TUNED = False


@contextmanager
def cudnn_attention() -> Iterator[None]:
    """Attention by cuDNN where it can."""
    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    with sdpa_kernel(order, set_priority=True):
        yield


def rows(bench: Bench, options: argparse.Namespace) -> None:
    """All of them."""
    case, four, large = cases(options)
    begun = time.perf_counter()
    model = full_size(case, bench.device)
    wall(bench.device)
    print(f"weights of {case.name} made in {time.perf_counter() - begun:.1f} s, {bench.left:.0f} s left", flush=True)
    lay(model, on=norms.ON)  # as a model that is loaded from files has them
    # Nothing else is at work yet.
    bench.row("15 evaluations, recorded, anchored", model, case, "recorded", anchored=True)
    best = bench.row("15 evaluations, recorded", model, case, "recorded")
    small = full_size(four, bench.device, model)
    lay(small, on=norms.ON)
    bench.row("4 evaluations, small VAE, recorded", small, four, "recorded")
    larger(bench, large)
    # While others compile what the rows after these ask for.
    if bench.left > 25:
        bench.ahead += [started(options, what) for what in ("unet", "vae")]
    fillers = [lambda: norming(bench, model, case), lambda: tuning(bench, model, case, best)]
    fillers += [lambda: attending(bench, model, case)]
    while bench.compiling and fillers and bench.left > 35:
        fillers.pop(0)()
    while bench.compiling and bench.left > 25:
        time.sleep(0.2)
    print(f"{bench.left:.0f} s left; compiled ahead: {not bench.compiling}", flush=True)
    bench.row("15 evaluations, both, anchored", model, case, "both", anchored=True)
    bench.row("15 evaluations, both", model, case, "both")
    bench.row("4 evaluations, small VAE, both", small, four, "both")
    bench.row("15 evaluations, compiled", model, case, "compiled")
    for filler in fillers:
        filler()
    if bench.left > 8:
        compared(bench, model, case)


def norming(bench: Bench, model: Model, case: Case) -> None:
    """Own kernels of normalization, as they are laid, against torch's."""
    other = bench.row("15 evaluations, plain", model, case, "plain")
    lay(model, on=False)
    plain = bench.row("15 evaluations, plain, torch's norms", model, case, "plain")
    norms.ON = not plain or other > plain
    lay(model, on=norms.ON)
    print(f"own norms stay on: {norms.ON}", flush=True)


def tuning(bench: Bench, model: Model, case: Case, best: float) -> None:
    """Convolutions that cuDNN has tried."""
    with tuned():
        better = bench.row("15 evaluations, recorded, cuDNN tuned", model, case, "recorded") > GAIN * best
    torch.backends.cudnn.benchmark = model_cache.TUNED = better
    print(f"tuned convolutions stay on: {better}", flush=True)


def attending(bench: Bench, model: Model, case: Case) -> None:
    """Attention by cuDNN."""
    with cudnn_attention():
        bench.row("15 evaluations, plain, cuDNN's attention", model, case, "plain")


def lay(model: Model, *, on: bool = True) -> None:
    """Own kernels of normalization in both networks, or torch's."""
    for network in (model.network, model.vae):
        norms.lay(network, on=on)


def larger(bench: Bench, case: Case) -> None:
    """SDXL, once."""
    if bench.left < 40:
        print(f"SDXL: not begun, {bench.left:.0f} s left", flush=True)
        return
    model = full_size(case, bench.device)
    lay(model, on=norms.ON)
    takes = bench.takes
    bench.row("SDXL, 15 evaluations, recorded", model, case, "recorded")
    bench.takes = takes  # of rows at 512
    del model
    if bench.device.type == "cuda":
        torch.cuda.empty_cache()


def compared(bench: Bench, model: Model, case: Case) -> None:
    """How far pictures of 15 evaluations without an anchor are from float32's, in code values."""
    truth = in_full_precision(model, case, anchored=False)
    for name, pictures in bench.pictures.items():
        if name.startswith("15") and "anchored" not in name:
            off = [np.abs(mine - one) for mine, one in zip(pictures[:COMPARED_KEYS], truth, strict=False)]
            print(f"{name:46s}off float32: mean {np.mean(off):.2f}, most {np.max(off):.1f}", flush=True)


def cases(options: argparse.Namespace) -> tuple[Case, ...]:
    """What to time; small pictures while rehearsing."""
    return tuple(replace(c, size=(128, 128), batch=2) if options.rehearse else c for c in CASES)


def compile_ahead(options: argparse.Namespace, device: torch.device) -> None:
    """Compile for other processes: the UNet's blocks, or those of the VAEs."""
    case, four, _ = cases(options)
    begun = time.perf_counter()
    model = full_size(case, device)
    if options.ahead == "unet":
        few = replace(case, settings={**case.settings, "steps": 3})
        at = place(model, few, anchor=True, **WAYS["compiled"])
        choose = at.compiled.choose

        def unet_alone(kind: BatchKind, keys: int) -> None:
            choose(kind, keys)
            at.vae.compiled = False

        at.compiled.choose = unet_alone  # type: ignore[method-assign]
        for among in (Round(), Round(clips(1, case, COMPARED + 1)[0])):
            for run in (0, 3):
                at.stylize(clips(case.batch, case, run), silent, among)
    else:
        for one, size in ((model, case), (full_size(four, device, model), four)):
            at = place(one, size, **WAYS["compiled"])
            at.compiled.choose(BatchKind("alone", size.batch), 1)
            pictures = torch.rand(size.batch, 3, size.size[1], size.size[0], device=device) * 2 - 1
            at.vae.decode(at.vae.encode(pictures))
    wall(device)
    print(f"compiled ahead, {options.ahead}: {time.perf_counter() - begun:.1f} s", flush=True)


def started(options: argparse.Namespace, what: str) -> subprocess.Popen[bytes]:
    """A process that compiles ahead."""
    asked = [sys.executable, __file__, "--ahead", what, *(["--rehearse"] if options.rehearse else [])]
    return subprocess.Popen(asked, env={**os.environ, "TORCHINDUCTOR_COMPILE_THREADS": "6"})


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rehearse", action="store_true", help="on a CPU, with networks of a few channels")
    parser.add_argument("--seconds", type=float, default=110, help="in all, counted from the start")
    parser.add_argument("--out", type=Path, help="a file that rows are added to")
    parser.add_argument("--ahead", choices=("unet", "vae"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    img2img_networks.rehearsing = options.rehearse
    if options.rehearse:
        torch.set_num_threads(1)
        sys.path.insert(0, str(Path(__file__).parents[1] / "looks" / "diffusion"))
        import recorders

        Compiled.backend, Compiled.recorder = "eager", staticmethod(recorders.StandIn())
    device = torch.device("cpu" if options.rehearse else "cuda")
    if options.ahead:
        compile_ahead(options, device)
        return
    bench = Bench(BEGUN + options.seconds, options.out, device)
    machine = "rehearsal" if options.rehearse else f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    print(f"{machine}; {bench.left:.0f} s left", flush=True)
    try:
        rows(bench, options)
    finally:
        for one in bench.ahead:
            one.kill()
            one.wait()


if __name__ == "__main__":
    main()
