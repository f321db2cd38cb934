"""One segment on the device, frame by frame: carry.py's, where a frame comes up once and pictures go down once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from restrip.cuda.free_memory import free_mib
from restrip.cuda.idle_memory import IDLE_MEMORY, mostly_free
from restrip.media.frame import Frame
from restrip.progress import Report
from restrip.propagate.backward_walk import BackwardWalk, walked_frames
from restrip.propagate.device_choice import GpuMemoryTaken, PropagationOutOfGpuMemory
from restrip.propagate.energy.effort import effort
from restrip.propagate.energy.handover import across_at
from restrip.propagate.energy.mix_weights import MixWeights, mix_weights_at
from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey, with_alpha_of
from restrip.propagate.gpu.flow_stack import FlowStack
from restrip.propagate.gpu.graphs import Tensors, Work
from restrip.propagate.gpu.motion import KeyMotion, Shown, StepMotion, named, shown_in
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.shares import Shares, shares_of
from restrip.propagate.gpu.side import Side
from restrip.propagate.gpu.stages import Stages, stages_on
from restrip.propagate.gpu.strokes.field_stack import FieldStack
from restrip.propagate.gpu.strokes.paint import PaintTensors
from restrip.propagate.gpu.strokes.pieces import Pieces
from restrip.propagate.gpu.strokes.strangeness import parts_of
from restrip.propagate.gpu.strokes.whole import WholeStrokesTensors
from restrip.propagate.gpu.transfers import Coming, Uploads
from restrip.propagate.gpu_memory import KEPT_MIB, block_frames, field_block_frames, kept_frames, need_mib
from restrip.propagate.key_alone import key_alone, strokes_of_its_own
from restrip.propagate.settings import PropagateSettings

Keys = tuple[StyledKey | None, StyledKey | None]

GRAPHS_PIXELS = 2048 * 1152
"""Larger frames are started step by step: the GPU takes longer for their work than the host for starting it."""


def check_memory(size: tuple[int, int], strokes: bool = False) -> None:
    """Raises GpuMemoryTaken where frames of (width, height) don't fit beside what others keep on the GPU now.

    Where `strokes` are to be kept whole the segment has begun, and what it holds already counts for it. Tensors of the
    CPU fit.
    """
    if not torch.cuda.is_available():
        return
    own = torch.cuda.memory_allocated() >> 20 if strokes else 0
    need = need_mib(size, strokes)
    if free_mib(need - own) + own < need:
        raise GpuMemoryTaken(strokes)


def walk(window: FrameWindow, keys: Keys, settings: PropagateSettings, report: Report) -> Iterator[CarriedFrame]:
    """As `restrip.propagate.propagate`, on the GPU that torch would use.

    Raises PropagationOutOfGpuMemory; and GpuMemoryTaken before the first frame, where strokes are to be kept whole and
    there is no memory for that.
    """
    size, whole = window.size, settings.strokes != "smooth"
    graphs = settings.graphs and size[0] * size[1] <= GRAPHS_PIXELS
    free = free_mib(need_mib(size, whole, graphs) + KEPT_MIB)
    graphs = graphs and free >= need_mib(size, whole, graphs=True)
    kept = kept_frames(size, free - need_mib(size, whole, graphs))
    settings = replace(settings, graphs=graphs)
    IDLE_MEMORY.taken()
    try:
        yield from SegmentWalk(window, keys, settings, report, stages_on(torch.device("cuda")), kept).frames()
    except torch.OutOfMemoryError as error:
        raise PropagationOutOfGpuMemory(window.size) from error
    finally:
        IDLE_MEMORY.left(at_once=graphs or not mostly_free())  # graphs' is of a pool of its own


class SegmentWalk:
    """The frames between two keys, on the device of `stages`, where the last `kept` source frames stay."""

    def __init__(
        self,
        window: FrameWindow,
        keys: Keys,
        settings: PropagateSettings,
        report: Report,
        stages: Stages,
        kept: int = 0,
    ) -> None:
        self._window, self._keys, self._settings, self._report = window, keys, settings, report
        self._stages = stages.recording(self._not_recorded) if settings.graphs else stages
        self._uploads, self._effort = Uploads(stages.device, kept, stages.rgb_of), effort(settings.quick)
        self._block = block_frames(window.size)
        again = walked_frames(window.frames, self._block) if self._averages and keys[1] is not None else 0
        self._done, self._total = 0, len(window.frames) + again
        self._sides: list[Side | None] = []
        self._steps = StepMotion(stages)
        self._shares = self._all_shares()
        self._ahead: KeyMotion | None = None
        self._parts: Tensor | None = None
        self._whole: WholeStrokesTensors | None = None
        self._is_started = False  # what the first frame does is less, and done once

    @torch.inference_mode()
    def frames(self) -> Iterator[CarriedFrame]:
        """Every frame in order."""
        with closing(self._stages.graphs):
            yield from self._frames()

    @property
    def _averages(self) -> bool:
        """Are the keys averaged anywhere? If not, only pieces are carried, which walk their own way back."""
        return self._settings.strokes != "crisp"

    def _frames(self) -> Iterator[CarriedFrame]:
        shown = [None if key is None else self._shown(key.source) for key in self._keys]
        self._ahead = None if shown[0] is None else KeyMotion(shown[0], self._stages, self._effort)
        with closing(self._back(shown[1])) as back:
            flow_back = next(back, None)  # walks all the way back, before the rest takes its memory
            self._sides = [
                None if key is None or there is None else Side(key, there, self._settings, self._stages)
                for key, there in zip(self._keys, shown, strict=True)
            ]
            self._parts, every = self._crispness(flow_back)
            if self._parts is not None:
                check_memory(self._window.size, strokes=True)
            with closing(self._fields()) as fields:
                if self._parts is not None:
                    self._whole = self._whole_strokes(fields, every)
                yield from self._all(back, flow_back)

    def _all(self, back: Iterator[Tensor], flow_back: Tensor | None) -> Iterator[CarriedFrame]:
        made: Callable[[], CarriedFrame] | None = None
        for n in self._window.frames:
            source = None if self._uploads.holds(n) else self._window.frame(n)
            last, made = made, self._frame(n, source, flow_back)
            flow_back = next(back, None)
            if last is not None:  # comes down while the device works on this frame
                yield last()
                self._step()
        if made is not None:
            yield made()
            self._step()

    def _crispness(self, flow_back: Tensor | None) -> tuple[Tensor | None, bool]:
        """How far strokes are kept whole at each place of the left key (None: nowhere), and whether everywhere."""
        a, b = self._sides
        if self._settings.strokes == "crisp":
            return torch.ones((1, 1), device=self._stages.device), True
        alone = None if self._settings.strokes == "smooth" else key_alone(self._window, self._keys)
        if alone is not None and (whole := strokes_of_its_own(alone)):
            return torch.full((1, 1), whole, device=self._stages.device), False  # but what it doesn't know
        if self._settings.strokes == "smooth" or not self._is_left(self._window.frames.first):
            return None, False
        if a is None or b is None or flow_back is None:
            return None, False
        left = unsigned(a.tensors.packed[..., :3])
        parts = parts_of(left, *b.carried_to(a, flow_back), flow_back, self._stages)
        least, most = torch.stack([parts.amin(), parts.amax()]).tolist()  # waits for the device, once a segment
        return (parts if most > 0 else None), least >= 1

    def _fields(self) -> Generator[Tensor, None, None]:
        """Where the right key's pieces lie in every frame, if strokes are kept whole."""
        right = self._sides[1]
        if self._parts is not None and right is not None:
            block = field_block_frames(self._window.size)
            self._total += walked_frames(self._window.frames, block)
            walk = BackwardWalk(
                Pieces(right.tensors, self._stages, effort=self._effort), self._read, FieldStack(), FieldStack()
            )
            yield from walk.forwards(self._window.frames, self._step, block)

    def _whole_strokes(self, fields: Iterator[Tensor], every: bool) -> WholeStrokesTensors:
        a, b = (
            None if side is None else PaintTensors.of(side.tensors, self._settings.shading, self._stages)
            for side in self._sides
        )
        ahead = None if a is None else Pieces(a.key, self._stages, self._ahead, self._effort)
        return WholeStrokesTensors((a, b), ahead, fields, None if every else self._parts, self._stages, self._effort)

    def _is_left(self, n: int) -> bool:
        return self._keys[0] is not None and self._keys[0].frame == n

    def _back(self, key: Shown | None) -> Generator[Tensor, None, None]:
        if key is not None and self._averages:
            motion = KeyMotion(key, self._stages, self._effort)
            walk = BackwardWalk(motion, self._read, FlowStack(), FlowStack())
            yield from walk.forwards(self._window.frames, self._step, self._block)

    def _read(self, n: int, source: Frame | None = None) -> Shown:
        """Frame n on the device; `source` where it has been read already: reading it again would lose the next one,
        which is being read ahead."""
        return self._stages.shown(self._uploads.frame(n, lambda: source or self._window.frame(n)))

    def _shown(self, frame: Frame) -> Shown:
        return self._stages.shown(self._uploads.upload(frame))

    def _frame(self, n: int, source: Frame | None, flow_back: Tensor | None) -> Callable[[], CarriedFrame]:
        """Start all work on a frame; what comes back waits for it. Without `source` it is on the device, and opaque."""
        if self._is_left(n):
            carried = self._at_key(source, flow_back)
            return lambda: carried
        coming = Coming(self._between(n, source, flow_back))
        return lambda: self._carried(source, coming)

    def _at_key(self, source: Frame | None, flow_back: Tensor | None) -> CarriedFrame:
        """The left key's frame is the key; how the right key predicts it says how far the look follows light."""
        left, right = self._keys
        a, b = self._sides
        assert left is not None
        if self._settings.shading and flow_back is not None and a is not None and b is not None:
            a.gain = b.gain = self._settings.shading * b.learn(a, flow_back)
        if self._whole is not None and a is not None:
            self._whole.at_key(a.tensors.shown)
        picture = with_alpha_of(source, left.picture.rgb)
        return CarriedFrame(picture, None if right is None else picture, picture if self._settings.baked else None)

    def _between(self, n: int, source: Frame | None, flow_back: Tensor | None) -> Tensor:
        frame, given = self._read(n, source), Tensors()
        flow = step = None
        if self._ahead is not None:
            flow = self._ahead.next(frame)
            step = self._ahead.step
        elif self._averages:
            step = self._steps.next(frame)
        if self._whole is not None:
            given |= self._whole.fields(frame)
        if self._whole is None or not self._whole.all:
            given |= self._averaged((flow, flow_back), step)
        shares = self._shares[n - self._window.frames.first]
        given |= named(frame=frame) | {"shares": shares.numbers}
        nothing = tuple((not w.left, not w.right) for w in shares.weights)  # it decides which kernels are started
        work: Work = partial(self._made, shares.weights)
        if self._is_started:
            work = self._stages.graphs.work(("frame", nothing), work)
        made = work(given)
        self._is_started = True
        for name, side in enumerate(self._sides):
            if side is not None:
                side.field = made.get(f"match {name}")
        return made["pictures"]

    def _averaged(self, flows: tuple[Tensor | None, Tensor | None], step: Tensor | None) -> Tensors:
        """What both keys' predictions are made of."""
        given: Tensors = {}
        for n, (side, flow) in enumerate(zip(self._sides, flows, strict=True)):
            if side is not None and flow is not None:
                given |= {f"flow {n}": flow, f"gain {n}": side.gain}
                given |= {} if side.field is None or step is None else {f"match {n}": side.field, "step": step}
        return given

    def _made(self, weights: tuple[MixWeights, ...], given: Tensors) -> Tensors:
        """A frame's "pictures", and what "match 0" and "match 1" have found for it."""
        frame, shares = shown_in(given, "frame"), Shares(weights, given["shares"])
        deep = next(key.picture.deep for key in self._keys if key is not None)
        whole = None if self._whole is None else self._whole.shown(frame, given, shares.begun)
        if self._whole is not None and self._whole.all and whole is not None:  # nothing else is seen
            return {"pictures": whole.alone(weights, deep)}
        found, votes = {}, []
        for n, side in enumerate(self._sides):
            if side is not None and f"flow {n}" in given:
                before = (given[f"match {n}"], given["step"]) if f"match {n}" in given else None
                said, found[f"match {n}"] = side.votes(frame, given[f"flow {n}"], given[f"gain {n}"], before)
                votes.append(said)
        made = self._stages.rendered(votes[0], votes[-1], shares, deep or whole is not None)
        return found | {"pictures": made if whole is None else whole.over(made, weights, deep)}

    def _all_shares(self) -> list[Shares]:
        """Of all frames; they go up at once."""
        left, right = self._keys
        renditions, fade, frames = 3 if self._settings.baked else 2, self._settings.fade, self._window.frames
        if left is None or right is None:
            return shares_of([[MixWeights(1, 0)] * renditions] * len(frames), [0.0] * len(frames), self._stages.device)
        keys, lean = (left.frame, right.frame), self._settings.lean
        weights = [mix_weights_at(n, keys, fade, lean)[:renditions] for n in frames]
        return shares_of(weights, [across_at(n, keys, fade) for n in frames], self._stages.device)

    def _not_recorded(self, why: str) -> None:
        note = f"The GPU's work can't be played as graphs here and is started step by step: {why}."
        self._report(self._done, self._total, note)

    def _carried(self, source: Frame | None, coming: Coming) -> CarriedFrame:
        left, right = (key is not None for key in self._keys)
        down = [with_alpha_of(source, picture) for picture in coming.array()]
        return CarriedFrame(down[0] if left else None, down[1] if right else None, down[2] if len(down) > 2 else None)

    def _step(self) -> None:
        self._done += 1
        self._report(self._done, self._total)
