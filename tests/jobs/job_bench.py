"""A little clip, and jobs done step by step in the test's own process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restrip.client.job import JobSpec, Manifest, Output
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.media import Frame, MovieWriter, write_picture
from restrip.remote.tasks import TASKS
from restrip.storage import json_files
from restrip.timeline import ClipRange, Key, Rate

FRAMES = 24


def frame_of(n: int) -> Frame:
    """Frame n: a bright disc that moves over a ramp, 64x48."""
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    picture = np.stack([x * 3, y * 4, x + y], axis=2).astype(np.uint8)
    cv2.circle(picture, (14 + n, 24), 9, (250, 240, 60), -1)
    return Frame(picture)


@dataclass(frozen=True)
class Little:
    """A clip of FRAMES frames and the folder of its painted keys."""

    clip: Path
    painted: Path

    def job(self, job_id: str, *frames: int, length: int = FRAMES, **more: Any) -> JobSpec:
        """A job with keys on these frames and H.264 strips."""
        spec = JobSpec(
            job_id,
            ClipRange((str(self.clip),), Rate.of(25), length, name="little"),
            tuple(Key(frame) for frame in frames),
            f"keys:{self.painted}",
            cuts=(),
            output=Output(),
        )
        return replace(spec, **more)


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Little:
    """24 frames of 64x48 with a disc that moves, and their negatives as painted keys."""
    cv2.setNumThreads(1)
    folder = tmp_path_factory.mktemp("little")
    clip = folder / "clip.mkv"
    (folder / "painted").mkdir()
    with MovieWriter(clip, (64, 48), Rate.of(25), "ffv1") as writer:
        for n in range(FRAMES):
            frame = frame_of(n)
            writer.write(frame)
            write_picture(folder / "painted" / f"{n:05d}.png", Frame(np.ascontiguousarray(255 - frame.rgb)))
    return Little(clip, folder / "painted")


@dataclass
class Hand:
    """Does the tasks of jobs in this process, in a state folder of the test's."""

    state: Path
    shop: WorkerMemory = field(default_factory=WorkerMemory)
    reports: list[tuple[str, int, int, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state.mkdir(exist_ok=True)

    def again(self) -> Hand:
        """Another process with the same state folder."""
        return Hand(self.state)

    def folder(self, job_id: str) -> Path:
        return self.state / "jobs" / job_id

    def task(
        self, kind: str, of: str = "", attempt: int = 0, following: dict[str, Any] | None = None, **body: Any
    ) -> dict[str, Any]:
        """One task, `of` a job."""
        job = str(self.folder(of)) if of else ""
        message = {"kind": kind, "job": job, "state_dir": str(self.state), "body": body, "attempt": attempt}
        message["following"] = following
        return run_task(self.shop, message, self._report, TASKS)

    def put(self, spec: JobSpec, kind: str = "render") -> None:
        """Lay a job's folder out as the supervisor does."""
        self.folder(spec.job_id).mkdir(parents=True)
        json_files.write_json(self.folder(spec.job_id) / "job.json", {"kind": kind, **spec.to_json()})

    def run(self, spec: JobSpec) -> Manifest:
        """A whole job."""
        self.put(spec)
        found = self.task("prepare", spec.job_id)
        keys = self.task("keys", spec.job_id, keys=found["missing_keys"])["rendered"] if found["missing_keys"] else 0
        segment_tasks = sum(self.task("part", spec.job_id, part=n)["rendered"] for n in found["missing_parts"])
        done = self.task("finish", spec.job_id, retries=[], made={"keys": keys, "segments": segment_tasks})
        body: Mapping[str, Any] = json_files.read_json(Path(done["manifest"])) or {}
        return Manifest.from_json(body)

    def _report(self, phase: str, done: int, total: int, **more: Any) -> None:
        self.reports.append((phase, done, total, more))
