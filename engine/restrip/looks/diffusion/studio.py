"""Where keys are made: frames and keys in, pictures with their facts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from restrip.errors import BadInput
from restrip.looks.diffusion.loaded import Order, device_of, load
from restrip.looks.diffusion.pictures import as_unit
from restrip.looks.diffusion.precision import first_unet_dtype
from restrip.looks.diffusion.size import working_size
from restrip.looks.diffusion.workplace import Task, Workplace

if TYPE_CHECKING:
    from restrip.looks.diffusion.look import DiffusionLook, Matte
    from restrip.looks.look import Styled
    from restrip.media.frame import Frame
    from restrip.progress import Report
    from restrip.timeline import Key


class EmptyMatte(BadInput):
    """A matte that lets nothing change."""

    code = "empty-matte"

    def __init__(self, frame: int) -> None:
        super().__init__(
            f"The matte is empty on frame {frame}: nothing there may change.",
            "Check that the matte is white where the picture should change, and that it covers this frame.",
            frame=frame,
        )


class Studio:
    """The loaded networks of one look, with a workplace for each size that it has worked at."""

    def __init__(self, look: DiffusionLook) -> None:
        self.look = look
        self.device = device_of(look.recipe.device)
        identity = look.identity()
        self.order = Order(
            look.checkpoint,
            f"{identity['model']} {identity['vae']} {identity['lora']}",
            look.vae,
            look.loras,
            str(self.device),
            first_unet_dtype(self.device, look.recipe.precision),
        )
        self._workplaces: dict[tuple[int, int], Workplace] = {}

    def stylize(
        self,
        frames: list[Frame],
        keys: list[Key],
        report: Report,
        anchor: tuple[Frame, Key] | None,
        mattes: Sequence[Matte | None] | None,
    ) -> list[Styled]:
        """See DiffusionLook.stylize."""
        given = list(mattes) if mattes is not None else [None] * len(frames)
        tasks = [
            Task(frame, key, None if matte is None else as_unit(matte))
            for frame, key, matte in zip(frames, keys, given, strict=True)
        ]
        for task in tasks:
            if task.matte is not None and not task.matte.any():
                raise EmptyMatte(task.key.frame)
        by_size: dict[tuple[int, int], list[int]] = {}
        for number, frame in enumerate(frames):
            by_size.setdefault(self._size(frame), []).append(number)
        styled: dict[int, Styled] = {}
        for size, numbers in by_size.items():
            made = self._workplace(size).stylize([tasks[number] for number in numbers], report, anchor)
            styled |= dict(zip(numbers, made, strict=True))
        return [styled[number] for number in range(len(frames))]

    def _size(self, frame: Frame) -> tuple[int, int]:
        return working_size(frame.size, self.look.recipe, self.look.native_px)

    def _workplace(self, size: tuple[int, int]) -> Workplace:
        if size not in self._workplaces:
            self._workplaces[size] = Workplace(self.look, load(self.order), size, self.order)
        return self._workplaces[size]
