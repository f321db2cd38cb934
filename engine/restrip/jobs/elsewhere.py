"""A job that another computer's engine does: what it names goes there, what it makes comes back.

turn   send ──► submit ──► status, status, ... ──► bring ──► strips, preview, timeline, manifest
       a turn ends after a few seconds, so that other jobs get theirs; the next goes on where it stopped
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.errors import Cancelled, RemoteError, RestripError
from restrip.jobs import files, outputs
from restrip.jobs.courier import Courier, Journal, LaterError, NotThereError
from restrip.jobs.prepare import output_folder
from restrip.jobs.preview import write_preview, write_sheet
from restrip.jobs.received import Received
from restrip.jobs.remote import Remote, RemoteClient, RemoteUnreachable, linked
from restrip.jobs.schema import job_settings
from restrip.jobs.tasks import Assignment, read_own
from restrip.link.client import EngineUnreachable
from restrip.link.job import JobSpec, Manifest, clip_from_json
from restrip.link.status import JobStatus
from restrip.looks.settings import family_of
from restrip.media.files import written
from restrip.timeline import ClipRange
from restrip.timeline.otio import write_timeline

TURN_S = 4.0
LOOK_S = 0.3


class NotLinked(RestripError):
    """A job for an engine elsewhere, and no such engine is known any more."""

    code = "not-linked"

    def __init__(self) -> None:
        super().__init__(
            "This job was for an engine on another computer, and the link is off.",
            "Link again (restrip link HOST --key KEY), or hand the job in again to render it here.",
        )


def go_elsewhere(task: Assignment) -> dict[str, Any]:
    """One turn of a job: {"again": True}, or its result when it is done there and everything is here.

    Raises what it failed with there (RemoteError), RemoteUnreachable, NotLinked, Cancelled, MediaMissing, DiskFull,
    OutputExists, OutputUnwritable.
    """
    remote = linked(task.state_dir)
    if remote is None:
        raise NotLinked
    journal = Journal.load(task.folder / "journey.json")
    try:
        with RemoteClient(remote) as client:
            courier = Courier(client, journal, remote.shared_folders, task.report, time.monotonic() + TURN_S)
            journey = _Journey(task, client, courier)
            try:
                return journey.go()
            except Cancelled:
                journey.call_back()
                raise
    except LaterError:
        return {"again": True}
    except EngineUnreachable as error:
        raise RemoteUnreachable(remote.host) from error


def call_back(task: Assignment) -> dict[str, Any]:
    """Cancel a job there that was cancelled here between two turns."""
    remote = linked(task.state_dir)
    journal = Journal.load(task.state_dir / "jobs" / task.body["job_id"] / "journey.json")
    if remote is not None and journal.job:
        with suppress(RestripError), RemoteClient(remote) as client:
            client.cancel(journal.job)
    return {}


def ask_elsewhere(task: Assignment) -> dict[str, Any]:
    """A question that the engine elsewhere answers: {"type", "body"} of the request."""
    remote = linked(task.state_dir)
    if remote is None:
        raise NotLinked
    try:
        with RemoteClient(remote) as client:
            if task.body["type"] == "check":
                return _check(task, client, remote)
            reply = client.request(task.body["type"], task.body["body"], timeout_s=600)
    except EngineUnreachable as error:
        raise RemoteUnreachable(remote.host) from error
    return {name: value for name, value in reply.items() if name != "ok"}


def _check(task: Assignment, client: RemoteClient, remote: Remote) -> dict[str, Any]:
    """What the job would take there. Before its files are there that can't be said, and nothing is sent for it."""
    spec = JobSpec.from_json(task.body["body"]["job"])
    nowhere = Journal(task.state_dir / "journey.json")
    look = Courier(client, nowhere, remote.shared_folders, task.report, time.monotonic() + TURN_S, look_only=True)
    try:
        answer = client.check(job_there(spec, look))
    except NotThereError:
        count = max(1, len(spec.keys))
        known = {"keys": count, "segments": count + 1, "frames": spec.clip.length, "format": spec.output.format}
        unknown: dict[str, Any] = dict.fromkeys(("needs_mib", "disk_mib", "free_mib", "estimate_s"))
        warning = f"What the job takes is known when its files are on {remote.host}: they are sent first."
        cached = {"keys_cached": 0, "segments_cached": 0, "size": [0, 0]}
        return {**known, **cached, **unknown, "fits": True, "warnings": [warning], "fixes": []}
    return {name: value for name, value in answer.items() if name != "ok"}


