"""From a made row to its key's frame: brought to the anchor's colours, what the anchor shows put in, scaled back.

made row --laid on its frame--> --match colours--> --fuse, previous below the anchor--> --matte, size, depth--> frame
          (edit models alone)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from restrip.looks.diffusion.checkpoints.adapter_specs import unused_loras
from restrip.looks.diffusion.consistency.anchor_fusion import ShownPicture, fused
from restrip.looks.diffusion.consistency.colour_match import matched
from restrip.looks.diffusion.consistency.key_motion import Motion, carried, motion
from restrip.looks.diffusion.consistency.look_colours import LookColours
from restrip.looks.diffusion.runtime.image_tensors import Floats, resized, to_coded, to_frame, to_picture
from restrip.looks.diffusion.runtime.key_laying import laid
from restrip.looks.diffusion.runtime.key_task import Task
from restrip.looks.diffusion.runtime.precision_retry import Made
from restrip.looks.palette import Palette, shift_between

if TYPE_CHECKING:
    from restrip.looks.diffusion.spec import LookSpec
    from restrip.media.frame import Frame


STYLE_COLOURS = 0.5
"""How far a key's colours go to a style picture's in the end: its latents have gone a part of the way."""


@dataclass(frozen=True, eq=False)
class AnchorFrame:
    """The anchor's number, its frame at the working size (uint8), and its picture [h, w, 3] once it is made.

    `look` is what it says of colours where it is of another strip: keys may show nothing of it.
    """

    number: int
    small: Any
    coded: Floats | None = None
    look: LookColours | None = None


@dataclass(frozen=True, eq=False)
class Moved:
    """The motion between a key and the anchor, and between it and the key before; None where there is none."""

    anchor: Motion | None = None
    before: Motion | None = None


class KeyFinish:
    """Finishes the keys of one look at one working size (width, height)."""

    def __init__(self, spec: LookSpec, size: tuple[int, int]) -> None:
        self.spec, self.recipe, self.size = spec, spec.recipe, size
        self.style: Palette | None = None

    def small(self, frame: Frame) -> Any:
        """The frame at the working size, uint8 [h, w, 3]."""
        return (to_coded(to_picture(frame, self.size)) * 255 + 0.5).astype("uint8")

    def coded(self, made: Made) -> Floats:
        """A made picture [h, w, 3] in 0..1, its colours on their way to the style picture's where there is one."""
        coded = to_coded(made.picture)
        if self.style is None:
            return coded
        own, style = Palette.of(coded), self.style
        strength = STYLE_COLOURS * self.recipe.style_strength
        return shift_between((style, style), (own, own), strength, followed=(0, 0, 0)).applied(coded)

    def anchor_frame(self, anchor: Task, coded: Floats | None) -> AnchorFrame:
        """An anchor with its picture [h, w, 3], or before it has one."""
        small, look = self.small(anchor.frame), None
        if anchor.finished is not None and coded is not None:
            look = LookColours.of(small.astype(np.float32) / 255, coded)
        return AnchorFrame(anchor.key.frame, small, coded, look)

    def moved(self, task: Task, anchor: AnchorFrame | None) -> Moved:
        """How a task's frame moved."""
        small, apart = self.small(task.frame), anchor is not None and task.key.frame != anchor.number
        since = None
        if task.before is not None and self.recipe.previous_fusion > 0:
            since = motion(self.small(task.before.frame), small)
        return Moved(motion(anchor.small, small) if anchor is not None and apart else None, since)

    def frame(self, task: Task, made: Made, anchor: AnchorFrame | None, moved: Moved) -> Frame:
        """The key's frame: of the source's size, depth and alpha, the source itself where its matte is black."""
        coded, layers = self.coded(made), list[ShownPicture]()
        matte = None if task.matte is None else resized(task.matte, self.size).clip(0, 1)
        if task.before is not None and moved.before is not None:
            picture = resized(task.before.picture.rgb.astype("float32") / task.before.picture.white, self.size)
            layers.append(ShownPicture(picture, moved.before, self.recipe.previous_fusion))
        if anchor is not None and anchor.coded is not None and moved.anchor is not None:
            coded = self._coloured(coded, task, anchor, moved.anchor)
            layers.append(ShownPicture(anchor.coded, moved.anchor, self.recipe.anchor_fusion))
        if layers:
            coded = fused(coded, self.small(task.frame), layers, matte)
        return to_frame(coded, task.frame, None if task.matte is None else resized(task.matte, task.frame.size))

    def _coloured(self, coded: Floats, task: Task, anchor: AnchorFrame, moved: Motion) -> Floats:
        """A picture's colours brought to the anchor's: by what both show, else by what its look does to colours."""
        assert anchor.coded is not None
        strength = self.recipe.anchor_color
        alike = matched(coded, carried(anchor.coded, moved.flow), moved.seen, strength)
        if anchor.look is None or strength <= 0:
            return alike
        both = moved.shown
        shifted = anchor.look.given(coded, self.small(task.frame).astype(np.float32) / 255, strength)
        return (shifted + np.float32(both) * (alike - shifted)).astype(np.float32)

    def laid(self, task: Task, made: Made) -> Made:
        """A row as it lies on its frame, as the setting "edit_correction" says, with notes of what was done."""
        coded, notes = laid(task, to_coded(made.picture), self.recipe.edit_correction)
        if coded is None:
            return replace(made, notes=(*made.notes, *notes)) if notes else made
        picture = torch.from_numpy(coded).permute(2, 0, 1).contiguous() * 2 - 1
        return replace(made, picture=picture.to(made.picture.device), notes=(*made.notes, *notes))

    def notes(self, task: Task, made: Made) -> Sequence[str]:
        """What the user should know of this key."""
        notes = list(made.notes)
        for name in unused_loras(task.key.prompt or "", self.spec.loras):
            notes.append(f"The LoRA {name} in the own prompt of {task.key.said} isn't used: name it in the job's.")
        if made.doubtful:
            notes.append(
                f"The picture of {task.key.said} is black or of one colour, whole or in part, where its frame isn't; "
                "full precision gives the same."
            )
        return notes
