"""The little clip of the jobs' tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "jobs")]

from job_bench import little  # noqa: E402

__all__ = ["little"]
