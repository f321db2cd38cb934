"""A job as the engine on another computer is to read it: with that computer's paths, its files sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.references import NamedFile, relocated
from restrip.jobs.travelling_files import together, told
from restrip.remote.transfer import LaterError, NotThereError, Transfer


def job_there(spec: JobSpec, transfer: Transfer) -> JobSpec:
    """The job with its paths there, and no places of this computer. Raises what `Transfer.send` raises."""
    moved = relocated(spec, _sent(spec, transfer))
    return replace(moved, output=replace(spec.output, folder="", otio="", sheet="", preview=False))


def travelling(spec: JobSpec, transfer: Transfer) -> list[dict[str, Any]]:
    """What of a job's files is sent to the other computer: {"role", "path", "files", "bytes"} each, a sequence as one.

    Of what it may have already, and of what isn't here, nothing is said. `transfer` is one that only looks.
    """
    return [told(file, paths) for file, paths in together(spec) if paths and not _is_there(transfer, file, paths)]


def _sent(spec: JobSpec, transfer: Transfer) -> dict[str, str]:
    """Where each file is there, by how the job names it."""
    places: dict[str, str] = {}
    for file, paths in together(spec):
        if file.role == "source":
            places.update(zip(paths, transfer.send_all(paths), strict=True))
        else:
            send = transfer.send_folder(file.path, paths) if file.is_folder else transfer.send(file.path)
            places[file.named] = send
    return places


def _is_there(transfer: Transfer, file: NamedFile, paths: tuple[str, ...]) -> bool:
    try:
        if file.is_folder and file.role != "source":
            transfer.send_folder(file.path, paths)
        else:
            transfer.send_all(paths)
    except (NotThereError, LaterError):
        return False
    return True
