"""Small questions that need the media or the looks: probe, check, lists of looks and models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from restrip.client.job import JobSpec
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan
from restrip.jobs.outputs.delivery import check_place
from restrip.jobs.resources.disk import SPARE_MIB, free_mib, room_of
from restrip.jobs.resources.gpu import find_gpu
from restrip.jobs.resources.throughput import Throughput, keys_of, segments_of
from restrip.jobs.tasks.look_files import list_saved
from restrip.jobs.tasks.prepare import missing, plan_job, targets_of
from restrip.jobs.tasks.registry import Assignment
from restrip.jobs.travelling_files import together, told
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.checkpoints.finding import list_models as list_checkpoints
from restrip.looks.diffusion.checkpoints.origin import origin_of
from restrip.looks.style_transfer.gallery import list_looks as built_in_looks
from restrip.media import probe


def probe_media(task: Assignment) -> dict[str, Any]:
    """What a media file is: {"info": ...}."""
    return {"info": probe(task.body["paths"], stream=task.body.get("stream", 0)).to_json()}


def check_job(task: Assignment) -> dict[str, Any]:
    """What a job would take and whether it would fail, without keeping anything of it."""
    spec = Job.of(JobSpec.from_json(task.body["job"]))
    plan, look = plan_job(task, spec)
    warnings = list(plan.notes)
    if spec.output.folder:
        folder = Path(spec.output.folder)
        check_place(task.state_dir, folder, targets_of(spec, plan, folder).values())
    keys, segment_tasks = missing(task.cache, plan)
    estimate = look.estimate(plan.key_size)
    needs = None if estimate is None else estimate.needs_mib
    gpu = find_gpu()
    fixes = []
    if estimate is not None and gpu is not None and estimate.needs_mib > gpu["total_mib"]:
        in_turns = estimate.least_mib is not None and estimate.least_mib <= gpu["total_mib"]
        short = f"The look needs {needs} MiB and the GPU has {gpu['total_mib']}"
        if in_turns:
            warnings.append(" ".join([f"{short}: its networks will take turns, which is slower.", estimate.lighter]))
        else:
            width, height = look.largest(plan.key_size, gpu["total_mib"])
            advice = f"{short}: set the working size to {width}x{height} or less."
            fixes.append(" ".join(filter(None, [advice, estimate.lighter])))
    frames = sum(len(plan.segment_tasks[n].frames) for n in segment_tasks)
    room = free_mib(task.state_dir)
    disk = room_of(plan, segment_tasks, baked=spec.output.baked, preview=spec.output.preview).mib
    if disk + SPARE_MIB > room:
        fixes.append(
            f"About {math.ceil(disk)} MiB are needed on the disk, beside {SPARE_MIB} that are kept spare, and "
            f"{math.floor(room)} are free: make room."
        )
    return {
        "keys": len(plan.keys),
        "keys_cached": len(plan.keys) - len(keys),
        "segments": len(plan.segment_tasks),
        "segments_cached": len(plan.segment_tasks) - len(segment_tasks),
        "frames": frames,
        "size": list(plan.size),
        "format": plan.format,
        "needs_mib": needs,
        "disk_mib": round(disk, 1),
        "free_mib": round(room, 1),
        "fits": not fixes,
        "estimate_s": _estimate_s(task, spec.look, plan, len(keys), frames),
        "warnings": warnings,
        "fixes": fixes,
        "travels": [told(file, paths) for file, paths in together(spec)] if task.body.get("cluster") else [],
    }


def _estimate_s(task: Assignment, look: str, plan: Plan, keys: int, frames: int) -> float | None:
    """Seconds for so many keys and frames; None when such were never rendered here."""
    throughput, mpx = Throughput.load(task.state_dir), plan.size[0] * plan.size[1] / 1e6
    both = (
        throughput.takes_s(keys_of(look, draft=plan.draft), keys * mpx),
        throughput.takes_s(segments_of(draft=plan.draft), frames * mpx),
    )
    return None if None in both else round(sum(s for s in both if s is not None), 1)


def list_looks(task: Assignment) -> dict[str, Any]:
    """The built-in looks, {"looks": [{"name", "label", "thumbnail"}]}, and with "saved" the user's own too."""
    found = [{"name": name, "label": label, "thumbnail": str(path)} for name, label, path in built_in_looks()]
    return {"looks": found, "saved": list_saved() if task.body.get("saved") else []}


def list_models(task: Assignment) -> dict[str, Any]:
    """The checkpoints in a folder, {"models": [{"name", "path", "family", "hash", and what `Origin.facts` are}]};
    or the one that a look names, with hash "".
    """
    if "model" in task.body:
        one = find_checkpoint(task.body["model"])
        model = {"name": one.path.name, "family": one.family, "hash": "", "path": str(one.path)}
        return {"models": [{**model, **origin_of(one.path).facts()}]}
    folder = task.body["folder"]
    found = list_checkpoints(folder, lambda path: task.report("reading", 0, 0, note=path.name))
    return {"models": [{**one, **origin_of(Path(one["path"])).facts()} for one in found]}
