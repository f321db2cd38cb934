"""One segment on the device, frame by frame: carry.py's, where a frame comes up once and pictures go down once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import torch
from torch import Tensor

from restrip.media.frame import Frame
from restrip.progress import Report
from restrip.propagate.backward_walk import BackwardWalk, walked_frames
from restrip.propagate.device_choice import GpuMemoryTaken, PropagationOutOfGpuMemory
from restrip.propagate.energy.handover import across_at
from restrip.propagate.energy.mix_weights import MixWeights, mix_weights_at
from restrip.propagate.energy.shading import USUAL_GAIN
from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey, with_alpha_of
from restrip.propagate.gpu.exemplar import KeyTensors
from restrip.propagate.gpu.flow_stack import FlowStack
from restrip.propagate.gpu.matcher import Matcher
from restrip.propagate.gpu.mixing import weights_of
from restrip.propagate.gpu.motion import KeyMotion, Shown, StepMotion
from restrip.propagate.gpu.planes import Coming, unsigned, upload
from restrip.propagate.gpu.shading import learned_gain
from restrip.propagate.gpu.stages import Stages, stages_on
from restrip.propagate.gpu.strokes.field_stack import FieldStack
from restrip.propagate.gpu.strokes.paint import PaintTensors
from restrip.propagate.gpu.strokes.pieces import Pieces
from restrip.propagate.gpu.strokes.strangeness import parts_of
from restrip.propagate.gpu.strokes.whole import WholeStrokesTensors
from restrip.propagate.gpu_memory import block_frames, field_block_frames, need_mib
from restrip.propagate.settings import PropagateSettings

Keys = tuple[StyledKey | None, StyledKey | None]


def check_memory(size: tuple[int, int], strokes: bool = False) -> None:
    """Raises GpuMemoryTaken where frames of (width, height) don't fit beside what others keep on the GPU now.

    Where `strokes` are to be kept whole the segment has begun, and what it holds already counts for it. Tensors of the
    CPU fit.
    """
    if not torch.cuda.is_available():
        return
    torch.cuda.empty_cache()
    own = torch.cuda.memory_allocated() if strokes else 0
    if (torch.cuda.mem_get_info(torch.device("cuda"))[0] + own) >> 20 < need_mib(size, strokes):
        raise GpuMemoryTaken(strokes)


def walk(window: FrameWindow, keys: Keys, settings: PropagateSettings, report: Report) -> Iterator[CarriedFrame]:
    """As `restrip.propagate.propagate`, on the GPU that torch would use.

    Raises PropagationOutOfGpuMemory; and GpuMemoryTaken before the first frame, where strokes are to be kept whole and
    there is no memory for that.
    """
    device = torch.device("cuda")
    try:
        yield from SegmentWalk(window, keys, settings, report, stages_on(device)).frames()
    except torch.OutOfMemoryError as error:
        raise PropagationOutOfGpuMemory(window.size) from error
    finally:
        torch.cuda.empty_cache()


class _Side:
    """One key, and what it says of frames."""

    def __init__(self, key: StyledKey, shown: Shown, shading: float, stages: Stages) -> None:
        self.key, self._stages, self._shading = key, stages, shading
        self.tensors = KeyTensors.of(key, stages.describe(shown.rgb), shown)
        self.gain = torch.tensor(shading * USUAL_GAIN, device=stages.device)
        self._matcher = Matcher(self.tensors.described, stages)

    def votes(self, frame: Shown, flow: Tensor, step: Tensor | None) -> Any:
        """Both predictions of a frame by their worth; `step` is the motion to the frame of the last call."""
        in_keys_light, rgb, followed = self._stages.relit_for(frame, self.tensors.shown, flow, self._shading)
        field = self._matcher.match(self._stages.describe(in_keys_light), flow, step)
        light = torch.cat([self.gain.view(1), followed])
        return self._stages.weighed(
            [self._stages.read(rgb, self.tensors, flow, light), self._stages.vote(rgb, self.tensors, field, light)]
        )

    def carried_to(self, other: _Side, flow: Tensor) -> tuple[Tensor, Tensor]:
        """This key's style along `flow`, which leads to it from the other one, in its own light; and its errors."""
        frame = other.tensors.shown.rgb
        return self._stages.read(frame, self.tensors, flow, torch.tensor((0.0, 1.0, 0.0), device=frame.device))

    def learn(self, other: _Side, flow: Tensor) -> Tensor:
        """The gain on slopes with which this key predicts the other one best; `flow` leads from that one to this."""
        frame = other.tensors.shown.rgb
        lights = torch.tensor(((0.0, 1.0, 0.0), (1.0, 1.0, 0.0)), device=frame.device)
        (plain, errors), (moved, _) = (self._stages.read(frame, self.tensors, flow, light) for light in lights)
        truth = unsigned(other.tensors.packed[..., :3])
        return learned_gain(plain / 257, moved / 257, truth / 257, weights_of(errors[None])[0])


