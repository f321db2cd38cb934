"""Keys of edit models laid on their frames: such models return a picture a little moved, and in other colours.

What is done is what is done with keys from other programs: see restrip.registration.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restrip.looks.diffusion.runtime.image_tensors import Floats, resized
from restrip.looks.diffusion.runtime.key_task import Task
from restrip.media.frame import Frame
from restrip.registration.correct import corrected
from restrip.registration.correction import Correction
from restrip.registration.find import LEAST_PX, find
from restrip.registration.warp import Shift, Warp

OFF, SHIFTS, PARTS = "off", "shifts", "parts"
"""Values of the setting "edit_correction": nothing, shifts alone, shifts and a cast and what wasn't changed."""


def laid(task: Task, coded: Floats, how: str) -> tuple[Floats | None, tuple[str, ...]]:
    """A key's picture [h, w, 3] in 0..1 at its working size, laid on its frame as `how` says, and notes.

    None where nothing has to be done with it.
    """
    height, width = coded.shape[:2]
    if how == OFF or min(width, height) < LEAST_PX:
        return None, ()
    frame = _deep(resized(task.frame.rgb.astype(np.float32) / task.frame.white, (width, height)))
    key = _deep(coded)
    found = find(frame.rgb8(), key.rgb8())
    if found.warp is not None:
        # Said in pixels of the frame, not of the size that the model works at.
        found = replace(found, said=Shift.of(Warp.from_json(found.warp).scaled(task.frame.size)).words())
    notes = [found.note_of(task.key.said)]
    correction = Correction(found.warp, color_lock=how == PARTS, put_back=how == PARTS)
    if not correction.facts:
        return None, tuple(filter(None, notes))
    done, more = corrected(key, frame, correction)
    notes += more
    return done.rgb.astype(np.float32) / done.white, tuple(filter(None, notes))


def _deep(values: Floats) -> Frame:
    """[h, w, 3] in 0..1 as a frame of 16 bit."""
    return Frame((np.clip(values, 0, 1) * 65535 + 0.5).astype(np.uint16))
