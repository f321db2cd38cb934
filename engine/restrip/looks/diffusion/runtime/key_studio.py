"""Where keys are made: frames and keys in, pictures with their facts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restrip.errors import BadInput
from restrip.looks.diffusion.runtime.image_tensors import as_unit
from restrip.looks.diffusion.runtime.key_task import Before, Round, Task
from restrip.looks.diffusion.runtime.model_cache import ModelKey, device_of, load
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.runtime.precision import first_network_dtype
from restrip.looks.diffusion.size import Size, working_size
from restrip.looks.look import Styled
from restrip.looks.look_file.given_anchor import GivenAnchor, covering
from restrip.timeline import Key

if TYPE_CHECKING:
    from restrip.looks.diffusion.spec import LookSpec
    from restrip.looks.look import Beside
    from restrip.media.frame import Frame
    from restrip.progress import Report


NO_KEY = -1
"""The number of an anchor that is no key of the job."""


class EmptyMatte(BadInput):
    """A matte that lets nothing change."""

    code = "empty-matte"

    def __init__(self, frame: int) -> None:
        super().__init__(
            f"The matte is empty on frame {frame}: nothing there may change.",
            "Check that the matte is white where the picture should change, and that it covers this frame.",
            frame=frame,
        )


class KeyStudio:
    """The loaded networks of one look, with a workplace for each size that it has worked at."""

    def __init__(self, spec: LookSpec) -> None:
        self.spec = spec
        self.device = device_of(spec.recipe.device)
        dtype = first_network_dtype(self.device, spec.recipe.precision, spec.family)
        self.model_key = ModelKey(
            spec.checkpoint, spec.content, spec.vae, spec.loras, str(self.device), dtype, spec.recipe.prediction
        )
        self._workplaces: dict[Size, Pipeline] = {}

    def stylize(
        self,
        frames: list[Frame],
        keys: list[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None,
        beside: Beside,
    ) -> list[Styled]:
        """See DiffusionLook.stylize."""
        nothing = [None] * len(frames)
        tasks = [
            Task(frame, key, None if matte is None else as_unit(matte), before and Before(*before))
            for frame, key, matte, before in zip(
                frames, keys, beside.mattes or nothing, beside.previous or nothing, strict=True
            )
        ]
        given = self.spec.given
        first = None if anchor is None or given is not None else _anchor(anchor, tasks, beside)
        for task in (*tasks, first):
            if task is not None and task.matte is not None and not task.matte.any():
                raise EmptyMatte(task.key.frame)
        styled: dict[int, Styled] = {}
        by_size: dict[Size, list[int]] = {}
        for number, task in enumerate(tasks):
            there = given.picture_of(task.frame, task.key) if given is not None and task.matte is None else None
            if given is not None and there is not None:
                styled[number] = Styled(there, {"look_file": given.name, "anchor": "itself"}, self.spec.notes)
            else:
                by_size.setdefault(self._size(task.frame), []).append(number)
        for size, numbers in by_size.items():
            against = first if given is None else _finished(given, size)
            round_ = Round(against, beside.clip, max(beside.keys, len(tasks)), beside.colours)
            made = self._workplace(size).stylize([tasks[number] for number in numbers], report, round_)
            styled |= dict(zip(numbers, made, strict=True))
        return [styled[number] for number in range(len(frames))]

    def _size(self, frame: Frame) -> Size:
        """The working size."""
        return working_size(frame.size, self.spec.recipe, self.spec.native_px, self.spec.family.multiple_px)

    def _workplace(self, size: Size) -> Pipeline:
        if size not in self._workplaces:
            self._workplaces[size] = Pipeline(self.spec, load(self.model_key), size, self.model_key.dtype)
        return self._workplaces[size]


def _finished(given: GivenAnchor, size: tuple[int, int]) -> Task:
    """A look file's anchor in the shape of what it is to be seen beside."""
    frame, picture = covering(given.frame, size), covering(given.picture, size)
    return Task(frame, Key(NO_KEY, given.prompt, given.seed), finished=picture)


def _anchor(anchor: tuple[Frame, Key], tasks: list[Task], beside: Beside) -> Task:
    """The anchor as a task, with its matte: it is one of the others, or given apart."""
    frame, key = anchor
    if beside.anchor_matte is not None:
        return Task(frame, key, as_unit(beside.anchor_matte))
    same = [task.matte for task in tasks if task.key.frame == key.frame]
    return Task(frame, key, same[0] if same else None)
