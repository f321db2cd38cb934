"""A row as an editor plays it: two strips and the fade that is proposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from between.footage import Picture
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate, propose_fade
from restrip.timeline import Crossfade, FrameRange, mix_at


class Window:
    """Pictures in memory, as propagation reads them, with `mattes` [H, W] as their alpha; `frames` ends at the last."""

    def __init__(self, pictures: Sequence[Picture], mattes: Sequence[Picture] | None = None) -> None:
        self._mattes = mattes
        self._pictures, self.frames = pictures, FrameRange(0, len(pictures) - 1)
        self.size = pictures[0].shape[1], pictures[0].shape[0]

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return Frame(np.ascontiguousarray(self._pictures[n]), self._mattes[n] if self._mattes else None)


def played(
    frames: Sequence[Picture], keys: tuple[Picture, Picture], mattes: Sequence[Picture] | None = None, **settings: Any
) -> list[Picture]:
    """Every frame from key to key, as the strips and their fade show it."""
    window, last = Window(frames, mattes), len(frames) - 1
    left, right = (StyledKey(n, window.frame(n), Frame(key)) for n, key in zip((0, last), keys, strict=True))
    fade = propose_fade(window, (left, right), "auto", PropagateSettings(**settings), silent)
    out = []
    for n, one in zip(
        window.frames,
        propagate(window, (left, right), PropagateSettings(fade=fade, **settings), silent),
        strict=True,
    ):
        assert one.left is not None and one.right is not None
        mix = mix_at(Crossfade(0, 1, fade), n)
        out.append(cv2.addWeighted(one.left.rgb, 1 - mix, one.right.rgb, mix, 0))
    return [*out, keys[1]]
