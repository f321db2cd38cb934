"""The frames of a part as the job renders them: at the job's size and depth, the matte beside them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from restrip.jobs.plan import Plan, SourceChanged, source_identity
from restrip.link.job import JobSpec
from restrip.media import ClipReader, fit_picture
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.timeline import FrameRange


class Window:
    """A clip's frames in a range, read one at a time: the FrameWindow that propagation takes. A context manager.

    `size` is the plan's (width, height); frames have the output's depth, or 8 bit when the source has no more.
    """

    def __init__(self, spec: JobSpec, plan: Plan, frames: FrameRange) -> None:
        if source_identity(spec.clip.paths) != plan.source:
            raise SourceChanged(spec.clip.name or spec.clip.paths[0])
        self.size = plan.size
        self.frames = frames
        self.reader = ClipReader(spec.clip)
        self._form = FORMATS[plan.format]

    def __enter__(self) -> Self:
        self.reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.__exit__(kind, error, trace)

    @property
    def deep(self) -> bool:
        """Whether frames have 16 bit a channel."""
        return self._form.deep and self.reader.deep

    def frame(self, n: int) -> Frame:
        """Frame n of the clip."""
        return self.fitted(self.reader.frame(n))

    def fitted(self, picture: Frame) -> Frame:
        """Any picture at the job's size and depth."""
        return fit_picture(picture, self.size).with_depth(self.deep)

    def part(self, frames: FrameRange) -> Window:
        """The same reader over other frames."""
        other = object.__new__(Window)
        other.__dict__.update(self.__dict__, frames=frames)
        return other