class SegmentWalk:
    """The frames between two keys, on the device of `stages`."""

    def __init__(
        self, window: FrameWindow, keys: Keys, settings: PropagateSettings, report: Report, stages: Stages
    ) -> None:
        self._window, self._keys, self._settings, self._report, self._stages = window, keys, settings, report, stages
        self._block = block_frames(window.size)
        again = 0 if keys[1] is None else walked_frames(window.frames, self._block)
        self._done, self._total = 0, len(window.frames) + again
        self._sides: list[_Side | None] = []
        self._steps = StepMotion(stages)
        self._ahead: KeyMotion | None = None
        self._parts: Tensor | None = None
        self._whole: WholeStrokesTensors | None = None

    @torch.inference_mode()
    def frames(self) -> Iterator[CarriedFrame]:
        """Every frame in order."""
        shown = [None if key is None else self._shown(key.source) for key in self._keys]
        self._ahead = None if shown[0] is None else KeyMotion(shown[0], self._stages)
        with closing(self._back(shown[1])) as back:
            flow_back = next(back, None)  # walks all the way back, before the rest takes its memory
            self._sides = [
                None if key is None or there is None else _Side(key, there, self._settings.shading, self._stages)
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
            source = self._window.frame(n)
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
            walk = BackwardWalk(Pieces(right.tensors, self._stages), self._read, FieldStack(), FieldStack())
            yield from walk.forwards(self._window.frames, self._step, block)

    def _whole_strokes(self, fields: Iterator[Tensor], every: bool) -> WholeStrokesTensors:
        a, b = (
            None if side is None else PaintTensors.of(side.tensors, self._settings.shading, self._stages)
            for side in self._sides
        )
        ahead = None if a is None else Pieces(a.key, self._stages, self._ahead)
        return WholeStrokesTensors((a, b), ahead, fields, None if every else self._parts, self._stages)

    def _is_left(self, n: int) -> bool:
        return self._keys[0] is not None and self._keys[0].frame == n

    def _back(self, key: Shown | None) -> Generator[Tensor, None, None]:
        if key is not None:
            motion = KeyMotion(key, self._stages)
            walk = BackwardWalk(motion, self._read, FlowStack(), FlowStack())
            yield from walk.forwards(self._window.frames, self._step, self._block)

    def _read(self, n: int) -> Shown:
        return self._shown(self._window.frame(n))

    def _shown(self, frame: Frame) -> Shown:
        return self._stages.shown(upload(frame.rgb8(), self._stages.device))

    def _frame(self, n: int, source: Frame, flow_back: Tensor | None) -> Callable[[], CarriedFrame]:
        """Start all work on a frame; what comes back waits for it."""
        if self._is_left(n):
            carried = self._at_key(source, flow_back)
            return lambda: carried
        coming = Coming(self._between(n, source, flow_back))
        return lambda: self._carried(source, coming)

    def _at_key(self, source: Frame, flow_back: Tensor | None) -> CarriedFrame:
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

    def _between(self, n: int, source: Frame, flow_back: Tensor | None) -> Tensor:
        frame = self._shown(source)
        if self._ahead is None:
            flow, step = None, self._steps.next(frame)
        else:
            flow = self._ahead.next(frame)
            step = self._ahead.step
        whole = None if self._whole is None else self._whole.next(frame, self._across(n))
        shares = self._shares(n)[: 3 if self._settings.baked else 2]
        deep = next(key.picture.deep for key in self._keys if key is not None)
        if whole is not None and whole.all:  # nothing else is seen
            return whole.alone(shares, deep)
        a, b = (
            None if side is None or motion is None else side.votes(frame, motion, step)
            for side, motion in zip(self._sides, (flow, flow_back), strict=True)
        )
        made = self._stages.rendered(a or b, b or a, shares, deep or whole is not None)
        return made if whole is None else whole.over(made, shares, deep)

    def _across(self, n: int) -> float:
        left, right = self._keys
        if left is None or right is None:
            return 0.0
        return across_at(n, (left.frame, right.frame), self._settings.fade)

    def _shares(self, n: int) -> list[MixWeights]:
        left, right = self._keys
        if left is None or right is None:
            return [MixWeights(1, 0)] * 3
        return list(mix_weights_at(n, (left.frame, right.frame), self._settings.fade, self._settings.lean))

    def _carried(self, source: Frame, coming: Coming) -> CarriedFrame:
        left, right = (key is not None for key in self._keys)
        down = [with_alpha_of(source, picture) for picture in coming.array()]
        return CarriedFrame(down[0] if left else None, down[1] if right else None, down[2] if len(down) > 2 else None)

    def _step(self) -> None:
        self._done += 1
        self._report(self._done, self._total)
