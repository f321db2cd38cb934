"""A matte: pictures that say where a look may change the frame. White changes, black stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from restrip.errors import BadInput
from restrip.jobs.model.effective_settings import Job
from restrip.media import ClipReader, fit_picture, read_picture
from restrip.media.files import MediaMissing
from restrip.media.frame import Frame
from restrip.media.pictures.animated import is_still
from restrip.timeline import ClipRange, pictures_of


class BlackMatte(BadInput):
    """A matte that lets nothing change."""

    code = "empty-matte"

    def __init__(self, path: str, where: str = "everywhere") -> None:
        super().__init__(
            f"The matte {path} is black {where}: nothing would change.", "Paint white what is to be restyled."
        )


class Matte:
    """The matte of a job, frame by frame. A movie runs with the clip from the same trim; a picture stands still; of a
    folder the first picture, by its name, is the clip's first visible frame. `shrunk` is how long a pixel of the full
    picture is at `size`.
    """

    def __init__(self, spec: Job, size: tuple[int, int], shrunk: float = 1.0) -> None:
        self._size = size
        self._feather = spec.asked.matte.feather_px * shrunk
        self._reader: ClipReader | None = None
        self._still: npt.NDArray[np.float32] | None = None
        if Path(spec.matte).is_dir():
            pictures = tuple(pictures_of(spec.matte, spec.asked.source.gaps))
            if not pictures:
                raise MediaMissing(spec.matte)
            self._reader = ClipReader(ClipRange(pictures, spec.clip.rate, spec.clip.length))
        elif is_still(spec.matte):
            self._still = self._share(read_picture(spec.matte))
            if not self._still.any():
                raise BlackMatte(spec.matte)
        else:
            self._reader = ClipReader(replace(spec.clip, paths=(spec.matte,)))

    def __enter__(self) -> Self:
        if self._reader is not None:
            self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.__exit__(kind, error, trace)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is unusual in the matte's files, and what reading them met so far."""
        return () if self._reader is None else tuple(f"The matte: {note}" for note in self._reader.notes)

    def alpha(self, n: int) -> npt.NDArray[np.float32]:
        """[H, W] in 0..1: how much of frame n may change."""
        if self._still is not None:
            return self._still
        assert self._reader is not None
        return self._share(self._reader.frame(n))

    def limit(self, n: int, styled: Frame, source: Frame) -> Frame:
        """`styled` inside the matte at frame n, `source` outside, mixed in coded values over the feather.

        Where the matte is black the source keeps its very code values. Alpha is the styled frame's.
        """
        alpha = self.alpha(n)
        base = source.rgb.astype(np.float32)
        mixed = base + alpha[..., None] * (styled.rgb.astype(np.float32) - base)
        return Frame(np.rint(mixed).astype(source.rgb.dtype), styled.alpha)

    def cut_out(self, n: int, styled: Frame) -> Frame:
        """`styled` whole, with alpha where the matte lets it show (and as far as the frame itself does).

        Over the source it is what `limit` makes.
        """
        top = np.float32(styled.white)
        alpha = self.alpha(n) if styled.alpha is None else self.alpha(n) * (styled.alpha / top)
        return Frame(styled.rgb, np.rint(alpha * top).astype(styled.rgb.dtype))

    def _share(self, picture: Frame) -> npt.NDArray[np.float32]:
        """[H, W] 0..1: the mean of R', G', B', softened inwards and outwards by the feather."""
        grey = fit_picture(picture, self._size).rgb8().mean(axis=2, dtype=np.float32) / np.float32(255)
        if self._feather > 0:
            grey = cv2.GaussianBlur(grey, (0, 0), self._feather / 2)
            grey[grey < 1 / 510] = 0
        return np.asarray(grey, np.float32)
