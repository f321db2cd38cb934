"""The files of a segment: one a rendition, or one for two that show the same.

left  ──► left.mp4                strokes kept whole: both keys' strips are the same pictures there,
right ──► right.mp4 = left.mp4    so they are encoded once, and the file gets its second name at the end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from restrip.jobs.outputs.finished_files import linked_copy
from restrip.media import MovieWriter
from restrip.media.background_writer import BackgroundWriter

TWINS = ("left", "right")


class Renditions:
    """Writers of the renditions `names`, opened by `opened` when the first frame comes. A context manager.

    Where the first frame is `alike`, so are all of them: they are `twins`, the right rendition is the left one's file.
    """

    def __init__(self, names: Sequence[str], opened: Callable[[str], MovieWriter]) -> None:
        self._names, self._opened = tuple(names), opened
        self._writers: dict[str, BackgroundWriter] = {}
        self._paths: dict[str, Path] = {}
        self.twins = False
        self._stack = ExitStack()

    def writers(self, alike: bool) -> Mapping[str, BackgroundWriter]:
        """The renditions that want the next frame, `alike`: left and right show the same in it and all others."""
        if not self._writers:
            self.twins = alike and set(TWINS) <= set(self._names)
            for name in self._names:
                if name != TWINS[1] or not self.twins:
                    writer = self._opened(name)
                    self._paths[name] = writer.path
                    self._writers[name] = self._stack.enter_context(BackgroundWriter(writer))
        elif self.twins and not alike:
            raise RuntimeError("both renditions were said to be alike in all frames of the segment")
        return self._writers

    def __enter__(self) -> Renditions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if error is None and self.twins:
            left = self._paths[TWINS[0]]
            second_name(left, left.with_name(TWINS[1] + left.suffix))


def second_name(written: Path, other: Path) -> None:
    """A movie, or a folder of pictures, under another name as well."""
    if not written.is_dir():
        linked_copy(written, other)
        return
    other.mkdir(mode=written.stat().st_mode & 0o777)
    for picture in written.iterdir():
        linked_copy(picture, other / picture.name)
