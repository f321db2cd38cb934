"""A job as the engine on another computer is to read it: with that computer's paths, its files sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.references import NamedFile, clip_files, files_of, relocated
from restrip.looks.diffusion.checkpoints import hub
from restrip.remote.transfer import Courier, LaterError, NotThereError


def job_there(spec: JobSpec, courier: Courier) -> JobSpec:
    """The job with its paths there, and no places of this computer. Raises what `Courier.send` raises."""
    moved = relocated(spec, _sent(spec, courier))
    return replace(moved, output=replace(spec.output, folder="", otio="", sheet="", preview=False))


def travelling(spec: JobSpec, courier: Courier) -> list[dict[str, Any]]:
    """What of a job's files is sent to the other computer: {"role", "path", "files", "bytes"} each, a sequence as one.

    Of what it may have already, and of what isn't here, nothing is said. `courier` is one that only looks.
    """
    return [told(file, paths) for file, paths in together(spec) if paths and not _is_there(courier, file, paths)]


def told(file: NamedFile, paths: Sequence[str]) -> dict[str, Any]:
    """What `check` says of a file, or of a sequence or folder with these files."""
    sizes = (os.stat(path).st_size for path in paths)
    return {"role": file.role, "path": file.path, "files": len(paths), "bytes": sum(sizes)}


def _sent(spec: JobSpec, courier: Courier) -> dict[str, str]:
    """Where each file is there, by how the job names it."""
    places: dict[str, str] = {}
    for file, paths in together(spec):
        if file.role == "source":
            places.update(zip(paths, courier.send_all(paths), strict=True))
        else:
            send = courier.send_folder(file.path, paths) if file.is_folder else courier.send(file.path)
            places[file.named] = send
    return places


def together(spec: JobSpec) -> Iterator[tuple[NamedFile, tuple[str, ...]]]:
    """The files that go to another computer, the source's pictures together. A name of the hub means the same model
    everywhere.
    """
    clip = tuple(clip_files(spec))
    yield clip[0], tuple(file.path for file in clip)
    for file in files_of(spec)[len(clip) :]:
        if not file.named.startswith(hub.PREFIX):
            yield file, file.files


def _is_there(courier: Courier, file: NamedFile, paths: tuple[str, ...]) -> bool:
    try:
        if file.is_folder and file.role != "source":
            courier.send_folder(file.path, paths)
        else:
            courier.send_all(paths)
    except (NotThereError, LaterError):
        return False
    return True
