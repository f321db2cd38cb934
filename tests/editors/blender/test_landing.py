"""Where results land: whatever lies around, the composed frame is as it was, with the source restyled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Blender = Callable[..., Any]
ARRANGEMENTS, CHUNK = 200, 100


@pytest.mark.parametrize("first", range(0, ARRANGEMENTS, CHUNK))
def test_a_result_that_looks_like_its_source_changes_no_frame(
    first: int, blender: Blender, counting: Callable[..., Path], tmp_path: Path
) -> None:
    seeds = list(range(first, first + CHUNK))
    wrong = blender("landing.arrangements", movie=str(counting("25")), folder=str(tmp_path), seeds=seeds)
    assert wrong == [], "\n".join(map(str, wrong))