def job_there(spec: JobSpec, courier: Courier) -> JobSpec:
    """The job as the engine there is to read it: with its paths, and no places of this computer."""
    look, settings = _look_there(spec.look, spec.settings, courier)
    return replace(
        spec,
        clip=_clip_there(spec.clip, courier),
        keys=tuple(replace(key, image=courier.send(key.image)) if key.image else key for key in spec.keys),
        look=look,
        settings=settings,
        matte=courier.send(spec.matte) if spec.matte else "",
        output=replace(spec.output, folder="", otio="", sheet="", preview=False),
    )


def _clip_there(clip: ClipRange, courier: Courier) -> ClipRange:
    return replace(clip, paths=tuple(courier.send_all(clip.paths)))


def _look_there(name: str, settings: Mapping[str, Any], courier: Courier) -> tuple[str, dict[str, Any]]:
    """A file or folder that is here is sent; a name that isn't is one of the other computer's own."""
    family, argument = family_of(name)
    if family.argument != "number" and Path(argument).exists():
        name = f"{family.prefix}:{courier.send(argument)}"
    paths = {setting.key for setting in job_settings() if setting.kind == "path"}
    return name, {
        key: courier.send(value) if key in paths and value and Path(value).exists() else value
        for key, value in settings.items()
    }


class _Journey:
    """One turn of one job."""

    def __init__(self, task: Assignment, client: RemoteClient, courier: Courier) -> None:
        self.task, self.client, self.courier, self.journal = task, client, courier, courier.journal
        body = read_own(task.folder / "job.json")
        self.body = body
        self.render = body.get("kind", "render") == "render"

    def go(self) -> dict[str, Any]:
        """As far as this turn's time reaches. Raises LaterError."""
        if not self.journal.job:
            self._check_outputs()
            self.journal.job = self._submit()
            self.journal.save()
        elif self.journal.again:
            self.client.retry(self.journal.job)
            self.journal.again = False
            self.journal.save()
        self._wait()
        return self._manifest() if self.render else self._seeds()

    def call_back(self) -> None:
        """Cancel it there; an engine that is gone is left alone."""
        if self.journal.job:
            with suppress(RestripError):
                self.client.cancel(self.journal.job)

    def _check_outputs(self) -> None:
        if self.render:
            spec = JobSpec.from_json(self.body)
            targets = [Path(path) for path in (spec.output.otio, spec.output.sheet) if path]
            outputs.check_place(self.task.state_dir, output_folder(self.task, spec), targets)

    def _submit(self) -> str:
        if self.render:
            spec = job_there(JobSpec.from_json(self.body), self.courier)
            self.client.submit(spec)
            return spec.job_id
        clip = _clip_there(clip_from_json(self.body["source"]), self.courier)
        look = self.body["look"]
        name, settings = _look_there(look["name"], look.get("settings", {}), self.courier)
        frame, count, prompt = int(self.body["frame"]), int(self.body["n"]), self.body.get("prompt")
        return self.client.ask_seeds(clip, frame, look=name, settings=settings, count=count, prompt=prompt)

    def _wait(self) -> None:
        """Until it is done there. Raises LaterError, RemoteError."""
        while True:
            status = self.client.status(self.journal.job)
            if status.state == "done":
                return
            self._answer(status)
            self.task.report(
                status.phase or "waiting", status.done, status.total, note=status.note, segment=status.segment
            )
            if time.monotonic() > self.courier.until:
                raise LaterError
            time.sleep(LOOK_S)

    def _answer(self, status: JobStatus) -> None:
        """What a state there that needs something asks for."""
        if status.state in ("interrupted", "paused", "cancelled"):
            self.client.resume(self.journal.job)
        elif status.state == "unknown":
            # It was discarded there, or its disk is another: from the beginning.
            self.journal.job, self.journal.there = "", {}
            self.journal.save()
            raise LaterError
        elif status.state == "failed":
            self.journal.again = True
            self.journal.save()
            raise RemoteError(status.error or {"code": "not-done", "message": "The job failed on the other computer."})

    def _bring(self) -> dict[str, Path]:
        """All files of the result, on the shelf: by their paths there."""
        shelf = Received(self.task.state_dir)
        brought: dict[str, Path] = {}
        while True:
            asked = {"job_id": self.journal.job, "skip": len(brought)}
            reply = self.client.request("results", asked, timeout_s=600)
            for file in reply["files"]:
                brought[file["path"]] = self.courier.bring(self.journal.job, file, shelf)
            if not reply["more"]:
                return brought

    def _seeds(self) -> dict[str, Any]:
        result, brought = self.client.status(self.journal.job).result or {}, self._bring()
        folder = self.task.folder / "result"
        folder.mkdir(exist_ok=True)

        def here(path: str) -> str:
            return str(_put(brought[path], folder / brought[path].name))

        pictures = [{**picture, "file": here(picture["file"])} for picture in result["pictures"]]
        return {**result, "sheet": here(result["sheet"]), "pictures": pictures}

    def _manifest(self) -> dict[str, Any]:
        """Put everything in place, write what is made here, the manifest last. Returns its path and sha256."""
        spec = JobSpec.from_json(self.body)
        folder = output_folder(self.task, spec)
        brought = self._bring()
        arrived = next(here for path, here in brought.items() if _name(path) == "manifest.json")
        there = Manifest.from_json(files.read_json(arrived) or {})
        put = _Placing(there, brought, folder, self.task.folder / "keys")
        extras = _extras(spec, folder)
        resolved = str(outputs.try_folder(folder))
        delivery = outputs.Delivery(self.task.state_dir, folder, resolved)
        target = folder / "manifest.json"
        delivery.expect([*put.targets, *extras.values(), target])
        manifest = replace(
            put.manifest(),
            clip=spec.clip,
            preview=str(extras.get("preview", "")),
            otio=str(extras.get("otio", "")),
            sheet=str(extras.get("sheet", "")),
        )
        writers: dict[str, Callable[[Manifest, Path], None]] = {
            "preview": lambda made, path: write_preview(spec, made, path, self.task.report),
            "otio": write_timeline,
            "sheet": lambda made, path: write_sheet(spec, made, path),
        }
        for name, path in extras.items():
            writers[name](manifest, path)
        body = manifest.to_json()
        files.write_json(target, body, mode=0o644)
        everything = [*put.targets, *extras.values(), target]
        delivery.delivered({path: outputs.tree_sha256(path) for path in everything})
        own = self.task.folder / "manifest.json"
        files.write_json(own, body)
        # It is here: nobody there is to be offered it, and its parts may go when room is needed.
        self.client.placed(self.journal.job, self.client.client)
        return {"manifest": str(target), "sha256": files.file_sha256(own)}


