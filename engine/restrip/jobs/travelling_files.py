"""The files of a job that go to another computer, and what is said of them before they do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.references import NamedFile, clip_files, files_of
from restrip.looks.diffusion.checkpoints import hub


def together(spec: JobSpec) -> Iterator[tuple[NamedFile, tuple[str, ...]]]:
    """The files that go to another computer, the source's pictures together. A name of the hub means the same model
    everywhere.
    """
    clip = tuple(clip_files(spec))
    yield clip[0], tuple(file.path for file in clip)
    for file in files_of(spec)[len(clip) :]:
        if not file.named.startswith(hub.PREFIX):
            yield file, file.files


def told(file: NamedFile, paths: Sequence[str]) -> dict[str, Any]:
    """What `check` says of a file, or of a sequence or folder with these files."""
    sizes = (os.stat(path).st_size for path in paths)
    return {"role": file.role, "path": file.path, "files": len(paths), "bytes": sum(sizes)}
