"""A job as the engine on another computer is to read it: with that computer's paths, its files sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.jobs.courier import Courier, LaterError, NotThereError
from restrip.jobs.references import NamedFile, clip_files, files_of, relocated
from restrip.link.job import JobSpec
from restrip.looks.diffusion import hub


def job_there(spec: JobSpec, courier: Courier) -> JobSpec:
    """The job with its paths there, and no places of this computer. Raises what `Courier.send` raises."""
    moved = relocated(spec, _sent(spec, courier))
    return replace(moved, output=replace(spec.output, folder="", otio="", sheet="", preview=False))


def travelling(spec: JobSpec, courier: Courier) -> list[dict[str, Any]]:
    """What of a job's files is sent to the other computer: {"role", "path", "files", "bytes"} each, a sequence as one.

    Of what it may have already, and of what isn't here, nothing is said. `courier` is one that only looks.
    """
    return [_told(paths, file) for file, paths in _together(spec) if paths and not _is_there(courier, file, paths)]


def in_words(travelling: list[dict[str, Any]], host: str) -> str:
    """The same as a sentence; "" when nothing is sent."""
    if not travelling:
        return ""
    named = [f"{Path(file['path']).name} ({_size(file['bytes'])})" for file in travelling]
    few = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
    return f"These files are sent to {host}: {few}."


def _sent(spec: JobSpec, courier: Courier) -> dict[str, str]:
    """Where each file is there, by how the job names it."""
    places: dict[str, str] = {}
    for file, paths in _together(spec):
        if file.role == "source":
            places.update(zip(paths, courier.send_all(paths), strict=True))
        else:
            send = courier.send_folder(file.path, paths) if file.is_folder else courier.send(file.path)
            places[file.named] = send
    return places


def _together(spec: JobSpec) -> Iterator[tuple[NamedFile, tuple[str, ...]]]:
    """The files that go there, the source's pictures together. A name of the hub means the same model everywhere."""
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


def _told(paths: tuple[str, ...], file: NamedFile) -> dict[str, Any]:
    size = sum(Path(path).stat().st_size for path in paths)
    return {"role": file.role, "path": file.path, "files": len(paths), "bytes": size}


def _size(count: int) -> str:
    mib = count / 2**20
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB" if mib >= 0.1 else f"{max(1, count >> 10)} KiB"
