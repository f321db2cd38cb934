"""How long stages take on this machine, learned from the tasks that were done: what the rest of a job may still take.

keys     seconds a key and million pixels, by the look's family
parts    seconds a frame and million pixels
finish   seconds a frame of the whole job and million pixels
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from restrip.jobs import files
from restrip.service.log import say
from restrip.service.scheduler import Run

SMOOTHING = 0.3
STAGES = ("keys", "parts", "finish")


@dataclass
class Pace:
    """Seconds of one worker, by stage. Kept in <state>/pace.json."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> Pace:
        """What was learned so far."""
        path = root / "pace.json"
        body = files.read_json(path) or {}
        kept = {
            name: float(s)
            for name, s in body.items()
            if isinstance(s, int | float) and not isinstance(s, bool) and s > 0
        }
        return cls(path, kept)

    def save(self) -> None:
        """Keep it; a full disk costs the estimates and nothing else."""
        try:
            files.write_json(self.path, self.seconds)
        except OSError as error:
            say("pace not saved", level=logging.ERROR, why=error.strerror)

    def measured(self, run: Run, units: int, seconds: float) -> None:
        """A task of the run's stage took so long for so many keys or frames."""
        mpx, name = _mpx(run), _name(run, run.stage)
        if mpx <= 0 or run.stage not in STAGES or units <= 0 or seconds <= 0:
            return
        new = seconds / (mpx * units)
        old = self.seconds.get(name, new)
        self.seconds[name] = old + SMOOTHING * (new - old)

    def expected_s(self, run: Run, stage: str, workers: int) -> float | None:
        """What a whole stage of a render takes with so many workers; None when none was ever done here."""
        units = units_of(run, stage)
        if not units:
            return 0.0
        learned = self.seconds.get(_name(run, stage))
        shared = 1 if stage == "finish" else max(1, workers)
        return None if learned is None or not _mpx(run) else learned * _mpx(run) * units / shared

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
    return f"keys {run.look.partition(':')[0]}" if stage == "keys" else stage
