"""What a frame costs a GPU, counted without one: python tests/benchmarks/propagation_count.py [--sizes 1920x1080,...]
    [--strokes smooth|crisp]

One frame between two keys goes through the stages on tensors that have shapes and no data: torch operations are
counted where they are dispatched, Triton's kernels where they would start. Each stage's row: torch operations, Triton
kernels, bytes that they read and write if every tensor is touched once, copies between host and device, waits for the
device. What a kernel does in one lane (loads, arithmetic) is counted by interpreting it on small pictures.

From these a time is modelled for an H100, and it is a model: the device takes the longest of memory, loads and
arithmetic for each kernel, the host a fixed time for each start, and both work at once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any
from unittest import mock

WORK = "--work" in sys.argv
os.environ.pop("TRITON_INTERPRET", None)
if WORK:
    os.environ["TRITON_INTERPRET"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
import triton  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from restrip.media.frame import Frame  # noqa: E402
from restrip.progress import silent  # noqa: E402
from restrip.propagate import PropagateSettings, StyledKey  # noqa: E402
from restrip.propagate.gpu import flow_stack, matcher, motion, segment_walk, transfers  # noqa: E402
from restrip.propagate.gpu.kernels import flow_triton, stencil_triton  # noqa: E402
from restrip.propagate.gpu.stages import Stages, triton_stages  # noqa: E402
from restrip.propagate.gpu.strokes import calm_motion, handover, paint, pieces, whole  # noqa: E402
from restrip.timeline import FrameRange  # noqa: E402

SIZES = "1920x1080,3840x2160"
BYTES_A_S = 2.2e12  # of an H100's 3.35e12, as long streams reach it
LEAST_S = 3e-6  # of one kernel, however small
CYCLES_S = 132 * 1.7e9  # all its multiprocessors
LOADS_A_S = CYCLES_S / 2  # of 32 lanes from the cache: half of what there could be
WIDE_BYTES_A_S = 3e12  # of the second cache, for descriptors and packed keys read here and there
ARITHMETIC_A_S = 4 * CYCLES_S  # of 32 lanes; counted before multiplications and additions are fused
OPERATION_S, KERNEL_S, VIEW_S = 8e-6, 30e-6, 2e-6  # of the host, to start one (propagation_starts.py)
LINK_BYTES_A_S = 20e9  # between host and device, from pinned memory

VIEWS = {"view", "_unsafe_view", "permute", "transpose", "t", "slice", "select", "expand", "unbind", "split", "alias"}
VIEWS |= {"unsqueeze", "squeeze", "as_strided", "detach", "split_with_sizes", "_reshape_alias", "unfold", "empty"}
VIEWS |= {"empty_like", "empty_strided", "new_empty", "new_empty_strided", "lift_fresh", "set_"}
WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "item"}
LANES = ("TX", "TY", "BLOCK", "PIXELS", "BYTES", "LANES")  # constants that say how many lanes a program has
OTHER = {*LANES, "num_warps", "enable_fp_fusion"}  # and those that do not change its work
TURNS = {"filter_kernel": 3}  # arguments that say how often all of it is done


def named(kernel: str, constants: dict[str, Any]) -> str:
    """A kernel and what of its constants decides what one lane does."""
    return kernel + str(sorted((name, str(value)) for name, value in constants.items() if name not in OTHER))


def turns(kernel: str, args: tuple[Any, ...]) -> int:
    """How often a kernel does what is counted once."""
    return int(args[TURNS[kernel]]) if kernel in TURNS else 1


def lanes(constants: dict[str, Any]) -> int:
    """Of one program."""
    return int(np.prod([constants[name] for name in LANES if name in constants]))


@dataclass
class Row:
    """What one stage of one frame costs."""

    operations: float = 0
    views: float = 0
    kernels: float = 0
    bytes: float = 0
    device_s: float = 0
    link_s: float = 0
    copies: float = 0
    waits: float = 0

    @property
    def host_s(self) -> float:
        """Of the host, to start all of it."""
        return self.operations * OPERATION_S + self.views * VIEW_S + self.kernels * KERNEL_S

    def add(self, other: Row, times: float = 1) -> Row:
        """This and the other one so many times."""
        return Row(*(getattr(self, f.name) + times * getattr(other, f.name) for f in fields(Row)))


class Tally(TorchDispatchMode):
    """Counts what is dispatched, by stage."""

    def __init__(self, work: dict[str, tuple[float, float, float]]) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self._work = work
        self._stages = ["rest"]
        self.held = self.most = 0  # bytes of all tensors, now and at the most
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is dispatched inside belongs to this stage."""
        self._stages.append(name)
        try:
            yield
        finally:
            self._stages.pop()

    def staged(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its cost counted as this stage's."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return run

    @property
    def row(self) -> Row:
        """Of the stage that is running."""
        return self.rows.setdefault(self._stages[-1], Row())

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._hold(tensor.untyped_storage())
        name, row = function._schema.name.partition("::")[2], self.row
        if name in VIEWS:
            row.views += 1
            return out
        row.waits += name in WAITS
        given = [t for t in tree_leaves((args, kwargs or {})) if isinstance(t, torch.Tensor)]
        row.operations += 1
        self._moved(row, [*given, *(t for t in tree_leaves(out) if isinstance(t, torch.Tensor))])
        return out

    def _hold(self, storage: Any) -> None:
        if storage not in self._known:
            self._known.add(storage)
            weakref.finalize(storage, self._freed, storage.nbytes())
            self.held += storage.nbytes()
            self.most = max(self.most, self.held)

    def _freed(self, count: int) -> None:
        self.held -= count

    def launched(self, kernel: Any, *args: Any, grid: Any, warmup: bool, **constants: Any) -> None:
        """In place of a Triton kernel's start."""
        self.row.kernels += 1
        narrow, wide, arithmetic = self._work.get(named(kernel.__name__, constants), (0.0, 0.0, 0.0))
        warps = int(np.prod(grid)) * lanes(constants) * turns(kernel.__name__, args) / 32
        least = max(warps * narrow / LOADS_A_S, warps * wide * 32 / WIDE_BYTES_A_S, warps * arithmetic / ARITHMETIC_A_S)
        self._moved(self.row, [t for t in args if isinstance(t, torch.Tensor)], least)

    def uploaded(self, picture: np.ndarray, device: torch.device, beside: bool = False) -> torch.Tensor:
        """In place of a copy to the device."""
        self.row.copies += 1
        self.row.link_s += picture.nbytes / LINK_BYTES_A_S
        return torch.empty(picture.shape, dtype=torch.uint8, device=device)

    def coming(self, picture: torch.Tensor) -> Any:
        """In place of a copy to the host, which has to wait for it."""
        self.row.copies += 1
        self.row.waits += 1
        self.row.link_s += picture.nbytes / LINK_BYTES_A_S
        return mock.Mock(array=lambda: np.zeros(picture.shape, np.uint8))

    def _moved(self, row: Row, tensors: list[torch.Tensor], least_s: float = LEAST_S) -> None:
        count = sum(touched(t) for t in tensors)
        row.bytes += count
        row.device_s += max(LEAST_S, least_s, count / BYTES_A_S)


def touched(tensor: torch.Tensor) -> int:
    """Bytes of a tensor, what is only repeated counted once."""
    sides = [n for n, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride]
    return int(np.prod(sides, dtype=np.int64)) * tensor.element_size()


class Window:
    """So many pictures of nothing; or of noise, in which no match is good enough to stop a search."""

    def __init__(self, size: tuple[int, int], count: int, contrast: int = 0) -> None:
        self.size, self.frames = size, FrameRange(0, count)
        noise = np.random.default_rng(0).integers(0, contrast + 1, (min(count, contrast) + 1, size[1], size[0], 3))
        self._pictures = [Frame(picture.astype(np.uint8)) for picture in noise]

    def frame(self, n: int) -> Frame:
        return self._pictures[n % len(self._pictures)]


def run(window: Window, stages: Stages, strokes: str) -> None:
    """All frames of a segment, its strokes kept as the setting says."""
    keys = tuple(StyledKey(n, window.frame(n), window.frame(n)) for n in (0, window.frames.end))
    settings, kept = PropagateSettings(strokes=strokes), len(window.frames)
    list(segment_walk.SegmentWalk(window, keys, settings, silent, stages, kept).frames())


def segment(size: tuple[int, int], count: int, work: dict[str, Any], strokes: str) -> Tally:
    """What a segment of so many frames costs."""
    tally, stages = Tally(work), triton_stages(torch.device("meta"))
    parts = [
        (segment_walk.SegmentWalk, "_shown", "frame up"),
        (segment_walk.SegmentWalk, "_read", "frame up"),
        (motion.KeyMotion, "next", "motion"),
        (flow_stack.FlowStack, "push", "motion put aside"),
        (flow_stack.FlowStack, "pop", "motion put aside"),
        (matcher.Matcher, "match", "match"),
        (calm_motion.CalmMotion, "calmed", "calm motion"),
        (pieces.Pieces, "next", "pieces"),
        (paint.PaintTensors, "laid", "paint"),
        (handover.HandOverTensors, "at", "hand-over, energy"),
        (whole, "crisp", "hand-over, energy"),
    ]
    names = {"describe": "describe", "read": "read, vote", "vote": "read, vote", "weighed": "weigh, mix"}
    names |= {"rendered": "weigh, mix", "relit_for": "light", "coded": "hand-over, energy"}
    staged = {part: tally.staged(label, getattr(stages, part)) for part, label in names.items()}
    with ExitStack() as patched:
        for owner, name, label in parts:
            patched.enter_context(mock.patch.object(owner, name, tally.staged(label, getattr(owner, name))))
        patched.enter_context(mock.patch.object(transfers, "upload", tally.uploaded))
        small = lambda pictures: mock.Mock(array=lambda: np.zeros(pictures.shape, np.float32))  # noqa: E731
        patched.enter_context(mock.patch.object(handover, "Coming", small))
        patched.enter_context(mock.patch.object(segment_walk, "Coming", tally.staged("pictures down", tally.coming)))
        launched = lambda kernel, *args, **kwargs: tally.launched(kernel, *args, **kwargs)  # noqa: E731
        patched.enter_context(mock.patch.object(triton.JITFunction, "run", launched))
        patched.enter_context(tally)
        run(Window(size, count), replace(stages, **staged), strokes)
    return tally


def a_frame(size: tuple[int, int], work: dict[str, Any], strokes: str) -> tuple[dict[str, Row], float]:
    """The rows of one frame: what a segment takes more if it is one frame longer; and the most bytes a pixel."""
    segment((64, 48), 2, work, strokes)  # makes what is kept from then on
    shorter, longer = segment(size, 4, work, strokes), segment(size, 5, work, strokes)
    rows = {name: row.add(shorter.rows.get(name, Row()), -1) for name, row in longer.rows.items()}
    return rows, longer.most / (size[0] * size[1])


def work_of_lanes(strokes: str) -> dict[str, tuple[float, float, float]]:
    """What one lane of each kernel does: loads of a number, bytes of wider loads, arithmetic. Interpreted."""
    from triton.runtime import interpreter

    found: dict[str, tuple[float, float, float]] = {}
    now = np.zeros(3)
    kinds = interpreter.InterpreterBuilder

    def counted(name: str, count: Callable[..., Any]) -> Any:
        original = getattr(kinds, name)

        def method(builder: Any, first: Any, *args: Any) -> Any:
            now[:] += count(first)
            return original(builder, first, *args)

        return mock.patch.object(kinds, name, method)

    def load(pointers: Any) -> Any:
        wide = np.ndim(pointers.data) > 1
        width = pointers.dtype.element_ty.primitive_bitwidth // 8
        return (0, pointers.data.size * width, 0) if wide else (pointers.data.size, 0, 0)

    def arithmetic(argument: Any) -> Any:
        return 0, 0, np.size(argument.data)

    call = interpreter.GridExecutor.__call__

    def started(executor: Any, *args: Any, **constants: Any) -> None:
        name = named(executor.fn.__name__, constants)
        if name not in found:  # once is enough: what others would have written is 0
            now[:] = 0
            call(executor, *args, **constants)
            each = turns(executor.fn.__name__, args)
            found[name] = tuple(now / (int(np.prod(executor.grid)) * lanes(constants) * each))

    patches = [counted("create_masked_load", load)]
    patches += [counted(name, arithmetic) for name in ("binary_op", "unary_op", "ternary_op", "cast_impl")]
    patches.append(mock.patch.object(interpreter.GridExecutor, "__call__", started))
    patches.append(mock.patch.object(torch, "empty", torch.zeros))
    patches.append(mock.patch.object(torch, "empty_like", torch.zeros_like))
    with ExitStack() as patched:
        for patch in patches:
            patched.enter_context(patch)
        object.__setattr__(interpreter.interpreter_builder.options, "sanitize_overflow", False)
        # Few programs; two levels of the pyramid, so that there is a coarsest one and another one.
        stencil_triton.TILE.update(TX=64, TY=64)
        flow_triton.COARSEST = 8
        run(Window((64, 40), 3, 255), triton_stages(torch.device("cpu")), strokes)
    # The lanes of means_kernel go over as many pixels as there are.
    return {name: work for name, work in found.items() if not name.startswith("means_kernel")}


def table(size: tuple[int, int], work: dict[str, Any], strokes: str) -> None:
    """Print the rows of one frame."""
    rows, held = a_frame(size, work, strokes)
    rows["all"] = sum_of(list(rows.values()))
    print(f"\n{size[0]}x{size[1]}, both keys; a segment holds up to {held:.0f} bytes a pixel\n")
    print("| stage | operations | kernels | GB | copies | waits | GPU, ms | copies, ms | host, ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, row in rows.items():
        counts = [f"{value:.0f}" for value in (row.operations, row.kernels)]
        counts += [f"{row.bytes / 1e9:.2f}", f"{row.copies:.0f}", f"{row.waits:.0f}"]
        times = [f"{seconds * 1e3:.2f}" for seconds in (row.device_s, row.link_s, row.host_s)]
        print(f"| {name} | {' | '.join(counts + times)} |")


def sum_of(rows: list[Row]) -> Row:
    """All of them."""
    total = Row()
    for row in rows:
        total = total.add(row)
    return total


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--sizes", default=SIZES)
    ask.add_argument("--strokes", choices=("smooth", "crisp"), default="smooth", help="averaged, or kept whole")
    ask.add_argument("--work", action="store_true", help="print what lanes do, for the other process")
    given = ask.parse_args()
    if given.work:
        print(json.dumps(work_of_lanes(given.strokes)))
        return
    command = [sys.executable, __file__, "--work", "--strokes", given.strokes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    work = json.loads(done.stdout)
    for size in given.sizes.split(","):
        w, h = size.split("x")
        table((int(w), int(h)), work, given.strokes)


if __name__ == "__main__":
    main()
