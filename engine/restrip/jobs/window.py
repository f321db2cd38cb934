"""The frames of a part as the job renders them: at the job's size and depth, the matte beside them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from restrip.jobs.identity import SourceChanged, source_identity
from restrip.jobs.plan import Plan
from restrip.jobs.source import open_source
from restrip.link.job import JobSpec
from restrip.media import fit_picture
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.timeline import FrameRange


class Window:
    """A clip's frames in a range, read one at a time: the FrameWindow that propagation takes. A context manager.

    `size` is the plan's (width, height). Frames have 16 bit a channel when the source and the output have more than
    8, or `for_keys` when the source has: a key's picture serves every format.
    """

    def __init__(self, spec: JobSpec, plan: Plan, frames: FrameRange, *, for_keys: bool = False) -> None:
        self._spec, self._plan = spec, plan
        self._check_source()
        self.size = plan.size
        self.frames = frames
        self.reader = open_source(spec)
        self.deep = self.reader.deep and (for_keys or FORMATS[plan.format].deep)

    def __enter__(self) -> Self:
        self.reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.__exit__(kind, error, trace)
        if kind is None:
            self._check_source()  # What was read is what was planned, also when a path was swapped in between.

    def _check_source(self) -> None:
        """Raise SourceChanged when the media isn't the one that the job was planned for."""
        clip = self._spec.clip
        if source_identity(clip.paths) != self._plan.source:
            raise SourceChanged(clip.name or clip.paths[0])

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
