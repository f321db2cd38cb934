"""The first task of a job: look at the media, find its cuts, open the look, make the plan, see what is cached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.cache import Cache, Entry
from restrip.jobs.encoder_choice import encoder_of
from restrip.jobs.highlights import goes_beyond_white, notes_of
from restrip.jobs.model.cache_keys import Known, reading
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import Seen, Watch, look_at
from restrip.jobs.model.plan import Plan
from restrip.jobs.model.planner import make_plan, size_within
from restrip.jobs.model.store import read_record
from restrip.jobs.outputs.delivery import baked_name, check_place, strip_name
from restrip.jobs.outputs.model_facts import licence_notes, model_facts
from restrip.jobs.references import files_of, inputs_of, look_files
from restrip.jobs.resources.disk import GUEST_SPARE_MIB, SPARE_MIB, check_room, room_of
from restrip.jobs.resources.memory import needs_of
from restrip.jobs.source import open_source
from restrip.jobs.tasks.compare_keys import compare_keys
from restrip.jobs.tasks.registry import Assignment, Progressed, WorkerMemory, read_own
from restrip.looks import Look
from restrip.media import ClipReader
from restrip.media.content import stamp_of
from restrip.media.cuts import find_cuts
from restrip.media.formats import FORMATS
from restrip.storage import json_files

CUTS_STAGE = 1


def prepare(task: Assignment) -> dict[str, Any]:
    """Plan the job and save the plan. Returns the keys and segment tasks that aren't cached, and each task's frames."""
    spec = job_spec(task.folder)
    plan, look = plan_job(task, spec)
    place = _check_outputs(task, spec, plan)
    json_files.write_json(task.folder / "plan.json", {"plan": plan.to_json(), "folder": str(place)})
    missing_keys, missing_segments = missing(task.cache, plan)
    room = room_of(plan, missing_segments, baked=spec.output.baked, preview=spec.output.preview)
    record = read_record(task.folder)
    spare_mib = GUEST_SPARE_MIB if record is not None and record.guest else SPARE_MIB
    check_room(task.state_dir, place, room, plan, spare_mib=spare_mib)
    return {
        "missing_keys": missing_keys,
        "missing_parts": missing_segments,
        "part_frames": [len(segment_task.frames) for segment_task in plan.segment_tasks],
        "size": list(plan.size),
        "draft": plan.draft,
        "needs": needs_of(spec.look, look.estimate(plan.key_size), plan.size),
    }


def plan_job(task: Assignment, spec: Job) -> tuple[Plan, Look]:
    """Everything that has to be opened is opened here, so that bad input is known before work starts."""
    task.report("reading", 0, spec.clip.length)
    named = inputs_of(files_of(spec))
    inputs = look_at(named)
    with open_source(spec) as media:
        beyond = highlights_of(task, spec, media)
        cuts = spec.cuts if spec.cuts is not None else _cuts(task, spec, media, inputs["source"])
    look = look_of(task.shop, spec, size_within(media.size, spec.output.long_side), task.report)
    known = replace(known_of(look, media, tuple(cuts)), inputs=inputs, highlights=beyond)
    models = tuple(model_facts(spec))
    licences = licence_notes(models)
    if licences:
        # Before any work is done with them, and not with the result alone.
        task.report("reading", 0, spec.clip.length, note=" ".join(licences))
    known = replace(known, notes=(*notes_of(media, spec, beyond), *licences), models=models)
    plan = make_plan(spec, known)
    look.check_keys(plan.keys)
    compared = compare_keys(task, spec, plan, look)
    if compared.notes or compared.corrections:
        known = replace(known, corrections=compared.corrections, notes=(*known.notes, *compared.notes))
        plan = make_plan(spec, known)
    encoder = encoder_of(spec, plan, task.cache)
    if encoder.note:
        plan = make_plan(spec, replace(known, hardware=encoder.hardware, notes=(*known.notes, encoder.note)))
    # What was found out is true of these very files.
    Watch(named, plan.inputs).check()
    return plan, look


def highlights_of(task: Assignment, spec: Job, media: ClipReader) -> bool:
    """Whether the job keeps light beyond white."""

    def report(done: int, total: int, note: str = "") -> None:
        task.report("reading", done, total)

    return spec.asked.source.highlights and goes_beyond_white(media, spec.clip, task.cache, report)


def known_of(look: Look, media: ClipReader, cuts: tuple[int, ...] = ()) -> Known:
    """What a plan needs to know: the media's, and the look's."""
    return Known(
        media.size,
        cuts,
        look.identity(),
        look.traits,
        look.key_facts(),
        notes=media.notes,
        prompt_facts=look.prompt_facts,
        deep=media.deep,
        alpha=media.info.alpha,
    )


def missing(cache: Cache, plan: Plan) -> tuple[list[int], list[int]]:
    """Indices of the segment tasks that have to be rendered, and of the keys that these or the result need."""
    segment_tasks = [
        index for index, segment_task in enumerate(plan.segment_tasks) if cached_segment(cache, plan, index) is None
    ]
    keys = [index for index, key in enumerate(plan.key_hashes) if not cache.has("keys", key)]
    return keys, segment_tasks


def cached_segment(cache: Cache, plan: Plan, index: int) -> Entry | None:
    """The cache's entry of a segment task, carried where the plan allows and with the baked rendition if it wants one;
    None when there is none.
    """
    for device in plan.devices:
        for baked in (True,) if plan.baked else (True, False):
            found = cache.find("segments", plan.segment_tasks[index].filed(device, baked))
            if found is not None:
                return found
    return None


def look_of(shop: WorkerMemory, spec: Job, size: tuple[int, int], report: Progressed) -> Look:
    """The job's look, opened; the one that the worker has loaded when it is the same."""
    settings = spec.asked.look.neutral()
    stamps = [stamp_of(file.files).text for file in look_files(spec)]
    wanted = json_files.digest([spec.look, settings.values, list(size), stamps, spec.output.draft])
    if shop.look is not None and shop.look_key == wanted:
        return shop.look
    report("loading", 0, 1)
    # Two models at once may be one too many for the GPU.
    shop.forget()
    look = settings.open(size)
    if spec.output.draft:
        look = look.drafted()
    shop.look, shop.look_key, shop.loaded = look, wanted, spec.look
    return look