class _Placing:
    """Where the files of a manifest from there go here."""

    def __init__(self, there: Manifest, brought: Mapping[str, Path], folder: Path, keys: Path) -> None:
        self._there, self._brought, self._keys = there, brought, keys
        self._folder = folder
        wanted = [strip.file for strip in there.strips] + ([there.baked] if there.baked else [])
        self._targets = {path: folder / _name(path) for path in wanted}

    @property
    def targets(self) -> list[Path]:
        """What is about to be put into the folder."""
        return list(self._targets.values())

    def manifest(self) -> Manifest:
        """Put the files in place; the manifest with the paths here."""
        for path, target in self._targets.items():
            self._place(path, target)
        self._keys.mkdir(exist_ok=True)
        keys = []
        for index, key in enumerate(self._there.keys):
            picture = self._keys / f"key-{index:03d}.png"
            if key.picture:
                _put(self._brought[key.picture], picture)
            keys.append(replace(key, picture=str(picture) if key.picture else ""))
        strips = tuple(replace(strip, file=str(self._targets[strip.file])) for strip in self._there.strips)
        baked = str(self._targets[self._there.baked]) if self._there.baked else ""
        return replace(self._there, keys=tuple(keys), strips=strips, baked=baked)

    def _place(self, path: str, target: Path) -> None:
        """A file; or a folder of pictures, of which all files were brought."""
        if path in self._brought:
            _put(self._brought[path], target)
            return
        files.remove(target)
        target.mkdir()
        for inner, here in self._brought.items():
            if inner.startswith((f"{path}/", f"{path}\\")):
                _put(here, target / here.name)


def _extras(spec: JobSpec, folder: Path) -> dict[str, Path]:
    """What is written on this computer, from the strips."""
    asked = {"preview": str(folder / "preview.mp4") if spec.output.preview else ""}
    asked |= {"otio": spec.output.otio, "sheet": spec.output.sheet}
    return {name: Path(path) for name, path in asked.items() if path}


def _put(source: Path, target: Path) -> Path:
    """A copy, in place when it is whole: what is on the shelf stays there for the next job."""
    with written(target) as aside:
        shutil.copyfile(source, aside)
    return target


def _name(path: str) -> str:
    """The last part of a path of either system."""
    return path.replace("\\", "/").rpartition("/")[2]
