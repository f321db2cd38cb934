"""From a clip and the settings to a job."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restrip.client.draft import in_full
from restrip.client.ids import folder_name, new_job_id
from restrip.client.job import JobSpec, Output
from restrip.storage.typed_paths import typed_path
from restrip.timeline import Key, keys_from_markers
from restrip_resolve import ledger
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.keys import keys_of
from restrip_resolve.clips.source import Source, from_render, source_of
from restrip_resolve.engine import Engine
from restrip_resolve.ledger import Record
from restrip_resolve.session import Session, can_dissolve
from restrip_resolve.settings import Choices, check_format, engine_settings, with_look_file

TIMELINE = "timeline.otio"


@dataclass(frozen=True)
class Job:
    """A job ready to be handed in, its record, and what the user should know."""

    spec: JobSpec
    record: Record
    notes: tuple[str, ...]


def results_folder(choices: Choices) -> Path:
    """Where results go: the settings' folder, else Restrip in the user's videos folder."""
    if choices.folder:
        return typed_path(choices.folder)
    home = Path.home()
    videos = next((home / name for name in ("Movies", "Videos") if (home / name).is_dir()), home)
    return videos / "Restrip"


def job_of(session: Session, engine: Engine, clip: SourceClip, choices: Choices, rendered: str = "") -> Job:
    """The job for a clip's used range; `rendered` is an earlier render of it that is used again.

    Raises what reading the clip, rendering it and the settings raise.
    """
    schema = engine.settings()
    choices = with_look_file(choices, engine)
    settings = engine_settings(choices, schema.for_look(choices.look))
    check_format(choices, schema.formats)
    folder = results_folder(choices)
    if rendered and Path(rendered).is_file():
        source = from_render(session, clip, Path(rendered))
    else:
        source = source_of(session, engine, clip, choices.with_grade, folder)
    notes = list(source.notes)
    keys: tuple[Key, ...] = ()
    if choices.mode == "keys":
        keys, said = keys_from_markers(keys_of(session, clip, choices.key_colour), len(clip.used), clip.first_used)
        notes += said
    job_id = new_job_id()
    results = folder / f"{folder_name(clip.name)} {job_id}"
    spec = JobSpec(
        job_id=job_id,
        clip=source.clip,
        keys=keys,
        look=choices.look,
        settings=settings,
        output=Output(
            folder=str(results),
            format=choices.format,
            fade=int(choices.fade) if choices.fade.isdigit() else choices.fade,
            baked=_wants_baked(clip, choices),
            long_side=choices.long_side,
            draft=choices.draft,
            otio=str(results / TIMELINE),  # For where placing by script doesn't work.
        ),
        matte=str(typed_path(choices.matte)) if choices.matte else "",
        mode=choices.mode,
        step=choices.step,
        project=session.key,
    )
    return Job(spec, _record(session, clip, spec, source), tuple(notes))


def full_of(record: Record) -> Job:
    """The job of a record in full: what was asked for is the draft's, whatever the settings and markers are now."""
    spec = in_full(JobSpec.from_json(record.spec), new_job_id())
    results = Path(spec.output.folder).parent / f"{folder_name(record.name)} {spec.job_id}"
    spec = replace(spec, output=replace(spec.output, folder=str(results), otio=str(results / TIMELINE)))
    changed = replace(record, job_id=spec.job_id, spec=spec.to_json(), order=time.time_ns(), files=())
    return Job(spec, changed, ())


def unchanged(job: Job, before: Record) -> bool:
    """Whether a job asks for exactly what an earlier one asked for, ids and folders aside."""
    return _essence(job.spec.to_json()) == _essence(before.spec)


def hand_in(engine: Engine, job: Job) -> None:
    """Submit the job and remember which clip it belongs to. Raises what the engine says of it."""
    engine.submit(job.spec)
    ledger.remember(job.record)


def _wants_baked(clip: SourceClip, choices: Choices) -> bool:
    """One blended movie is what editions without transitions by script show best; `every` has it in any case."""
    if choices.mode == "every" or choices.seams == "baked":
        return True
    return choices.seams == "auto" and not can_dissolve(clip.item)


def _record(session: Session, clip: SourceClip, spec: JobSpec, source: Source) -> Record:
    return Record(
        job_id=spec.job_id,
        project=session.key,
        item=clip.uid,
        name=clip.name,
        track=clip.track,
        anchor=clip.start - clip.left,
        offset=clip.left + clip.used.first,
        spec=spec.to_json(),
        rendered=source.rendered,
        order=time.time_ns(),
    )


def _essence(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if name != "job_id"}
    kept["output"] = {**kept.get("output", {}), "folder": "", "otio": ""}
    return kept
