"""The kinds of jobs that another engine does: how each is submitted there, and what is made here of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from restrip.client import draft
from restrip.client.job import JobSpec, Manifest, clip_from_json
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.outputs import delivery as outputs
from restrip.jobs.outputs.finished_files import put
from restrip.jobs.outputs.preview import sheet_of, write_preview, write_sheet
from restrip.jobs.references import spec_in, with_files_of
from restrip.jobs.source import open_source
from restrip.jobs.tasks.prepare import highlights_of, output_folder
from restrip.jobs.tasks.registry import Assignment, read_own
from restrip.remote.localize import Localizer, last_name
from restrip.remote.path_mapping import job_there
from restrip.remote.transfer import Transfer
from restrip.storage import json_files
from restrip.timeline import Key
from restrip.timeline.otio import write_timeline

Brought = Mapping[str, Path]
"""Fetched files of a result by their remote paths."""


class RemoteJob(Protocol):
    """One job's."""

    @property
    def spec(self) -> JobSpec:
        """The files that it names."""

    def submit(self, transfer: Transfer) -> str:
        """Send what it needs and hand it in; its id there. Raises LaterError, and what rules its outputs out."""

    def arrive(self, transfer: Transfer, brought: Brought) -> dict[str, Any]:
        """Put everything in place, now that it is here; the job's result."""


def remote_job_of(task: Assignment) -> RemoteJob:
    """What the job of this task asks for. Raises JobDamaged, BadJob."""
    body = read_own(task.folder / "job.json")
    if body.get("kind", "render") == "render":
        return RemoteRender(task, Job.of(JobSpec.from_json(body)))
    return RemoteSeeds(task, body)


@dataclass(frozen=True)
class RemoteRender:
    """A render: strips come back, and what is seen here is made here."""

    task: Assignment
    spec: Job

    def submit(self, transfer: Transfer) -> str:
        """Check the places of this computer, then hand it in under its own id."""
        output = self.spec.output
        targets = [Path(path) for path in (output.otio, output.sheet) if path]
        outputs.check_place(self.task.state_dir, output_folder(self.task, self.spec), targets)
        transfer.client.submit(job_there(self.spec, transfer))
        return self.spec.job_id

    def arrive(self, transfer: Transfer, brought: Brought) -> dict[str, Any]:
        """Put the strips in place, write what is made here, the manifest last. Returns its path and sha256."""
        folder = output_folder(self.task, self.spec)
        arrived = next(here for path, here in brought.items() if last_name(path) == "manifest.json")
        there = Manifest.from_json(json_files.read_json(arrived) or {})
        placing = Localizer(there, brought, folder, self.task.folder / "keys")
        extras, target = self._extras(folder), folder / "manifest.json"
        delivery = outputs.Delivery(self.task.state_dir, folder, str(outputs.try_folder(folder)))
        everything = [*placing.targets, *extras.values(), target]
        delivery.expect(everything)
        named: dict[str, Any] = {name: str(extras.get(name, "")) for name in ("preview", "otio", "sheet")}
        manifest = replace(self._as_asked(placing.manifest(delivery)), **named)
        self._write(extras, manifest, delivery)
        body = manifest.to_json()
        delivery.put(target, lambda path: json_files.write_json(path, body, mode=0o644))
        delivery.delivered()
        own = self.task.folder / "manifest.json"
        json_files.write_json(own, body)
        # The result is here: the other engine need not offer it again, and may delete its files when room is needed.
        transfer.client.placed(transfer.journal.job, transfer.client.client)
        return {"manifest": str(target), "sha256": json_files.file_sha256(own)}

    def _as_asked(self, made: Manifest) -> Manifest:
        """The manifest with the files of this computer where the other one's were named."""

        def of(key: Key, name: str) -> Any:
            """What was asked for on the key's frame: of several keys the first that says it."""
            said = getattr(key, name)
            asked = (getattr(given, name) for given in self.spec.keys if given.frame == key.frame)
            return said and next(filter(None, asked), said)

        keys = tuple(
            replace(made_key, key=replace(key, image=of(key, "image"), prompt=of(key, "prompt")))
            for made_key in made.keys
            for key in (made_key.key,)
        )
        settings = {name: self.spec.settings.get(name, value) for name, value in made.settings.items()}
        facts = dict(made.facts)
        if draft.is_draft(made):
            facts |= draft.facts_of(self.spec, draft.full_size(made))
        return replace(made, clip=self.spec.clip, look=self.spec.look, settings=settings, keys=keys, facts=facts)

    def _extras(self, folder: Path) -> dict[str, Path]:
        """What is written on this computer, from the strips."""
        output = self.spec.output
        asked = {"preview": str(folder / "preview.mp4") if output.preview else ""}
        asked |= {"otio": output.otio, "sheet": output.sheet}
        return {name: Path(path) for name, path in asked.items() if path}

    def _write(self, extras: Mapping[str, Path], manifest: Manifest, delivery: outputs.Delivery) -> None:
        sheet, beyond = sheet_of(manifest), False
        if {"preview", "sheet"} & extras.keys():
            with open_source(self.spec) as media:
                beyond = highlights_of(self.task, self.spec, media)
        writers: dict[str, Callable[[Path], None]] = {
            "preview": lambda path: write_preview(self.spec, manifest, path, self.task.report, sheet, beyond=beyond),
            "otio": lambda path: write_timeline(manifest, path),
            "sheet": lambda path: write_sheet(self.spec, manifest, path, sheet, beyond=beyond),
        }
        for name, path in extras.items():
            delivery.put(path, writers[name])


@dataclass(frozen=True)
class RemoteSeeds:
    """A sheet of seeds. `body` is the job as it was asked for."""

    task: Assignment
    body: Mapping[str, Any]

    @property
    def spec(self) -> JobSpec:
        """The frame's clip and the look."""
        return spec_in(self.body)

    def submit(self, transfer: Transfer) -> str:
        """Hand it in; the engine there names it."""
        there = with_files_of(self.body, job_there(self.spec, transfer))
        look, frame, count = there["look"], int(there["frame"]), int(there["n"])
        clip, settings, prompt = clip_from_json(there["source"]), look.get("settings", {}), there.get("prompt")
        return transfer.client.ask_seeds(clip, frame, look=look["name"], settings=settings, count=count, prompt=prompt)

    def arrive(self, transfer: Transfer, brought: Brought) -> dict[str, Any]:
        """Put the sheet and its pictures in the job's folder; the result with the paths here."""
        result = transfer.client.status(transfer.journal.job).result or {}
        folder = self.task.folder / "result"
        folder.mkdir(exist_ok=True)

        def here(path: str) -> str:
            return str(put(brought[path], folder / brought[path].name))

        pictures = [{**picture, "file": here(picture["file"])} for picture in result["pictures"]]
        return {**result, "sheet": here(result["sheet"]), "source": here(result["source"]), "pictures": pictures}
