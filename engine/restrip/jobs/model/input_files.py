"""The files that a job was planned from, and whether they are still what they were.

plan            a stamp and a hash of the content of each input        {"source": Seen, "matte": Seen, "key 0": ...}
task, before    the same stamp, or the same content under another one: else SourceChanged
task, after     not written to meanwhile, and still the same content:  else SourceChanged, and nothing is kept
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from restrip.codec import as_row
from restrip.errors import RestripError
from restrip.media.content import Content, Stamp, content_of, stamp_of
from restrip.media.files import MediaMissing
from restrip.timeline import is_picture


class SourceChanged(RestripError):
    """A file that a job reads was changed while the job was being rendered."""

    code = "source-changed"

    def __init__(self, name: str, *, gone: bool = False) -> None:
        what = "deleted, renamed or its drive taken out" if gone else "changed"
        super().__init__(
            f"{name} was {what} while it was being rendered.",
            "Bring it back, then retry the job: what was finished is kept."
            if gone
            else "Retry the job when the file is written to no more.",
            name=name,
        )


@as_row
@dataclass(frozen=True)
class Seen:
    """An input as it was found: the text of its stamp, its content."""

    stamp: str
    content: Content


Inputs = Mapping[str, Sequence[str]]
"""Files by what they are to the job: see `references.files_of`."""


def look_at(inputs: Inputs) -> dict[str, Seen]:
    """What these inputs are now. Raises MediaMissing, MediaUnreadable."""
    return {role: _seen(role, paths) for role, paths in inputs.items()}


def copied(inputs: Inputs, planned: Mapping[str, Seen]) -> dict[str, Seen]:
    """The inputs of a plan as copies that lie elsewhere, with their own stamps; their times of change tell nothing.

    Raises SourceChanged when they are no copies.
    """
    found = look_at({role: paths for role, paths in inputs.items() if role in planned})
    for role, seen in found.items():
        if seen.content.sha256 != planned[role].content.sha256:
            raise SourceChanged(_name(role, inputs[role]))
    return found


class Watch:
    """Inputs of a task, watched from its beginning to its end. `planned` is what the plan saw; what it doesn't know
    isn't watched, such as a painted picture of a frame that is no key.

    Raises SourceChanged, MediaMissing, MediaUnreadable.
    """

    def __init__(self, inputs: Inputs, planned: Mapping[str, Seen]) -> None:
        self._inputs = {role: paths for role, paths in inputs.items() if role in planned}
        self._planned = planned
        self._began: dict[str, Stamp] = {}
        for role, paths in self._inputs.items():
            self._began[role] = stamp_of(paths)
            self._compare(role)

    def check(self) -> None:
        """Raise SourceChanged unless all that was read since the beginning is what was planned."""
        for role, paths in self._inputs.items():
            try:
                now = stamp_of(paths)
            except MediaMissing as error:
                raise SourceChanged(_name(role, paths), gone=True) from error
            if now.data != self._began[role].data:
                raise SourceChanged(_name(role, paths))
            if now != self._began[role]:
                self._compare(role)

    def _compare(self, role: str) -> None:
        planned, paths = self._planned[role], self._inputs[role]
        if stamp_of(paths).text != planned.stamp and _seen(role, paths).content != planned.content:
            raise SourceChanged(_name(role, paths))


def _seen(role: str, paths: Sequence[str]) -> Seen:
    # The stamp first: what is written after it doesn't pass for what was read.
    stamp = stamp_of(paths)
    return Seen(stamp.text, content_of(paths, whole=_whole(role, paths)))


def _whole(role: str, paths: Sequence[str]) -> bool:
    """Whether these are read whole whatever their size: pictures and models are, movies and sequences aren't."""
    if role == "source":
        return len(paths) == 1 and is_picture(paths[0])
    return is_picture(paths[0]) or role not in ("matte", "control_file") if paths else True


def _name(role: str, paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} or another file beside it"