def job_spec(folder: Path) -> Job:
    """What was asked. Raises JobDamaged, BadJob, UnknownLook, BadSetting."""
    return Job.of(JobSpec.from_json(read_own(folder / "job.json")))


def saved_plan(folder: Path) -> tuple[Plan, str]:
    """The plan that `prepare` saved, and where the output folder led then. Raises JobDamaged."""
    body = read_own(folder / "plan.json")
    return Plan.from_json(body["plan"]), str(body["folder"])


def output_folder(task: Assignment, spec: Job) -> Path:
    """Where results go: the user's folder, or the job's own."""
    return Path(spec.output.folder) if spec.output.folder else task.folder / "result"


def targets_of(spec: Job, plan: Plan, folder: Path) -> dict[str, Path]:
    """Every file that the job leaves: strips by "strip N", and "baked", "preview", "otio", "sheet", "manifest"."""
    extension = FORMATS[plan.format].extension
    targets = {
        f"strip {strip.key}": folder / strip_name(strip.key, plan.keys[strip.key], extension, draft=plan.draft)
        for strip in plan.strips
    }
    if spec.output.baked:
        targets["baked"] = folder / baked_name(extension, draft=plan.draft)
    if spec.output.preview:
        targets["preview"] = folder / "preview.mp4"
    for name in ("otio", "sheet"):
        asked = getattr(spec.output, name)
        if asked:
            targets[name] = Path(asked)
    targets["manifest"] = folder / "manifest.json"
    return targets


def _check_outputs(task: Assignment, spec: Job, plan: Plan) -> Path:
    folder = output_folder(task, spec)
    return check_place(task.state_dir, folder, targets_of(spec, plan, folder).values())


def _cuts(task: Assignment, spec: Job, reader: ClipReader, source: Seen) -> tuple[int, ...]:
    """The clip's cuts, found once and kept."""
    clip = spec.clip
    facts = {
        "stage": CUTS_STAGE,
        "source": source.content.key,
        "time": str(clip.media_time(0)),
        "rate": str(clip.source_rate or clip.rate),
        "length": clip.length,
        **reading(spec),
    }
    key = json_files.digest(facts)
    found = task.cache.find("facts", key)
    if found is not None:
        return tuple(found.facts["cuts"])
    with task.cache.make("facts", key) as draft:
        cuts = find_cuts(reader, lambda done, total, note="": task.report("reading", done, total))
        Watch({"source": clip.paths}, {"source": source}).check()
        draft.facts["cuts"] = list(cuts)
    return tuple(cuts)
