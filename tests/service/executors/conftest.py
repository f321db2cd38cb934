"""The little clip of the jobs' tests, and what one worker here makes of the job on it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "jobs")]

import pytest  # noqa: E402
from floor import Floor, job  # noqa: E402
from job_bench import Little, little  # noqa: E402

from restrip.client.job import Manifest  # noqa: E402
from restrip.service.executors import LocalExecutor  # noqa: E402

__all__ = ["alone", "little"]


@pytest.fixture(scope="module")
def alone(little: Little, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The job as one worker here makes it."""
    place = tmp_path_factory.mktemp("alone")
    floor = Floor(place / "state", lambda start, root, limits: LocalExecutor(start, 1))
    try:
        floor.submit(job(little, place / "out"))
        return floor.manifest("job-1")
    finally:
        floor.close()
