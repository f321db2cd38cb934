"""How long the rest of a job may take, from the throughput of the tasks that were done here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from restrip.jobs.resources.throughput import Throughput, keys_of, segments_of
from restrip.service.log import say
from restrip.service.scheduler import Run, WorkerTask

STAGES = ("keys", "parts", "finish")


class Eta:
    """Learns from the tasks of runs, and says how long their stages take."""

    def __init__(self, throughput: Throughput) -> None:
        self.throughput = throughput
        self._unsaved = False

    def save(self) -> None:
        """Save the throughput; a full disk costs the estimates and nothing else."""
        if not self._unsaved:
            return
        try:
            self.throughput.save()
            self._unsaved = False
        except OSError as error:
            say("pace not saved", level=logging.ERROR, why=error.strerror)

    def measured(self, run: Run, task: WorkerTask, result: Mapping[str, Any], seconds: float) -> None:
        """A task of the run's stage took so long. What was found in the cache after all says nothing."""
        if run.stage not in STAGES or (run.stage != "finish" and not result.get("rendered")):
            return
        units = units_of(run, "finish") if run.stage == "finish" else task.units
        self.throughput.measured(_name(run, run.stage), seconds, _mpx(run) * units)
        self._unsaved = True

    def expected_s(self, run: Run, stage: str, workers: int) -> float | None:
        """What a whole stage of a render takes with so many workers; None when none was ever done here."""
        if stage not in STAGES:
            return None
        units = units_of(run, stage)
        if not units:
            return 0.0
        if not _mpx(run):
            return None
        alone = self.throughput.takes_s(_name(run, stage), _mpx(run) * units)
        shared = 1 if stage == "finish" else max(1, workers)
        return None if alone is None else alone / shared

    def later_s(self, run: Run, workers: int) -> float | None:
        """What the stages after the present one take; None when that isn't known for one of them."""
        if run.stage not in STAGES:
            return None if run.stage == "prepare" else 0.0
        rest = [self.expected_s(run, stage, workers) for stage in STAGES[STAGES.index(run.stage) + 1 :]]
        return None if None in rest else sum(s for s in rest if s is not None)


def units_of(run: Run, stage: str) -> int:
    """How many keys or frames a stage of a planned run has; `finish` goes over all frames of the job."""
    frames = run.facts.get("part_frames", [])
    if stage == "keys":
        return len(run.facts.get("missing_keys", []))
    return sum(frames[n] for n in run.facts.get("missing_parts", [])) if stage == "parts" else sum(frames)


def _mpx(run: Run) -> float:
    size = run.facts.get("size")
    return size[0] * size[1] / 1e6 if size else 0.0


def _name(run: Run, stage: str) -> str:
    draft = bool(run.facts.get("draft"))
    if stage == "keys":
        return keys_of(run.look, draft=draft)
    return segments_of(draft=draft) if stage == "parts" else stage
