"""The frames of a segment task as the job renders them: at the job's size and depth, the matte beside them."""

from __future__ import annotations

from copy import copy
from threading import Lock
from types import TracebackType
from typing import Self

from restrip.errors import Cancelled
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import Watch
from restrip.jobs.model.plan import Plan
from restrip.jobs.read_ahead import ReadAhead
from restrip.jobs.references import clip_files, files_of, inputs_of, matte_files
from restrip.jobs.source import open_source
from restrip.media import fit_picture
from restrip.media.formats import FORMATS
from restrip.media.frame import Frame
from restrip.media.frame_colours import FrameColours
from restrip.media.light import SceneLight
from restrip.media.movies.decoded_frame import DecodedFrame
from restrip.timeline import FrameRange

LIGHTS_KEPT = 6
FRAMES_KEPT = 6
"""Newest frames that are kept where a matte lets them show: they were read a few frames before they are written."""
KEPT_BYTES = 1 << 27
"""Of a draft's frames, the newest of which are kept for the next walk over them."""
SMALL_BYTES, SMALL_FRAMES = 1 << 26, 16
"""The same of any job's, where they are so small that so many of them fit: not of large ones, most would go unread."""


class Window:
    """A clip's frames in a range, read one at a time: the FrameWindow that propagation takes. A context manager.

    Any thread may read.

    `size` is the plan's (width, height), `for_keys` that of the frames that keys are made from. Frames have 16 bit a
    channel when the source and the output have more than 8, or `for_keys` when the source has: a key's picture serves
    every format. The files that are read are watched: the source and the matte, `for_keys` all that the job names.
    `as_decoded` is for a GPU that makes R'G'B' itself: frames may be DecodedFrames. Those of a draft are made small
    before they are R'G'B'.
    Raises SourceChanged.
    """

    def __init__(
        self, spec: Job, plan: Plan, frames: FrameRange, *, for_keys: bool = False, as_decoded: bool = False
    ) -> None:
        self._spec, self._plan = spec, plan
        named = files_of(spec) if for_keys else (*clip_files(spec), *matte_files(spec))
        self._watch = Watch(inputs_of(named), plan.inputs)
        self.size = plan.key_size if for_keys else plan.size
        self.frames = frames
        # Small frames are kept: reading a draft's anew would take as long as the walk over them.
        again = (plan.draft or bool(spec.matte) or self._small(as_decoded)) and not for_keys
        self._kept: dict[int, Frame] | None = {} if again else None
        self.reader = open_source(spec, as_decoded or (plan.draft and not for_keys))
        self._lock, self._reading = Lock(), Lock()
        self._lights: dict[int, tuple[SceneLight, Frame]] = {}
        self.deep = self.reader.deep and (for_keys or FORMATS[plan.format].deep)
        self._ahead = ReadAhead(self._read)

    def __enter__(self) -> Self:
        self.reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.close()
        self.reader.__exit__(kind, error, trace)
        if kind is None or (isinstance(error, Exception) and not isinstance(error, Cancelled)):
            self.check()  # What was read is what was planned, also when a path was swapped in between.

    def check(self) -> None:
        """Before anything is kept: raise SourceChanged when a file that was read isn't what the job was planned for."""
        self._watch.check()

    @property
    def colours(self) -> FrameColours:
        """The frames': what pictures that are laid over them are converted to."""
        return FrameColours("", True) if self._plan.highlights else FrameColours(self.reader.info.colour.primaries)

    def frame(self, n: int) -> Frame:
        """Frame n of the clip; where highlights are kept, what a look sees of it. The next one of `frames` is read
        meanwhile when they are gone through in order.
        """
        with self._reading:
            if self._kept is None:
                return self._ahead.frame(n, self.frames)
            if n not in self._kept:
                picture = self._ahead.frame(n, self.frames)
                while self._kept and self._full(picture):
                    del self._kept[next(iter(self._kept))]
                self._kept[n] = picture
            return self._kept[n]

    def _small(self, as_decoded: bool) -> bool:
        """Are many frames kept of a job that is no draft? Not for a GPU, nor where their light is asked for too."""
        width, height = self.size
        here = not as_decoded and not self._plan.highlights
        return here and SMALL_FRAMES * 3 * width * height <= SMALL_BYTES

    def _full(self, picture: Frame) -> bool:
        """Are as many frames like this one kept as may be?"""
        assert self._kept is not None
        width, height = picture.size
        after = (len(self._kept) + 1) * 3 * width * height * (1 + picture.deep)
        if self._plan.draft:
            return after > KEPT_BYTES
        return len(self._kept) >= FRAMES_KEPT and (after > SMALL_BYTES or not self._small(False))

    def restored(self, n: int, styled: Frame) -> SceneLight:
        """What was made of frame n with the clip's highlights, in the clip's primaries."""
        with self._lock:
            found = self._lights.get(n)
        if found is None:
            with self._reading:
                self._ahead.settle()  # One reader, one thread.
                self._read(n)
                found = self._lights[n]
        return self.reader.coding.back(found[0], found[1], styled)

    def _read(self, n: int) -> Frame:
        """Frame n; where highlights are kept its light is, too, for a while."""
        if not self._plan.highlights:
            return self.fitted(self.reader.frame(n))
        light = self.reader.light(n).fitted(self.size)
        proxy = self.fitted(self.reader.coding.proxy(light))
        with self._lock:
            self._lights[n] = light, proxy
            while len(self._lights) > LIGHTS_KEPT:
                self._lights.pop(next(iter(self._lights)))
        return proxy

    def fitted(self, picture: Frame) -> Frame:
        """Any picture at the job's size and depth."""
        if self._plan.draft and isinstance(picture, DecodedFrame):
            picture = picture.shrunk(self.size)
        return fit_picture(picture, self.size).with_depth(self.deep)

    def within(self, frames: FrameRange) -> Window:
        """The same reader over other frames."""
        other = copy(self)
        other.frames = frames
        return other
