"""What tests of jobs share: a little clip with painted keys, and jobs done without a service."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from job_bench import little

__all__ = ["little"]
