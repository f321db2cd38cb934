"""The stages of a job, and the tasks of each.

render    prepare ──► keys ──► parts ──► finish        keys and parts that are cached have no task
seeds     seeds
suggest   suggest
both      elsewhere, in turns          a render or seeds that another computer's engine does
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from restrip.jobs.resources.memory import needs_of_look
from restrip.service.scheduler import Run, WorkerTask

KEYS_AT_ONCE = 8
"""Keys of one task: made together by the look, and the longest that others wait for their turn."""


def first_stage(run: Run, kind: str, elsewhere: bool = False) -> None:
    """Enter the first stage of a job of this kind; `elsewhere` when jobs go to another computer."""
    if elsewhere and kind in ("render", "seeds"):
        run.begin("elsewhere", [_task(run, "elsewhere", {})])
        return
    stage = "prepare" if kind == "render" else kind
    model = run.look if stage == "seeds" else ""
    run.begin(stage, [_task(run, stage, {}, model=model)])


def next_stage(run: Run, result: Mapping[str, Any]) -> bool:
    """Enter the stage after the present one, given the last task's result; False when the job is done.

    `result` of prepare: {"missing_keys": indices, "missing_parts": indices, "part_frames": frames of every part}.
    """
    if run.stage == "elsewhere" and result.get("again"):
        run.begin("elsewhere", [_task(run, "elsewhere", {})])
        return True
    if run.stage == "prepare":
        run.facts = dict(result)
        keys = list(result["missing_keys"])
        chunks = [keys[n : n + KEYS_AT_ONCE] for n in range(0, len(keys), KEYS_AT_ONCE)]
        run.begin("keys", [_task(run, "keys", {"keys": chunk}, model=run.look, units=len(chunk)) for chunk in chunks])
        if run.waiting:
            return True
    if run.stage == "keys":
        frames = run.facts["part_frames"]
        missing = run.facts["missing_parts"]
        run.begin("parts", [_task(run, "part", {"part": n}, units=frames[n]) for n in missing])
        if run.waiting:
            return True
    if run.stage == "parts":
        run.begin("finish", [_task(run, "finish", {"retries": run.retries, "made": run.made})])
        return True
    return False


def again(task: WorkerTask, machine: str = "", why: str = "", sparing: bool = True) -> WorkerTask:
    """The same task again, after it failed on a machine for a reason; `sparing`: with the next lower memory plan."""
    failed = (*task.failed, (machine, why))
    return replace(task, task_id=uuid.uuid4().hex, attempt=task.attempt + sparing, failed=failed)


def both(error: Mapping[str, Any], machine: str, before: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """The error of a task that failed on one machine, and on another before: with both reasons."""
    earlier = [(where, why) for where, why in before if where]
    if not machine or not earlier:
        return error
    reasons = "; ".join(f"on {where}: {why.rstrip('.')}" for where, why in earlier)
    detail = {**error.get("detail", {}), "failed": [*map(list, earlier), [machine, error.get("message", "")]]}
    message = f"It failed twice. On {machine}: {error.get('message', '')} Before that, {reasons}."
    return {**error, "message": message, "detail": detail}


def sparing(run: Run, task: WorkerTask) -> WorkerTask:
    """The task with the memory plan that its job has come to."""
    return replace(task, body={**task.body, "memory": run.memory}) if task.model and run.memory else task


def _task(run: Run, kind: str, body: dict[str, Any], model: str = "", units: int = 1) -> WorkerTask:
    needs = {**needs_of_look(run.look), **run.facts.get("needs", {})}
    return WorkerTask(uuid.uuid4().hex, kind, run.job_id, body, model, units, needs=needs)
