"""The player beside the tests, and hypothesis with fixed seeds."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile("timeline", derandomize=True, deadline=None, database=None, max_examples=150)
settings.load_profile("timeline")
